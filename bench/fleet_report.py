"""What ``bench.fleet`` found, and how it is told. Values and text; nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.fleet_watch import Cost

ALARM = "alarm"
SPREAD_S = 30.0


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of the story, and what it cost whom."""

    name: str
    seconds: float
    broker: Cost
    station: Cost
    gates: Cost


@dataclass(frozen=True, slots=True)
class Beats:
    """Heartbeats so far: sent, lost at a bare subscriber, and never seen in the station's file."""

    sent: int
    lost: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Result:
    """Counts, and seconds. ``before`` and ``after`` the restart of the broker."""

    agents: int
    phases: list[Phase]
    before: Beats
    after: Beats
    dropped_by_broker: int
    alarms_stored: int
    alarms_acked: int
    sendings: int
    copies: int
    ack_p50_s: float
    ack_p99_s: float
    ack_last_s: float
    back: int
    back_first_s: float
    back_last_s: float
    back_busiest_second: int
    broker_files: int

    @property
    def station_ms(self) -> float:
        """CPU that the station spent on one alarm: checking, storing, acking."""
        spent_s = sum(
            p.seconds * p.station.cpu_percent / 100 for p in self.phases if p.name == ALARM
        )
        return spent_s / self.agents * 1000

    @property
    def holds(self) -> bool:
        """True when everything that is asked for is so."""
        alarms = self.alarms_stored == self.alarms_acked == self.agents
        spread = self.back_last_s - self.back_first_s >= SPREAD_S or self.agents < 100
        beats = not self.before.lost and not self.before.unseen
        return beats and alarms and self.back == self.agents and spread


def table(result: Result) -> str:
    """For people."""
    lines = [
        f"{result.agents} gates, one mosquitto, one station (percent of one core, resident MB)",
        f"{'phase':10}{'s':>7}"
        + "".join(f"{who + ' %':>11}{'MB':>6}" for who in ("broker", "station", "gates")),
    ]
    for phase in result.phases:
        costs = (phase.broker, phase.station, phase.gates)
        cells = "".join(f"{c.cpu_percent:11.1f}{c.resident_mb:6.0f}" for c in costs)
        lines.append(f"{phase.name:10}{phase.seconds:7.1f}{cells}")
    return "\n".join([*lines, *map(" ".join, _counts(result, result.before, result.after))])


def _counts(r: Result, before: Beats, after: Beats) -> Iterator[tuple[str, ...]]:
    yield (
        f"heartbeats  {before.sent} sent, lost: {before.lost} at a bare subscriber,",
        f"{before.unseen} at the station; {r.dropped_by_broker} dropped by the broker",
    )
    yield (
        f"  restart   {after.sent - before.sent} sent, lost: {after.lost - before.lost} at a",
        f"bare subscriber, {after.unseen - before.unseen} at the station",
    )
    yield (
        f"alarms      {r.alarms_stored} stored, {r.alarms_acked} acked of {r.agents};",
        f"{r.sendings - r.agents} sent again, {r.copies} copies came",
    )
    yield (
        f"ack after   p50 {r.ack_p50_s:.2f} s, p99 {r.ack_p99_s:.2f} s,",
        f"last {r.ack_last_s:.2f} s",
    )
    yield (
        f"back        {r.back}, first {r.back_first_s:.1f} s, last {r.back_last_s:.1f} s after the",
        f"broker listens; {r.back_busiest_second} in the busiest second",
    )
    yield (
        f"limits      the station's one thread: {r.station_ms:.2f} ms of CPU an alarm; the",
        f"broker's open files: {r.broker_files} (LimitNOFILE), and its max_queued_messages",
    )
