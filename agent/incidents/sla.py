"""1-3-5: a clock for each grave incident, from its first cause to help on the spot.

A limit that passes while a stage waits (``agent.incidents.sla_clock``) is an ``sla.breach``, once.
A clock ends with its report when the incident is over, or after an hour. Everything that happens
meanwhile goes into the timeline, which is told as ``~/report/incident/{id}`` in the end; each
moment carries the hash of the one before, so that none can be changed unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.config.schema.sla import SlaConfig
from agent.core.answers import Answer, GuardAnswered, Helper
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Details, Note, Raise, Tell
from agent.core.events import AckReceived, Event, IncidentChanged, Stand
from agent.core.text import Text
from agent.incidents.sla_clock import (
    NAME,
    STAGES,
    Clock,
    Moment,
    Sign,
    breach_key,
    chained,
    stages_met,
)
from agent.incidents.way import Item, Way
from contract.words import Kind, Severity, Status, Urgency

LINGER_NS = 3600 * NS_PER_S
LONGEST_TIMELINE = 500
ARRIVED = "sla.arrived"
_NAMES = {
    1: Text("Self-help", "自救"),
    3: Text("Mutual help", "互救"),
    5: Text("Reinforcement", "增援"),
}


@dataclass(slots=True)
class Sla(Way[Clock]):
    """The clocks of this gate, by incident."""

    NAME: ClassVar[str] = NAME
    CASE: ClassVar[type] = Clock

    config: SlaConfig
    settings: Callable[[], SlaConfig] | None = None

    def carried(self, kind: Kind, incident: str | None) -> Details:
        """What every alert of an incident says of its clock; *incident* None: it opens."""
        if kind not in self.config.kinds:
            return {}
        clock = self.cases.get(incident or "")
        limits = self._now.limits if clock is None else self._limits(clock)
        return {"sla": {str(stage): limit_s for stage, limit_s in limits.items()}}

    @property
    def due_ns(self) -> int | None:
        """When the next limit is over, or a clock has run for long enough."""
        dues = [due for clock in self.cases.values() for due in self._dues(clock)]
        return min(dues, default=None)

    def wipe(self, now: Stamp) -> None:  # noqa: ARG002 - forgets whatever the time
        """Real clocks go on; who was there is forgotten."""
        for incident, clock in list(self.cases.items()):
            if clock.status is Status.ACTUAL:
                self.keep(incident, replace(clock, timeline=()))
            else:
                self.end(incident)

    @property
    def items(self) -> list[Item]:
        """Incidents that wait for help."""
        return [
            Item(
                clock.incident,
                self.NAME,
                Text(f"{clock.kind} at {clock.where}: who is there?", f"{clock.where}：谁已到场？"),
                clock.began,
                (Answer.ARRIVED, Answer.REJECT),
                clock.status,
                ", ".join(f"{stage} min met" for stage in sorted(clock.met)),
                helpers=tuple(helper for helper in Helper if _changes(clock, helper)),
            )
            for clock in self.cases.values()
            if len(clock.met) < len(STAGES)
        ]

    def on_event(self, event: Event) -> list[Decision]:
        """Incidents, what the station says of them, and who arrives."""
        match event:
            case IncidentChanged(kind=kind) if kind in self.config.kinds:
                return self._incident(event)
            case AckReceived(alert_id=alert):
                for clock in [c for c in self.cases.values() if alert in c.alerts]:
                    self._note(clock, event.at, f"ack.{event.stage}", event.by, {"alert": alert})
            case GuardAnswered(answer=Answer.ARRIVED):
                return self._arrived(event)
            case GuardAnswered(answer=Answer.REJECT, about=about) if about in self.cases:
                details = {"with": event.by, "note": event.note}
                self._note(self.cases[about], event.at, "rejected", event.who, details)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Limits that are over unmet, and clocks that have nothing more to wait for."""
        decisions: list[Decision] = []
        for clock in list(self.cases.values()):
            over = self._over(clock, now)
            decisions += [self._breach(self.cases[clock.incident], s, now) for s in over]
            if now.monotonic_ns >= _last_ns(clock):
                decisions += self._report(self.cases[clock.incident], now, "an hour has passed")
        return decisions

    def _incident(self, event: IncidentChanged) -> list[Decision]:
        clock = self.cases.get(event.incident)
        if event.stand is Stand.ENDED:
            return [] if clock is None else self._report(clock, event.at, "incident over")
        if clock is None:
            clock = Clock(
                event.incident,
                event.kind,
                event.status,
                event.severity,
                event.device,
                event.where,
                event.at,
                limits=self._now.limits,
            )
        if event.alert is not None:
            clock = replace(clock, alerts=(*clock.alerts, event.alert))
        self._note(clock, event.at, f"incident.{event.stand}", "gate", {"severity": event.severity})
        return []

    def _arrived(self, event: GuardAnswered) -> list[Decision]:
        clock = self.cases.get(event.about or "")
        if clock is None:
            return []
        after_s = round((event.at.monotonic_ns - clock.began.monotonic_ns) / NS_PER_S, 1)
        met = _changes(clock, event.helper)
        for stage in met:
            clock = clock.went(stage, Sign.ARRIVED, after_s)
        details = {"helper": event.helper.value, "after_s": after_s, "with": event.by}
        self._note(clock, event.at, "arrived", event.who, details)
        told = {**details, "of": clock.incident, "stages": met, "who": event.who[:64]}
        return [Note(event.at, ARRIVED, clock.device, clock.where, told, clock.status)]

    def _breach(self, clock: Clock, stage: int, now: Stamp) -> Decision:
        limit_s = self._limits(clock)[stage]
        clock = clock.went(stage, Sign.LIMIT)
        self._note(clock, now, f"sla.breach.{stage}", "gate", {"limit_s": limit_s})
        name = _NAMES[stage]
        return Raise(
            at=now,
            rule=self.NAME,
            kind=Kind.SLA_BREACH,
            key=breach_key(clock.incident, stage),
            severity=Severity.MAJOR,
            urgency=Urgency.IMMEDIATE,
            text=Text(
                f"{name.en} not there after {limit_s:g} s: {clock.where}",
                f"{limit_s:g} 秒内未完成{name.zh}：{clock.where}",
            ),
            device=clock.device,
            where=clock.where,
            details={"stage": stage, "of": clock.incident, "kind": clock.kind, "limit_s": limit_s},
            status=clock.status,
        )

    def _report(self, clock: Clock, now: Stamp, why: str) -> list[Decision]:
        clock = self._note(clock, now, "closed", "gate", {"why": why})
        self.end(clock.incident)
        figures = {
            "kind": clock.kind,
            "met_s": {str(stage): after_s for stage, after_s in sorted(clock.met.items())},
            "broken": list(clock.broken),
            "limits_s": {str(stage): limit for stage, limit in self._limits(clock).items()},
            "chain": clock.timeline[-1].chain,
        }
        body = {
            "report_id": clock.incident,
            "kind": "incident",
            "at": now.utc,
            "from": clock.began.utc,
            "to": now.utc,
            "status": clock.status.value,
            "timeline": [
                {"at": m.at, "what": m.what, "by": m.by, "details": {**m.details, "chain": m.chain}}
                for m in clock.timeline
            ],
            "figures": figures,
        }
        return [Tell(("report", "incident", clock.incident), body, clock.status)]

    def _note(self, clock: Clock, at: Stamp, what: str, by: str, details: Details) -> Clock:
        """Add a line to the timeline and keep the clock; a flood is cut, not kept."""
        if len(clock.timeline) < LONGEST_TIMELINE or what == "closed":
            before = clock.timeline[-1].chain if clock.timeline else ""
            by = by[:64]
            moment = Moment(at.utc, what, by, details, chained(before, at, what, by, details))
            clock = replace(clock, timeline=(*clock.timeline, moment))
        self.keep(clock.incident, clock)
        return clock

    def _over(self, clock: Clock, now: Stamp) -> list[int]:
        passed_ns = now.monotonic_ns - clock.began.monotonic_ns
        return [
            stage
            for stage in clock.open_to(Sign.LIMIT)
            if passed_ns >= self._limits(clock)[stage] * NS_PER_S
        ]

    def _dues(self, clock: Clock) -> list[int]:
        waiting = clock.open_to(Sign.LIMIT)
        began_ns = clock.began.monotonic_ns
        limits_s = self._limits(clock)
        limits = [began_ns + round(limits_s[stage] * NS_PER_S) for stage in waiting]
        return [*limits, _last_ns(clock)]

    @property
    def _now(self) -> SlaConfig:
        return self.settings() if self.settings else self.config

    def _limits(self, clock: Clock) -> Mapping[int, float]:
        return clock.limits or self.config.limits


def _changes(clock: Clock, helper: Helper) -> list[int]:
    """The stages of *clock* that are met, or met late, when *helper* is there."""
    return [stage for stage in clock.open_to(Sign.ARRIVED) if stage in stages_met(helper)]


def _last_ns(clock: Clock) -> int:
    return clock.began.monotonic_ns + LINGER_NS
