"""Incidents that wait for help, as the station hears of them: the 1-3-5 clock and the level.

Limits, chain and level travel in the alerts themselves; arrivals are facts, limits that passed are
alerts of their own. They are put together here in whatever order they come. Here: values and the
putting together, no I/O. Not here: reading the file (``station.going``), looks
(``station.answering_view``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agent.core.clock import NS_PER_S, format_utc
from contract.words import Kind, MsgType, Stage, Status

LONGEST_NS = 75 * 60 * NS_PER_S
Key = tuple[str, str]


class Step(StrEnum):
    """Where one stage of a clock stands."""

    WAITING = "waiting"
    MET = "met"
    BROKEN = "broken"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class StageStand:
    """One stage of a clock: 1, 3 or 5. ``after_s`` is when help was there, None while nobody is."""

    stage: int
    limit_s: float
    step: Step
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """One level of an escalation chain."""

    level: str
    en: str
    zh: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident that is not over.

    ``stages`` is empty without a clock, ``chain`` without an escalation; ``level``, an index of it,
    is who is meant now; ``stage`` and ``by`` the furthest word of the station on it.
    """

    source: str
    incident: str
    kind: str
    status: Status
    where: str
    began_ns: int
    stages: tuple[StageStand, ...]
    chain: tuple[Level, ...]
    level: int
    stage: Stage
    by: str

    @property
    def taken_up_by(self) -> str:
        """The person at the station who went furthest with it; empty: nobody looked at it yet."""
        return "" if self.stage is Stage.RECEIVED else self.by

    @property
    def next_level(self) -> Level | None:
        """Who is meant next, unless somebody takes it up."""
        above = self.chain[self.level + 1 : self.level + 2]
        return above[0] if above and not self.taken_up_by else None


@dataclass(frozen=True, slots=True)
class Said:
    """An alert or a fact of a gate, as far as it matters here; ``data`` is the message's own."""

    source: str
    id: str
    kind: str
    status: Status
    began_ns: int
    received_ns: int
    msgtype: str
    incident: str
    data: Mapping[str, Any]
    stage: Stage = Stage.RECEIVED
    by: str = ""


@dataclass(slots=True)
class _Going:
    """What is known of one incident so far."""

    head: Said | None = None
    limits: dict[int, float] = field(default_factory=dict)
    met: dict[int, float] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    chain: tuple[Level, ...] = ()
    level: int = 0
    stage: Stage = Stage.RECEIVED
    by: str = ""
    over: bool = False
    last_ns: int = 0


class Incidents:
    """Puts the words of gates and of the station together."""

    def __init__(self) -> None:
        self._going: dict[Key, _Going] = {}
        self._of: dict[Key, Key] = {}

    def alert(self, said: Said) -> None:
        """An alert: what it says of its own incident, and a broken limit of another."""
        details = said.data.get("details", {})
        if said.kind == Kind.SLA_BREACH:
            about = self._about(said.source, str(details.get("of")), said.received_ns)
            about.broken.add(int(details.get("stage", 0)))
            return
        known = (said.source, said.incident) in self._going
        if not known and not (details.get("sla") or details.get("escalation")):
            return
        going = self._about(said.source, said.incident, said.received_ns)
        self._of[said.source, said.id] = (said.source, said.incident)
        if going.head is None or said.began_ns < going.head.began_ns:
            going.head = said
        going.limits.update({int(s): float(v) for s, v in details.get("sla", {}).items()})
        going.chain = _chain(details.get("escalation", ())) or going.chain
        names = [level.level for level in going.chain]
        if details.get("level") in names:
            going.level = max(going.level, names.index(details["level"]))
        going.over = going.over or said.msgtype == MsgType.CANCEL
        self._stage(going, said.stage, said.by)

    def arrived(self, said: Said) -> None:
        """The fact that somebody is there."""
        details = said.data.get("details", {})
        going = self._about(said.source, str(details.get("of")), said.received_ns)
        for stage in details.get("stages", ()):
            going.met.setdefault(int(stage), float(details.get("after_s", 0)))

    def acked(self, source: str, alert_id: str, stage: Stage, by: str) -> None:
        """A person at the station said how far an alert is."""
        key = self._of.get((source, alert_id))
        if key is not None:
            self._stage(self._going[key], stage, by)

    def reported(self, source: str, incident: str) -> None:
        """The gate's report: its clock has ended."""
        if (source, incident) in self._going:
            self._going[source, incident].over = True

    def open(self, now_ns: int) -> tuple[Incident, ...]:
        """What is not over, oldest first; what nobody spoke of for long is forgotten."""
        old = [k for k, going in self._going.items() if now_ns - going.last_ns > LONGEST_NS]
        for key in old:
            del self._going[key]
        if old:
            self._of = {alert: key for alert, key in self._of.items() if key in self._going}
        found = [
            _incident(going.head, going)
            for going in self._going.values()
            if going.head is not None and not going.over
        ]
        return tuple(sorted(found, key=lambda incident: incident.began_ns))

    def _about(self, source: str, incident: str, at_ns: int) -> _Going:
        going = self._going.setdefault((source, incident), _Going())
        going.last_ns = max(going.last_ns, at_ns)
        return going

    def _stage(self, going: _Going, stage: Stage, by: str) -> None:
        if stage.rank > going.stage.rank:
            going.stage, going.by = stage, by
        going.over = going.over or stage is Stage.CLOSED


def clock_json(incident: Incident, *, over: bool = False) -> dict[str, object]:
    """The clock of an incident for programs; without what only time changes."""
    stages = [
        {"stage": s.stage, "limit_s": s.limit_s, "state": s.step.value, "after_s": s.after_s}
        for s in incident.stages
    ]
    return {**_head(incident), "stages": stages, "over": over}


def level_json(incident: Incident) -> dict[str, object]:
    """The escalation of an incident for programs."""
    level = incident.chain[incident.level]
    chain = [{"level": each.level, "after_s": each.after_s} for each in incident.chain]
    named = {"level": level.level, "name": {"en": level.en, "zh": level.zh}, "chain": chain}
    return {**_head(incident), **named, "taken_up_by": incident.taken_up_by}


def _head(incident: Incident) -> dict[str, object]:
    return {
        "source": incident.source,
        "incident": incident.incident,
        "kind": incident.kind,
        "status": incident.status.value,
        "where": incident.where,
        "began_at": format_utc(incident.began_ns),
    }


def _incident(head: Said, going: _Going) -> Incident:
    stages = tuple(
        StageStand(stage, limit_s, _step(going, stage), going.met.get(stage))
        for stage, limit_s in sorted(going.limits.items())
    )
    where = str(head.data.get("where", ""))
    named = (head.source, head.incident, head.kind, head.status, where, head.began_ns)
    return Incident(*named, stages, going.chain, going.level, going.stage, going.by)


def _step(going: _Going, stage: int) -> Step:
    if stage in going.met:
        return Step.LATE if stage in going.broken else Step.MET
    return Step.BROKEN if stage in going.broken else Step.WAITING


def _chain(told: Sequence[Mapping[str, Any]]) -> tuple[Level, ...]:
    return tuple(
        Level(each["level"], each["name"]["en"], each["name"]["zh"], float(each["after_s"]))
        for each in told
    )
