"""A gate that counts its month, through what happens there and over restarts."""

from __future__ import annotations

from typing import Any

from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import ManualClock
from agent.core.decisions import Decision
from agent.core.events import AckReceived, IncidentChanged, LinkChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.incidents.ack_times import AckTimes
from agent.incidents.month import About, Months
from contract.words import CommandName, Kind, Severity, Status
from tests.support.samples import at
from tests.support.ways import Life

HOUR_S, DAY_S = 3600.0, 86_400.0


class Gate:
    """A gate that counts; it begins at 2026-11-01T00:00:00Z."""

    def __init__(self, *, synced: bool = True, utc: str = "2026-11-01T00:00:00Z") -> None:
        self.clock = ManualClock(utc, synced=synced)
        self.abouts: dict[str, About] = {}
        self.life = Life(self._ways(), self.clock)

    def restart(self, after_s: float = 0.0) -> list[Decision]:
        """The agent is started again."""
        self.clock.advance(after_s)
        return self.life.begin(self._ways())

    def incident(self, stand: Stand = Stand.OPENED, **fields: Any) -> list[Decision]:
        """An incident of the gate."""
        values: dict[str, Any] = {
            "at": at(self.clock),
            "incident": IncidentId("i-1"),
            "stand": stand,
            "kind": Kind.PANIC,
            "severity": Severity.CRITICAL,
            "status": Status.ACTUAL,
            "device": "panic-1",
            "where": "north-gate",
            "alert": AlertId("a-1"),
        }
        return self.life.hear(IncidentChanged(**{**values, **fields}))

    def ack(self, stage: str, alert: str = "a-1") -> None:
        """The station acks an alert."""
        self.life.hear(AckReceived(at(self.clock), AlertId(alert), stage, "desk"))

    def link(self, *, up: bool) -> None:
        """The link comes or goes."""
        self.life.hear(LinkChanged(at(self.clock), up, ""))

    def says(self, answer: Answer, about: str, what: About) -> None:
        """The guard answers something of that sort."""
        self.abouts[about] = what
        self.life.hear(GuardAnswered(at(self.clock), answer, "guard 7", "command", about=about))

    def drill(self) -> None:
        """The station starts a drill."""
        self.life.hear(Ordered(at(self.clock), CommandName.DRILL_START, "cmd-1", "cancheng", {}))

    def figures(self, month: str = "") -> dict[str, Any]:
        """What the report of *month* says so far; that of this one when none is named."""
        told = self.months.told(month, at(self.clock))
        assert told is not None
        figures: dict[str, Any] = dict(told["figures"])  # type: ignore[call-overload]
        return figures

    def _ways(self) -> list[Any]:
        self.months = Months(lambda about: self.abouts.get(about, About.OTHER))
        return [self.months, AckTimes(self.months.acked)]
