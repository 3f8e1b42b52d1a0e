"""Patrol points: rounds in their windows, order, misses, hand-over, restarts, wall clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.config.schema.base import Label
from agent.config.schema.guard import PatrolConfig, PatrolPoint, PatrolRound, PointTime
from agent.config.schema.rules import Window
from agent.core.answers import Answer, GuardAnswered, Helper
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Decision, Note, Raise
from agent.core.events import ClockChanged
from agent.incidents.patrol import Patrol
from agent.incidents.patrol_window import opening
from contract.words import Kind, Severity
from tests.support.ways import Life


def point(name: str, *by: str) -> PatrolPoint:
    return PatrolPoint(name=Label(en=name, zh=f"{name}点"), where=name, by=list(by))


CONFIG = PatrolConfig(
    points={
        "gate": point("gate", "reader-1"),
        "fence": point("fence", "here-2"),
        "roof": point("roof", "here-3", "command"),
    },
    rounds={
        "evening": PatrolRound(
            name=Label(en="Evening", zh="晚间"),
            points=["gate", "fence", "roof"],
            windows=[Window(start="20:00", end="21:00"), Window(start="23:30", end="00:30")],
            next="liya-school/gate-1",
        )
    },
)


def way(config: PatrolConfig = CONFIG) -> Patrol:
    return Patrol(config, UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-11-21T19:59:00Z")


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([way()], clock)


def passing(clock: ManualClock, device: str, **changes: Any) -> GuardAnswered:
    event = GuardAnswered(stamp(clock), Answer.PRESENT, "badge-7", by="card", device=device)
    return replace(event, **changes)


def facts(decisions: list[Decision]) -> list[str]:
    return [d.kind for d in decisions if isinstance(d, Note)]


def details(decisions: list[Decision], kind: str) -> dict[str, object]:
    (found,) = [d for d in decisions if isinstance(d, Note) and d.kind == kind]
    return dict(found.details)


def missed(decisions: list[Decision]) -> list[object]:
    return [d.details["missed"] for d in decisions if isinstance(d, Raise)]


def test_a_round_in_order_ends_with_a_handover(clock: ManualClock, life: Life) -> None:
    assert life.ways.items == []
    life.wait(60)
    assert [item.id for item in life.ways.items] == [
        "evening/gate",
        "evening/fence",
        "evening/roof",
    ]
    assert facts(life.hear(passing(clock, "reader-1"))) == ["patrol.check"]
    clock.advance(600)
    life.begin([way()])
    assert facts(life.hear(passing(clock, "here-2"))) == ["patrol.check"]
    last = life.hear(passing(clock, "here-3"))
    assert facts(last) == ["patrol.check", "patrol.done", "patrol.handover"]
    assert details(last, "patrol.done") == {
        "round": "evening",
        "window": "2026-11-21T20:00+00:00",
        "by": "badge-7",
        "after_s": 600.0,
        "in_order": True,
        "time_known": True,
    }
    assert details(last, "patrol.handover")["to"] == "liya-school/gate-1"
    assert missed(life.wait(3000)) == []
    assert life.ways.items == []


def test_what_is_missed_is_an_alert_over_a_restart(clock: ManualClock, life: Life) -> None:
    life.wait(60)
    life.hear(passing(clock, "here-2"))
    clock.advance(3599)
    life.begin([way()])
    (alert,) = [d for d in life.wait(1) if isinstance(d, Raise)]
    assert (alert.kind, alert.severity) == (Kind.PATROL_MISSED, Severity.MINOR)
    assert (alert.details["missed"], alert.details["passed"]) == (["gate", "roof"], ["fence"])
    assert alert.text.zh == "巡逻“晚间”漏检：gate点、roof点"


def test_out_of_order_is_told_and_counts_and_twice_is_told_too(
    clock: ManualClock, life: Life
) -> None:
    life.wait(60)
    first = life.hear(passing(clock, "here-2"))
    assert facts(first) == ["patrol.check", "patrol.out_of_order"]
    assert details(first, "patrol.out_of_order")["expected"] == "gate"
    assert details(life.hear(passing(clock, "here-2")), "patrol.check")["again"] is True
    life.hear(passing(clock, "reader-1"))
    last = life.hear(passing(clock, "here-3"))
    assert details(last, "patrol.done")["in_order"] is False


def test_a_point_that_nobody_waits_for_is_told(clock: ManualClock, life: Life) -> None:
    told = life.hear(passing(clock, "reader-1"))
    assert details(told, "patrol.check")["round"] is None
    assert life.hear(passing(clock, "reader-9")) == []
    assert life.hear(passing(clock, "reader-1", helper=Helper.POLICE)) == []


def test_by_command_only_what_is_named_and_allows_it(clock: ManualClock, life: Life) -> None:
    life.wait(60)
    assert life.hear(passing(clock, "", by="command")) == []
    told = life.hear(passing(clock, "", by="command", about="evening/gate"))
    assert facts(told) == ["patrol.unproven"]
    told = life.hear(passing(clock, "", by="command", about="evening/roof"))
    assert "patrol.check" in facts(told)


def test_a_stepped_wall_clock_neither_ends_nor_repeats_a_round(
    clock: ManualClock, life: Life
) -> None:
    life.wait(60)
    clock.step(7200)
    life.hear(ClockChanged(stamp(clock), synced=True, step_s=7200.0))
    assert len(life.ways.items) == 3
    clock.step(-7200)
    assert missed(life.wait(3600)) == [["gate", "fence", "roof"]]
    clock.step(-1800)
    life.hear(ClockChanged(stamp(clock), synced=True, step_s=-1800.0))
    assert life.ways.items == []


def test_without_the_time_rounds_go_on_and_say_so(clock: ManualClock, life: Life) -> None:
    clock.set_synced(synced=False)
    life.wait(60)
    (alert,) = [d for d in life.wait(3600) if isinstance(d, Raise)]
    assert alert.details["time_known"] is False


def test_a_round_that_the_configuration_lost_is_forgotten(clock: ManualClock, life: Life) -> None:
    life.wait(60)
    life.begin([way(PatrolConfig())])
    assert (life.ways.items, life.ways.due_ns) == ([], None)
    assert life.keeper.cases["patrol"] == {}


TIMED = PatrolConfig(
    points=CONFIG.points,
    rounds={
        "evening": CONFIG.rounds["evening"].model_copy(
            update={
                "ordered": False,
                "times": {
                    "gate": PointTime(by_s=600.0),
                    "fence": PointTime(from_s=900.0, by_s=1200.0),
                },
            }
        )
    },
)


def test_a_point_has_a_window_of_its_own_over_a_restart(clock: ManualClock) -> None:
    life = Life([way(TIMED)], clock)
    life.wait(60)
    assert facts(life.hear(passing(clock, "reader-1"))) == ["patrol.check"]
    clock.advance(800)
    life.begin([way(TIMED)])
    early = life.hear(passing(clock, "here-2"))
    assert (facts(early), details(early, "patrol.early")["early_s"]) == (["patrol.early"], 100.0)
    assert missed(life.wait(399)) == []
    (alert,) = [d for d in life.wait(1) if isinstance(d, Raise)]
    assert (alert.details["missed"], alert.where) == (["fence"], "fence")
    life.begin([way(TIMED)])
    assert missed(life.wait(600)) == []
    assert details(life.hear(passing(clock, "here-2")), "patrol.check")["late"] is True
    assert missed(life.wait(1800)) == [["roof"]]


def test_what_was_told_by_its_own_window_is_not_told_again_at_the_end(clock: ManualClock) -> None:
    life = Life([way(TIMED)], clock)
    life.wait(60)
    life.hear(passing(clock, "here-3"))
    assert missed(life.wait(600)) == [["gate"]]
    assert missed(life.wait(600)) == [["fence"]]
    assert missed(life.wait(2400)) == []
    assert life.ways.items == []


def test_a_gate_that_comes_up_within_the_window_counts_from_its_opening(clock: ManualClock) -> None:
    clock.advance(60 + 500)
    life = Life([way(TIMED)], clock)
    assert missed(life.wait(99)) == []
    assert missed(life.wait(1)) == [["gate"]]


@pytest.mark.parametrize(
    ("window", "at", "found"),
    [
        (("20:00", "21:00"), "2026-11-21T20:00:00", ("2026-11-21T20:00+00:00", 3600.0)),
        (("20:00", "21:00"), "2026-11-21T21:00:00", None),
        (("23:30", "00:30"), "2026-11-22T00:10:00", ("2026-11-21T23:30+00:00", 1200.0)),
        (("08:00", "08:00"), "2026-11-21T07:00:00", ("2026-11-20T08:00+00:00", 3600.0)),
    ],
)
def test_when_a_window_opened(
    window: tuple[str, str], at: str, found: tuple[str, float] | None
) -> None:
    local = datetime.fromisoformat(f"{at}+00:00")
    assert opening(Window(start=window[0], end=window[1]), local) == found
