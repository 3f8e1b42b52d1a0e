"""The month's figures: counted over restarts, told at the month's end, by a clock that is sure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest

from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Tell
from agent.core.events import AckReceived, ClockChanged, IncidentChanged, LinkChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.incidents.ack_times import MOST, AckTimes
from agent.incidents.figures import BOUNDS_S, BUCKETS, EMPTY, add, end_of, month_of, quantile
from agent.incidents.lead import Standing
from agent.incidents.month import CURRENT, KEPT_MONTHS, About, Months
from contract.validate import validate_message
from contract.words import CommandName, Kind, Severity, Status
from tests.support.samples import ADDRESS, at
from tests.support.ways import Life

HOUR_S, DAY_S = 3600.0, 86_400.0


class Gate:
    """A gate that counts; it begins at 2026-11-01T00:00:00Z."""

    def __init__(self, *, synced: bool = True, utc: str = "2026-11-01T00:00:00Z") -> None:
        self.clock = ManualClock(utc, synced=synced)
        self.abouts: dict[str, About] = {}
        self.life = Life(self._ways(), self.clock)

    def restart(self, after_s: float = 0.0) -> list[Decision]:
        self.clock.advance(after_s)
        return self.life.begin(self._ways())

    def incident(self, stand: Stand = Stand.OPENED, **fields: Any) -> list[Decision]:
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
        self.life.hear(AckReceived(at(self.clock), AlertId(alert), stage, "desk"))

    def link(self, *, up: bool) -> None:
        self.life.hear(LinkChanged(at(self.clock), up, ""))

    def says(self, answer: Answer, about: str, what: About) -> None:
        self.abouts[about] = what
        self.life.hear(GuardAnswered(at(self.clock), answer, "guard 7", "command", about=about))

    def drill(self) -> None:
        self.life.hear(Ordered(at(self.clock), CommandName.DRILL_START, "cmd-1", "cancheng", {}))

    def figures(self, month: str = "") -> dict[str, Any]:
        told = self.months.told(month, at(self.clock))
        assert told is not None
        figures: dict[str, Any] = dict(told["figures"])  # type: ignore[call-overload]
        return figures

    def _ways(self) -> list[Any]:
        self.months = Months(lambda about: self.abouts.get(about, About.OTHER))
        return [self.months, AckTimes(self.months.acked)]


@pytest.fixture
def gate() -> Gate:
    return Gate()


def tell(decisions: list[Decision]) -> Tell:
    (found,) = [d for d in decisions if isinstance(d, Tell)]
    return found


def test_availability_over_restarts(gate: Gate) -> None:
    gate.link(up=True)
    gate.life.wait(12 * HOUR_S)
    gate.link(up=False)
    gate.life.wait(6 * HOUR_S)
    gate.restart(6 * HOUR_S)
    figures = gate.figures()
    assert figures["availability_agent"] == pytest.approx(0.75, abs=0.001)
    assert figures["availability_link"] == pytest.approx(0.5, abs=0.001)


def test_a_kill_costs_at_most_five_minutes_of_it(gate: Gate) -> None:
    for _ in range(100):
        gate.life.wait(60)
    gate.clock.advance(299)
    gate.restart()
    assert gate.figures()["availability_agent"] >= (6300 - 300) / 6300


def test_alarms_by_kind_without_drills(gate: Gate) -> None:
    gate.incident()
    gate.incident(Stand.UPDATED)
    gate.incident(Stand.ENDED, alert=None)
    gate.incident(kind=Kind.DOOR_FORCED)
    gate.incident(status=Status.EXERCISE)
    gate.drill()
    gate.restart()
    gate.incident()
    figures = gate.figures()
    assert figures["alerts_by_kind"] == {"door.forced": 1, "panic": 2}
    assert (figures["alerts"], figures["drills"]) == (3, 1)


def test_acks_by_software_and_by_people(gate: Gate) -> None:
    for number in range(10):
        gate.incident(alert=AlertId(f"a-{number}"))
        gate.life.wait(0.2)
        gate.ack("received", f"a-{number}")
        gate.ack("received", f"a-{number}")
        gate.life.wait(20)
        gate.ack("seen", f"a-{number}")
        gate.ack("handling", f"a-{number}")
    figures = gate.figures()
    assert figures["acked"] == 10
    assert figures["ack_p50_s"] == pytest.approx(20.2, rel=0.25)
    assert figures["received_p95_s"] == pytest.approx(0.2, rel=0.25)


def test_an_ack_after_a_restart_counts_from_the_alert(gate: Gate) -> None:
    gate.incident()
    gate.restart(60)
    gate.ack("seen")
    gate.ack("seen", "never-sent")
    figures = gate.figures()
    assert figures["acked"] == 1
    assert figures["ack_p50_s"] == pytest.approx(60, rel=0.25)
    assert figures["received_p50_s"] == figures["ack_p50_s"]


def test_alerts_that_nobody_acks_do_not_pile_up(gate: Gate) -> None:
    for number in range(MOST + 50):
        gate.incident(alert=AlertId(f"a-{number}"))
    assert len(gate.life.keeper.cases["ack-times"]) == MOST
    gate.clock.advance(DAY_S)
    gate.incident(alert=AlertId("last"))
    assert list(gate.life.keeper.cases["ack-times"]) == ["last"]


def test_reviews_and_false_alarms(gate: Gate) -> None:
    heard: list[Mapping[str, int]] = []
    gate.months.on_leads = heard.append
    gate.says(Answer.CONFIRM, "face-1", About.REVIEW)
    gate.says(Answer.REJECT, "face-2", About.REVIEW)
    gate.says(Answer.REJECT, "face-3", About.REVIEW)
    gate.says(Answer.REJECT, "i-1", About.ALARM)
    gate.says(Answer.REJECT, "i-1", About.ALARM)
    gate.says(Answer.CONFIRM, "notice", About.OTHER)
    gate.says(Answer.ARRIVED, "i-1", About.ALARM)
    figures = gate.figures()
    assert (figures["reviews_confirmed"], figures["reviews_rejected"]) == (1, 2)
    assert (figures["leads_confirmed"], figures["leads_rejected"]) == (0, 0)
    assert figures["false_alarms"] == 1
    assert len(heard) == 3
    assert heard[-1] == gate.months.leads


def test_leads_count_as_what_the_station_decided_of_them_in_the_end(gate: Gate) -> None:
    pending, first, confirmed = Standing.PENDING, Standing.FIRST, Standing.CONFIRMED
    moves = [
        (pending, first),
        (first, confirmed),
        (pending, confirmed),
        (pending, Standing.EXPIRED),
    ]
    for was, standing in [*moves, (confirmed, Standing.OVER), (first, Standing.REJECTED)]:
        gate.months.decided(was, standing)
    assert leads(gate) == (2, 1)
    gate.months.decided(confirmed, Standing.REJECTED)
    gate.link(up=True)
    gate.restart()
    assert leads(gate) == (1, 2)


def leads(gate: Gate) -> tuple[object, object]:
    figures = gate.figures()
    return figures["leads_confirmed"], figures["leads_rejected"]


def test_absences_and_how_long(gate: Gate) -> None:
    absent: dict[str, Any] = {"kind": Kind.GUARD_ABSENT, "incident": IncidentId("gone")}
    gate.incident(**absent)
    gate.restart(300)
    gate.incident(Stand.ENDED, **absent)
    figures = gate.figures()
    assert (figures["absences"], figures["absent_s"]) == (1, 300)


def test_an_absence_counts_in_each_month_for_its_time_there() -> None:
    gate = Gate(utc="2026-11-30T23:50:00Z")
    gate.incident(kind=Kind.GUARD_ABSENT, incident=IncidentId("gone"))
    gate.clock.advance(300)
    assert gate.figures()["absent_s"] == 300
    gate.life.wait(420)
    assert gate.figures("2026-11")["absent_s"] == 600
    gate.restart(60)
    gate.incident(Stand.ENDED, kind=Kind.GUARD_ABSENT, incident=IncidentId("gone"))
    assert gate.figures()["absent_s"] == 180
    assert gate.figures("2026-11")["absences"] == 1


def test_the_month_is_told_when_it_ends_and_the_next_one_begins(gate: Gate) -> None:
    gate.link(up=True)
    gate.incident()
    assert gate.life.wait(30 * DAY_S - 1) == []
    told = tell(gate.life.wait(2))
    assert told.parts == ("report", "month", "2026-11")
    assert (told.body["from"], told.body["to"]) == (
        "2026-11-01T00:00:00.000Z",
        "2026-12-01T00:00:00.000Z",
    )
    figures = told.body["figures"]
    assert isinstance(figures, dict)
    assert (figures["complete"], figures["alerts"]) == (True, 1)
    assert (figures["availability_agent"], figures["availability_link"]) == (1.0, 1.0)
    assert gate.figures()["alerts"] == 0
    assert gate.figures()["availability_agent"] == 1.0
    assert gate.figures("2026-11")["alerts"] == 1
    body = json.dumps(told.body).encode()
    assert validate_message(ADDRESS.topic(*told.parts), body, retained=False) == []


def test_a_month_that_ended_while_the_agent_was_down_is_told_at_the_start(gate: Gate) -> None:
    gate.life.wait(DAY_S)
    told = tell(gate.restart(40 * DAY_S))
    figures = told.body["figures"]
    assert isinstance(figures, dict)
    assert figures["availability_agent"] == pytest.approx(1 / 30, abs=0.001)
    assert gate.figures()["complete"] is False


def test_without_the_time_it_waits_until_the_time_is_known(gate: Gate) -> None:
    gate.life.wait(29 * DAY_S)
    gate.clock.set_synced(synced=False)
    gate.life.hear(ClockChanged(at(gate.clock), synced=False))
    assert gate.life.wait(3 * DAY_S) == []
    gate.clock.set_synced(synced=True)
    told = tell(gate.life.hear(ClockChanged(at(gate.clock), synced=True)))
    assert told.parts[-1] == "2026-11"


def test_begun_without_the_time_it_becomes_the_month_that_it_was() -> None:
    gate = Gate(synced=False, utc="1970-01-01T00:00:00Z")
    gate.incident()
    gate.life.wait(HOUR_S)
    assert gate.months.told("", at(gate.clock))["report_id"] == "unknown"  # type: ignore[index]
    gate.clock.step(1_795_248_000)
    gate.clock.set_synced(synced=True)
    gate.life.hear(ClockChanged(at(gate.clock), synced=True))
    told = gate.months.told("2026-11", at(gate.clock))
    assert told is not None
    assert told["from"] == "2026-11-21T08:00:00.000Z"
    assert gate.figures()["alerts"] == 1


def test_a_clock_that_steps_back_over_the_boundary_tells_nothing_twice(gate: Gate) -> None:
    tell(gate.life.wait(30 * DAY_S + 5))
    gate.clock.step(-60)
    assert gate.life.hear(ClockChanged(at(gate.clock), synced=True, step_s=-60.0)) == []
    assert gate.life.wait(120) == []


def test_a_cause_of_a_moment_ago_counts_no_time_twice(gate: Gate) -> None:
    gate.life.wait(600)
    before = dataclasses.replace(at(gate.clock), monotonic_ns=at(gate.clock).monotonic_ns - 10**11)
    for _ in range(5):
        gate.incident(at=before)
        gate.incident()
    assert gate.life.ways is not None
    assert gate.months.cases[CURRENT].up_ns == 600 * 10**9


def test_a_year_of_months_is_kept() -> None:
    gate = Gate()
    for _ in range(16):
        gate.life.wait(31 * DAY_S)
    assert len(gate.months.cases) == KEPT_MONTHS + 1
    assert gate.months.told("2026-11", at(gate.clock)) is None


@pytest.mark.parametrize(("month", "end"), [("2026-11", "2026-12"), ("2026-12", "2027-01")])
def test_months_end_where_the_next_begins(month: str, end: str) -> None:
    assert month_of(end_of(month)) == end
    assert month_of(end_of(month) - 1) == month


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0, 21.5, 300.0, 1e9])
def test_a_quantile_is_within_a_bucket_of_the_truth(seconds: float) -> None:
    histogram = EMPTY
    for _ in range(100):
        histogram = add(histogram, seconds)
    found = quantile(histogram, 0.95)
    assert len(histogram) == BUCKETS
    assert found is not None
    assert found <= max(BOUNDS_S[0], min(seconds * 1.25, BOUNDS_S[-1]))
    assert quantile(EMPTY, 0.5) is None


def test_a_wipe_forgets_all_months_and_counts_on(gate: Gate) -> None:
    gate.life.wait(31 * DAY_S)
    gate.incident(kind=Kind.GUARD_ABSENT)
    gate.life.ways.wipe(at(gate.clock))
    assert gate.months.told("2026-11", at(gate.clock)) is None
    assert (gate.figures()["alerts"], gate.figures()["absent_s"]) == (0, 0)
    gate.incident()
    gate.restart(60)
    assert gate.figures()["alerts"] == 1
    assert set(gate.life.keeper.cases["month"]) == {CURRENT}
