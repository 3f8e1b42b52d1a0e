"""Acks that cannot be meant: a person's word on an alert that this gate does not know.

A copy of ``received``, a stage that came twice or after the end change nothing and are no fault.
Here: the alerts that were sent lately, over restarts. Not here: what an ack does to an incident
(``agent.incidents.book``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Note
from agent.core.events import AckReceived, Event, IncidentChanged
from agent.incidents.way import Way
from agent.runtime.ration import Ration
from contract.words import Refusal, Stage

KNOWN_NS = 7 * 86_400 * NS_PER_S
MOST = 2000
UNUSED = "ack.unused"


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert of this gate."""

    at: Stamp


@dataclass(slots=True)
class Acks(Way[Sent]):
    """The newest alerts, by id, for a week."""

    NAME: ClassVar[str] = "acks"
    CASE: ClassVar[type] = Sent

    _ration: Ration = field(default_factory=Ration, init=False)

    def on_event(self, event: Event) -> list[Decision]:
        """Alerts as they go out, and what the station says of them."""
        match event:
            case IncidentChanged(alert=str() as alert):
                self._make_room(event.at)
                self.keep(alert, Sent(event.at))
            case AckReceived(alert_id=alert) if alert not in self.cases:
                return self._unknown(event)
        return []

    def _unknown(self, event: AckReceived) -> list[Decision]:
        """A person acked what is not known here; told, ten times a minute at most."""
        if Stage(event.stage) is Stage.RECEIVED:
            return []
        if self._ration.take(event.at.monotonic_ns) is None:
            return []
        details = {
            "alert": event.alert_id[:64],
            "stage": event.stage,
            "by": event.by[:64],
            "reason": Refusal.UNEXPECTED.value,
            "detail": "this gate sent no such alert, or longer ago than it remembers",
        }
        return [Note(event.at, UNUSED, "station", "gate", details)]

    def _make_room(self, now: Stamp) -> None:
        while self.cases:
            oldest = next(iter(self.cases))
            old = now.monotonic_ns - self.cases[oldest].at.monotonic_ns >= KNOWN_NS
            if not old and len(self.cases) < MOST:
                return
            self.end(oldest)
