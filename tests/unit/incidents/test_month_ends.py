"""A month is told at its end and kept for a year, by a clock that is sure."""

from __future__ import annotations

import json

import pytest

from agent.core.decisions import Decision, Tell
from agent.core.events import ClockChanged
from agent.incidents.month import KEPT_MONTHS
from contract.validate import validate_message
from tests.support.month import DAY_S, HOUR_S, Gate
from tests.support.samples import ADDRESS, at


@pytest.fixture
def gate() -> Gate:
    return Gate()


def tell(decisions: list[Decision]) -> Tell:
    (found,) = [d for d in decisions if isinstance(d, Tell)]
    return found


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


def test_a_year_of_months_is_kept() -> None:
    gate = Gate()
    for _ in range(16):
        gate.life.wait(31 * DAY_S)
    assert len(gate.months.cases) == KEPT_MONTHS + 1
    assert gate.months.told("2026-11", at(gate.clock)) is None
