"""Coordinated tracking and missing persons: faces that a signed order has this gate look for.

::

    (none)   --track.start, search.start-->  looking
    looking  --sighting------------------->  looking   the next number of the sequence goes up
    looking  --stop, expired, wiped, photos refused--> (none)

Each sighting goes up as a lead with camera, direction and number, and waits for persons as every
lead does (``agent.incidents.leads``). Here: what is looked for, and what is said of it. Not here:
the face (``agent.watchlist.hot``), the orders' checks (``agent.pipeline.sought``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from agent.config.schema.answering import SoughtConfig
from agent.core.answers import Ordered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Close, Decision, Note, Raise
from agent.core.events import EntryGone, Event, FaceLead, FaceReview
from agent.incidents.way import Way
from contract.words import CommandName, Kind, ListName, Severity, Status, Urgency
from rules.base import Place
from rules.texts import sentence
from rules.watch import lead_details


@dataclass(frozen=True, slots=True)
class Manner:
    """How one kind of order speaks."""

    name: str
    kind: Kind


TRACK = Manner("track", Kind.TRACK_SIGHTING)
SEARCH = Manner("search", Kind.MISSING_SIGHTING)
STARTS = {CommandName.TRACK_START: TRACK, CommandName.SEARCH_START: SEARCH}
STOPS = {CommandName.TRACK_STOP: TRACK, CommandName.SEARCH_STOP: SEARCH}
_MANNERS = {manner.name: manner for manner in (TRACK, SEARCH)}


@dataclass(frozen=True, slots=True)
class Hunt:
    """One order at work. ``seen``: when each camera saw the face last; ``n`` how often it was."""

    order: str
    entry: str
    listed: ListName
    status: Status
    silent: bool
    lower: bool
    cmd: str
    began: Stamp
    n: int = 0
    seen: Mapping[str, Stamp] = field(default_factory=dict)

    @property
    def manner(self) -> Manner:
        """How it speaks."""
        return _MANNERS[self.order]


@dataclass(slots=True)
class Sought(Way[Hunt]):
    """The orders of this gate, by entry and realm."""

    NAME: ClassVar[str] = "sought"
    CASE: ClassVar[type] = Hunt

    config: SoughtConfig
    places: Mapping[str, Place]

    def hunt(self, entry_id: str, exercise: bool) -> Hunt | None:  # noqa: FBT001 - a key
        """The order about that entry of a drill or not."""
        return self.cases.get(key_of(entry_id, exercise))

    def silent(self, entry_id: str, exercise: bool) -> bool:  # noqa: FBT001 - a key
        """True when nothing of that entry may show at this gate."""
        hunt = self.hunt(entry_id, exercise)
        return hunt is not None and hunt.silent

    def takes(self, review: FaceReview) -> bool:
        """True when a likeness is not for the guard: it goes up marked, or nothing may show."""
        hunt = self.hunt(review.lead.entry_id, review.lead.exercise)
        return hunt is not None and (hunt.silent or (hunt.lower and not review.held))

    def on_event(self, event: Event) -> list[Decision]:
        """Orders, sightings, and entries that went by themselves."""
        match event:
            case Ordered(name=name) if name in STARTS:
                return self._start(event, STARTS[name])
            case Ordered(name=name) if name in STOPS:
                told = {"by": event.args["by"], "why": event.args["reason"]}
                more = {"found": event.args["found"], "cmd_id": event.cmd_id}
                return self._stop(str(event.args["entry_id"]), event, {**told, **more})
            case EntryGone():
                return self._stop(event.entry_id, event, {"by": "gate", "why": event.why})
            case FaceLead():
                return self._seen(event, lower=False)
            case FaceReview(lead=lead, held=False):
                return self._seen(lead, lower=True)
        return []

    def took(self, cmd_id: str) -> bool:
        """Whether an order is at work."""
        return any(hunt.cmd == cmd_id for hunt in self.cases.values())

    def _start(self, order: Ordered, manner: Manner) -> list[Decision]:
        args = order.args
        hunt = Hunt(
            order=manner.name,
            entry=str(args["entry_id"]),
            listed=ListName(str(args["list"])),
            status=Status.EXERCISE if order.exercise else Status.ACTUAL,
            silent=args["silent"] is True,
            lower=args["lower_threshold"] is True,
            cmd=order.cmd_id,
            began=order.at,
        )
        self.keep(key_of(hunt.entry, order.exercise), hunt)
        told = {name: args[name] for name in ("by", "reason", "silent", "expires_at")}
        return [self._note(hunt, "started", order.at, {**told, "cmd_id": order.cmd_id})]

    def _stop(
        self, entry_id: str, event: Ordered | EntryGone, told: Mapping[str, object]
    ) -> list[Decision]:
        hunt = self.end(key_of(entry_id, event.exercise))
        if hunt is None:
            return []
        ended = self._note(hunt, "ended", event.at, {**told, "sightings": hunt.n})
        return [ended, Close(_incident(hunt))]

    def _seen(self, lead: FaceLead, *, lower: bool) -> list[Decision]:
        hunt = self.hunt(lead.entry_id, lead.exercise)
        if hunt is None or (lower and not hunt.lower) or lead.camera not in self.places:
            return []
        before = hunt.seen.get(lead.camera)
        again_ns = round(self.config.again_s * NS_PER_S)
        if before is not None and lead.at.monotonic_ns - before.monotonic_ns < again_ns:
            return []
        hunt = replace(hunt, n=hunt.n + 1, seen={**hunt.seen, lead.camera: lead.at})
        self.keep(key_of(hunt.entry, lead.exercise), hunt)
        return [self._sighting(hunt, lead, lower=lower)]

    def _sighting(self, hunt: Hunt, lead: FaceLead, *, lower: bool) -> Decision:
        place, kind = self.places[lead.camera], hunt.manner.kind
        tracked = kind is Kind.TRACK_SIGHTING
        details = {
            **lead_details(lead, hunt.listed),
            "sequence": hunt.n,
            "direction": lead.direction,
            "lower_threshold": lower,
            "silent": hunt.silent,
        }
        return Raise(
            at=lead.at,
            rule=hunt.order,
            kind=kind,
            key=_incident(hunt),
            severity=Severity.MAJOR if tracked else Severity(self.config.search_severity),
            urgency=Urgency.IMMEDIATE,
            text=sentence(kind.value, place.label),
            device=lead.camera,
            where=place.where,
            details=details,
            status=hunt.status,
            picture=lead.picture,
        )

    def _note(self, hunt: Hunt, word: str, at: Stamp, told: Mapping[str, object]) -> Decision:
        kind = f"{hunt.order}.{word}"
        return Note(at, kind, "gate", "", {"entry_id": hunt.entry, **told}, hunt.status)


def key_of(entry_id: str, exercise: bool) -> str:  # noqa: FBT001 - a key
    """The case's key: a drill's entry is another one."""
    return f"{'exercise' if exercise else 'actual'}:{entry_id}"


def _incident(hunt: Hunt) -> str:
    return f"{hunt.order}:{key_of(hunt.entry, hunt.status is Status.EXERCISE)}"
