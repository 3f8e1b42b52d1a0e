"""What a month counts: over restarts, without drills, each thing once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from agent.core.answers import Answer
from agent.core.events import Stand
from agent.core.ids import AlertId, IncidentId
from agent.incidents.ack_times import MOST
from agent.incidents.lead import Standing
from agent.incidents.month import CURRENT, About
from contract.words import Kind, Status
from tests.support.month import DAY_S, HOUR_S, Gate
from tests.support.samples import at


@pytest.fixture
def gate() -> Gate:
    return Gate()


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


def test_a_cause_of_a_moment_ago_counts_no_time_twice(gate: Gate) -> None:
    gate.life.wait(600)
    before = dataclasses.replace(at(gate.clock), monotonic_ns=at(gate.clock).monotonic_ns - 10**11)
    for _ in range(5):
        gate.incident(at=before)
        gate.incident()
    assert gate.life.ways is not None
    assert gate.months.cases[CURRENT].up_ns == 600 * 10**9


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
