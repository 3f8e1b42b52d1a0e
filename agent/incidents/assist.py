"""A call for assistance: answered by the guard or a person at the station, or it becomes graver.

::

    waiting  --seen, coming or arrived-->     answered
    waiting  --the station's ack from seen--> answered
    waiting  --its time, nobody answered-->   raised     an Update, more severe, once
    raised   --any of these answers-->        answered
    any      --incident over-->               (none)

Who cannot come says so; that is told, and answers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.config.schema.escalation import AssistConfig
from agent.core.answers import Answer, GuardAnswered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Note
from agent.core.events import AckReceived, Event, IncidentChanged
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from agent.incidents.book import Open
from agent.incidents.escalation import again
from agent.incidents.reply import may_follow
from agent.incidents.way import Item, OfIncidents, newest
from contract.words import Kind, Severity, Stage, Status

PREFIX = "assist-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody wants assistance. ``said`` is the guard's last answer."""

    incident: IncidentId
    status: Status
    device: str
    where: str
    text: Text
    began: Stamp
    alerts: tuple[AlertId, ...]
    said: str = ""
    answered: bool = False
    raised: bool = False


@dataclass(slots=True)
class Assist(OfIncidents[Wanted]):
    """Open calls for assistance, by incident."""

    NAME: ClassVar[str] = "assist"
    CASE: ClassVar[type] = Wanted

    config: AssistConfig
    standing: Callable[[str], Open | None]

    @property
    def due_ns(self) -> int | None:
        """When the next one has waited for too long."""
        waiting = [w for w in self.cases.values() if not w.answered and not w.raised]
        return min((self._due_ns(wanted) for wanted in waiting), default=None)

    @property
    def items(self) -> list[Item]:
        """What the guard may answer (again)."""
        return [
            Item(
                PREFIX + wanted.incident,
                self.NAME,
                wanted.text,
                wanted.began,
                may_follow(wanted.said),
                wanted.status,
                wanted.said,
            )
            for wanted in self.cases.values()
            if may_follow(wanted.said)
        ]

    def on_event(self, event: Event) -> list[Decision]:
        """Incidents, acks and answers."""
        match event:
            case IncidentChanged(kind=Kind.ASSIST):
                self.incident(event)
            case AckReceived(stage=stage) if Stage(stage).rank >= Stage.SEEN.rank:
                for wanted in [w for w in self.cases.values() if event.alert_id in w.alerts]:
                    self.keep(wanted.incident, replace(wanted, answered=True))
            case GuardAnswered():
                return self._answered(event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """What nobody answered becomes graver."""
        decisions: list[Decision] = []
        for wanted in list(self.cases.values()):
            over = now.monotonic_ns >= self._due_ns(wanted)
            if wanted.answered or wanted.raised or not over:
                continue
            self.keep(wanted.incident, replace(wanted, raised=True))
            standing = self.standing(wanted.incident)
            if standing is not None:
                decisions.append(self._graver(wanted, standing, now))
        return decisions

    def begun(self, event: IncidentChanged, alert: AlertId, text: Text) -> Wanted:
        """Somebody calls."""
        head = (event.incident, event.status, event.device, event.where)
        return Wanted(*head, text, event.at, (alert,))

    def gone_on(self, case: Wanted, event: IncidentChanged, alert: AlertId) -> Wanted:  # noqa: ARG002
        """They call again."""
        return replace(case, alerts=newest(case.alerts, alert))

    def _answered(self, event: GuardAnswered) -> list[Decision]:
        named = (event.about or "").startswith(PREFIX)
        wanted = self.cases.get((event.about or "").removeprefix(PREFIX)) if named else None
        if wanted is None or event.answer not in may_follow(wanted.said):
            return []
        helps = event.answer is not Answer.CANNOT
        said = event.answer.value
        self.keep(wanted.incident, replace(wanted, said=said, answered=wanted.answered or helps))
        details = {
            "of": wanted.incident,
            "said": said,
            "who": event.who,
            "with": event.by,
            "eta_s": event.eta_s,
            "note": event.note,
        }
        device, where = wanted.device, wanted.where
        return [Note(event.at, "assist.answered", device, where, details, wanted.status)]

    def _graver(self, wanted: Wanted, standing: Open, now: Stamp) -> Decision:
        waited_s = f"{self.config.after_s:g}"
        text = Text(
            f"Nobody answered for {waited_s} s: {wanted.text.en}"[:300],
            f"{waited_s} 秒无人应答：{wanted.text.zh}"[:300],
        )
        wished = Severity(self.config.severity)
        severity = max(wished, standing.severity, key=lambda each: each.rank)
        return again(standing, now, text, {"unanswered_s": self.config.after_s}, severity)

    def _due_ns(self, wanted: Wanted) -> int:
        return wanted.began.monotonic_ns + round(self.config.after_s * NS_PER_S)
