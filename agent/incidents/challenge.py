"""One challenge of the guard's post: where it stands, and what may become of it. Pure.

Here: the table. Not here: times, sounds, facts and alerts (``agent.incidents.post``).
"""

from __future__ import annotations

from enum import StrEnum


class Watch(StrEnum):
    """Where a challenge stands."""

    QUIET = "quiet"
    ASKED = "asked"
    REMINDED = "reminded"
    ABSENT = "absent"


class Turn(StrEnum):
    """What a challenge goes through."""

    ASKED = "challenged"
    LATE = "nobody answered in time"
    LATE_IN_DRILL = "nobody answered in time in a drill"
    PRESENT = "present"


TRANSITIONS = {
    (Watch.QUIET, Turn.ASKED): Watch.ASKED,
    (Watch.ASKED, Turn.LATE): Watch.REMINDED,
    (Watch.ASKED, Turn.LATE_IN_DRILL): Watch.REMINDED,
    (Watch.REMINDED, Turn.LATE): Watch.ABSENT,
    (Watch.REMINDED, Turn.LATE_IN_DRILL): Watch.QUIET,
    **{(watch, Turn.PRESENT): Watch.QUIET for watch in Watch},
}


def turned(watch: Watch, turn: Turn) -> Watch:
    """Where it stands after *turn*; ValueError for a move that there is not."""
    try:
        return TRANSITIONS[watch, turn]
    except KeyError:
        raise ValueError(f"a challenge that is {watch} cannot be {turn}") from None
