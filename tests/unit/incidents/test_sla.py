"""The 1-3-5 clock: limits, arrivals, the timeline and its report, over restarts."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.sla import SlaConfig
from agent.core.answers import Answer, GuardAnswered, Helper
from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Note, Raise, Tell
from agent.core.events import AckReceived, IncidentChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.incidents.sla import LONGEST_TIMELINE, Sla
from contract.words import Kind, Severity, Status
from tests.support.samples import at
from tests.support.ways import Life


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([Sla(SlaConfig())], clock)


def incident(life: Life, stand: Stand = Stand.OPENED, **fields: Any) -> list[Decision]:
    values: dict[str, Any] = {
        "incident": IncidentId("i-1"),
        "kind": Kind.PANIC,
        "severity": Severity.CRITICAL,
        "status": Status.ACTUAL,
        "device": "panic-1",
        "where": "north-gate",
        "alert": AlertId("a-1"),
    }
    return life.hear(IncidentChanged(at=at(life.clock), stand=stand, **{**values, **fields}))


def arrives(life: Life, helper: Helper = Helper.GUARD, about: str | None = None) -> list[Decision]:
    return life.hear(
        GuardAnswered(at(life.clock), Answer.ARRIVED, "guard 7", "card", helper, about)
    )


def breaches(decisions: list[Decision]) -> list[object]:
    return [d.details["stage"] for d in decisions if isinstance(d, Raise)]


def the_report(decisions: list[Decision]) -> dict[str, Any]:
    (told,) = [d for d in decisions if isinstance(d, Tell)]
    return dict(told.body)


def test_each_limit_is_broken_once_when_nobody_comes(life: Life) -> None:
    incident(life)
    assert breaches(life.wait(59.9)) == []
    assert breaches(life.wait(0.1)) == [1]
    assert breaches(life.wait(119.9)) == []
    assert breaches(life.wait(0.1)) == [3]
    assert breaches(life.wait(120)) == [5]
    assert breaches(life.wait(600)) == []


def test_a_breach_is_an_alert_of_its_own_about_the_incident(life: Life) -> None:
    incident(life, status=Status.EXERCISE)
    (told,) = life.wait(60)
    assert isinstance(told, Raise)
    assert (told.kind, told.severity, told.status) == (
        Kind.SLA_BREACH,
        Severity.MAJOR,
        Status.EXERCISE,
    )
    assert told.details == {"stage": 1, "of": "i-1", "kind": Kind.PANIC, "limit_s": 60.0}
    assert told.text.en == "Self-help not there after 60 s: north-gate"
    assert told.text.zh == "60 秒内未完成自救：north-gate"


@pytest.mark.parametrize(
    ("helper", "left"),
    [(Helper.GUARD, [3, 5]), (Helper.NEIGHBOUR, [5]), (Helper.POLICE, [])],
)
def test_who_comes_meets_the_stages_below_too(life: Life, helper: Helper, left: list[int]) -> None:
    incident(life)
    life.wait(30)
    arrives(life, helper)
    found = [stage for wait in (40, 120, 120) for stage in breaches(life.wait(wait))]
    assert found == left


def test_an_arrival_goes_to_the_incident_it_names_or_to_the_oldest(life: Life) -> None:
    incident(life)
    life.wait(1)
    incident(life, incident=IncidentId("i-2"))
    arrives(life, Helper.POLICE, about="i-2")
    assert [item.id for item in life.ways.items] == ["i-1"]
    arrives(life, Helper.POLICE)
    assert life.ways.items == []
    assert arrives(life, Helper.POLICE, about="i-9") == [], "nobody knows of that one"


def test_an_arrival_is_told_with_what_it_meets_and_once_more_without(life: Life) -> None:
    incident(life)
    life.wait(20)
    (first,) = [d for d in arrives(life, Helper.NEIGHBOUR) if isinstance(d, Note)]
    assert (first.kind, first.status) == ("sla.arrived", Status.ACTUAL)
    assert first.details == {
        "of": "i-1",
        "helper": "neighbour",
        "stages": [1, 3],
        "after_s": 20.0,
        "who": "guard 7",
        "with": "card",
    }
    assert arrives(life, Helper.GUARD) == [], "a guard changes nothing any more"
    (again,) = [d for d in arrives(life, Helper.GUARD, "i-1") if isinstance(d, Note)]
    assert again.details["stages"] == []


def test_alerts_carry_the_limits_that_held_when_the_clock_began(clock: ManualClock) -> None:
    limits = [60.0]
    sla = Sla(SlaConfig(), lambda: SlaConfig(self_help_s=limits[0]))
    life = Life([sla], clock)
    assert sla.carried(Kind.PANIC, None) == {"sla": {"1": 60.0, "3": 180.0, "5": 300.0}}
    incident(life)
    limits[0] = 30.0
    assert sla.carried(Kind.PANIC, "i-1")["sla"] == {"1": 60.0, "3": 180.0, "5": 300.0}
    assert sla.carried(Kind.PANIC, None)["sla"] == {"1": 30.0, "3": 180.0, "5": 300.0}
    assert sla.carried(Kind.ASSIST, None) == {}


def test_the_report_tells_what_happened_in_order_with_times(life: Life) -> None:
    incident(life)
    life.wait(5)
    life.hear(AckReceived(at(life.clock), AlertId("a-1"), "received", "station"))
    life.hear(AckReceived(at(life.clock), AlertId("a-9"), "received", "station"))
    life.wait(15)
    arrives(life)
    life.wait(50)
    told = the_report(incident(life, Stand.ENDED, alert=None))
    assert [line["what"] for line in told["timeline"]] == [
        "incident.opened",
        "ack.received",
        "arrived",
        "closed",
    ]
    assert told["figures"]["met_s"] == {"1": 20.0}
    assert told["figures"]["broken"] == []
    assert life.keeper.cases["sla"] == {}


def test_a_kind_that_is_not_grave_has_no_clock(life: Life) -> None:
    incident(life, kind=Kind.DOOR_HELD)
    assert life.ways.due_ns is None


def test_a_clock_goes_on_over_a_restart_and_breaks_nothing_twice(life: Life) -> None:
    incident(life)
    assert breaches(life.wait(60)) == [1]
    life.clock.advance(30)
    life.begin([Sla(SlaConfig())])
    assert breaches(life.wait(89.9)) == []
    assert breaches(life.wait(0.2)) == [3]


def test_limits_that_passed_while_the_agent_was_down_are_told_at_once(life: Life) -> None:
    incident(life)
    life.clock.advance(200)
    life.begin([Sla(SlaConfig())])
    assert breaches(life.wait(0)) == [1, 3]


def test_a_wall_clock_that_steps_changes_nothing(life: Life) -> None:
    incident(life)
    life.clock.step(-86_400)
    assert breaches(life.wait(59)) == []
    life.clock.step(10 * 86_400)
    assert breaches(life.wait(1)) == [1]


def test_a_clock_that_nobody_ends_is_reported_after_an_hour(life: Life) -> None:
    incident(life)
    for _ in range(3):
        life.wait(300)
    told = the_report(life.wait(3600))
    assert told["timeline"][-1]["details"]["why"] == "an hour has passed"


def test_a_flood_is_cut_and_still_ends(life: Life) -> None:
    incident(life)
    for _ in range(LONGEST_TIMELINE + 100):
        life.hear(AckReceived(at(life.clock), AlertId("a-1"), "received", "station"))
    told = the_report(incident(life, Stand.ENDED, alert=None))
    assert len(told["timeline"]) == LONGEST_TIMELINE + 1
    assert told["timeline"][-1]["what"] == "closed"


def test_after_a_wipe_the_clock_goes_on_and_nobody_is_named(life: Life) -> None:
    incident(life)
    arrives(life)
    incident(life, incident=IncidentId("i-2"), alert=AlertId("a-2"), status=Status.EXERCISE)
    life.ways.wipe(at(life.clock))
    assert list(life.keeper.cases["sla"]) == ["i-1"]
    assert b"guard 7" not in life.keeper.cases["sla"]["i-1"][1]
    assert breaches(life.wait(180)) == [3]
    report = the_report(incident(life, Stand.ENDED, alert=None))
    assert [line["what"] for line in report["timeline"]] == ["sla.breach.3", "closed"]
