"""One face lead as a value: where it stands, and what may become of it. Pure.

::

    pending    --one person confirms-------> first
    pending    --two persons confirm-------> confirmed
    first      --another person confirms---> confirmed
    pending, first, confirmed --reject-----> rejected
    pending, first --nobody for wait_s-----> expired
    pending, first, confirmed --station closes the alert--> closed
    confirmed  --an hour-------------------> over
    rejected, expired, closed, over --a day--> forgotten

Here: the table, and what a verdict is for a lead. Not here: what follows from it
(``agent.incidents.leads``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.border.orders import LeadVerdict
from agent.config.schema.base import Label
from agent.core.clock import Stamp
from agent.core.text import Text
from contract.words import Kind, Status

PERSONS = 2


class Standing(StrEnum):
    """Where a lead stands."""

    REVIEW = "review"
    PENDING = "pending"
    FIRST = "first"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLOSED = "closed"
    OVER = "over"


class Step(StrEnum):
    """What may happen to a lead."""

    ONE = "one person confirms"
    TWO = "two persons confirm"
    REJECT = "a person rejects"
    TIME = "its time is over"
    CLOSE = "the station closes the alert"


S, T = Standing, Step
TRANSITIONS: Mapping[tuple[Standing, Step], Standing] = {
    (S.PENDING, T.ONE): S.FIRST,
    (S.PENDING, T.TWO): S.CONFIRMED,
    (S.PENDING, T.REJECT): S.REJECTED,
    (S.PENDING, T.TIME): S.EXPIRED,
    (S.PENDING, T.CLOSE): S.CLOSED,
    (S.FIRST, T.ONE): S.FIRST,
    (S.FIRST, T.TWO): S.CONFIRMED,
    (S.FIRST, T.REJECT): S.REJECTED,
    (S.FIRST, T.TIME): S.EXPIRED,
    (S.FIRST, T.CLOSE): S.CLOSED,
    (S.CONFIRMED, T.ONE): S.CONFIRMED,
    (S.CONFIRMED, T.TWO): S.CONFIRMED,
    (S.CONFIRMED, T.REJECT): S.REJECTED,
    (S.CONFIRMED, T.TIME): S.OVER,
    (S.CONFIRMED, T.CLOSE): S.CLOSED,
    (S.REJECTED, T.REJECT): S.REJECTED,
    (S.CLOSED, T.REJECT): S.REJECTED,
}
WAITING = (S.PENDING, S.FIRST)
DECIDED = (S.REJECTED, S.EXPIRED, S.CLOSED, S.OVER)


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead, by the id of its alert; ``entry`` is empty once it is decided against."""

    id: str
    kind: Kind
    status: Status
    camera: str
    where: str
    entry: str
    rule: str
    silent: bool
    since: Stamp
    standing: Standing
    moved: Stamp
    persons: tuple[str, ...] = ()
    cmds: tuple[str, ...] = ()
    said: str = ""

    @property
    def exercise(self) -> bool:
        """True for a drill's."""
        return self.status is Status.EXERCISE


def persons_of(lead: Lead, args: LeadVerdict) -> tuple[str, ...]:
    """Everybody who confirmed so far, each once whatever the spelling."""
    known = {person.strip().casefold(): person for person in lead.persons}
    for decision in args.decisions:
        known.setdefault(decision.by.strip().casefold(), decision.by)
    return tuple(known.values())


def step_of(lead: Lead, args: LeadVerdict) -> Step:
    """What the verdict is for this lead, with those who confirmed before."""
    if args.verdict == "reject":
        return Step.REJECT
    return Step.TWO if len(persons_of(lead, args)) >= PERSONS else Step.ONE


def likeness_of(lead: Lead) -> tuple[str, str, bool]:
    """Camera, entry and realm: of a review, what makes it the same."""
    return lead.camera, lead.entry, lead.exercise


def wait_text(kind: Kind, place: Label) -> Text:
    """What the guard reads before it is confirmed; of a missing person in words of care."""
    if kind is Kind.MISSING_SIGHTING:
        return Text(
            f"{place.en}: somebody there may need help. Wait for the station",
            f"{place.zh}：可能有需要帮助的人，请等待派出所核实",
        )
    return Text(
        f"{place.en}: possible match. Wait for the station",
        f"{place.zh}：疑似匹配，请等待派出所核实",
    )
