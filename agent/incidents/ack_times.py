"""How long the station takes: from an alert to its first ack by software, and by a person.

Here: the alerts that wait for an ack, over restarts. Not here: what the times are added to
(``agent.incidents.month``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision
from agent.core.events import AckReceived, Event, IncidentChanged, Stand
from agent.incidents.way import Way
from contract.words import Stage, Status

LONGEST_NS = 24 * 3600 * NS_PER_S
MOST = 500


@dataclass(frozen=True, slots=True)
class Wait:
    """An alert that no person has acked; ``received``: the station's software has."""

    since: Stamp
    received: bool = False


@dataclass(slots=True)
class AckTimes(Way[Wait]):
    """First alerts of real incidents, by id; ``tell`` hears the stage and the seconds."""

    NAME: ClassVar[str] = "ack-times"
    CASE: ClassVar[type] = Wait

    tell: Callable[[Stage, float], None]

    def on_event(self, event: Event) -> list[Decision]:
        """Alerts and acks."""
        match event:
            case IncidentChanged(stand=Stand.OPENED, status=Status.ACTUAL, alert=str() as alert):
                self._make_room(event.at)
                self.keep(alert, Wait(event.at))
            case AckReceived(alert_id=alert) if alert in self.cases:
                self._acked(alert, event)
        return []

    def _acked(self, alert: str, event: AckReceived) -> None:
        wait = self.cases[alert]
        after_s = (event.at.monotonic_ns - wait.since.monotonic_ns) / NS_PER_S
        if not wait.received:
            self.tell(Stage.RECEIVED, after_s)
            self.keep(alert, replace(wait, received=True))
        if Stage(event.stage) is not Stage.RECEIVED:
            self.tell(Stage.SEEN, after_s)
            self.end(alert)

    def _make_room(self, now: Stamp) -> None:
        """What nobody acked within a day counts no more, and what waits stays bounded."""
        while self.cases:
            oldest = next(iter(self.cases))
            waited_ns = now.monotonic_ns - self.cases[oldest].since.monotonic_ns
            if waited_ns < LONGEST_NS and len(self.cases) < MOST:
                return
            self.end(oldest)
