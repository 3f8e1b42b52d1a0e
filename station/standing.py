"""Where a lead stands after the words of persons at the station. Pure.

Not here: writing the words down (``station.verdicts``), who may say what (``station.leads``).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

PERSONS = 2


class Word(StrEnum):
    """What a person may say of a lead."""

    CONFIRM = "confirm"
    REJECT = "reject"


class Standing(StrEnum):
    """How far a lead is: FIRST waits for the second person, CLOSED was acked without any."""

    PENDING = "pending"
    FIRST = "first"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLOSED = "closed"


WAITING = frozenset({Standing.PENDING, Standing.FIRST})


def standing_of(words: Sequence[str], *, closed: bool = False, expired: bool = False) -> Standing:
    """Two persons confirm a lead, or one rejects it.

    One that still waits when its alert is ``closed``, or that its gate waited for long enough for
    (``expired``), waits no more.
    """
    if Word.REJECT in words:
        return Standing.REJECTED
    if len(words) >= PERSONS:
        return Standing.CONFIRMED
    if closed:
        return Standing.CLOSED
    if expired:
        return Standing.EXPIRED
    return Standing.FIRST if words else Standing.PENDING
