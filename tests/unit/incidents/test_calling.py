"""Calls that this gate makes: for its own alarm while the station is silent, or on an order."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.answering import Answering
from agent.core.answers import Ordered
from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Tell
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, HostChanged, Stand
from agent.core.ids import AlertId
from agent.incidents.calling import OwnCalls
from contract.validate import schema_problems
from contract.words import CommandName, Kind, Status
from tests.support.calls import incident, notes, only
from tests.support.samples import ADDRESS, Numbers, at
from tests.support.ways import Life

CONFIG = Answering(caller_for=["north", "east", "er"], medical_area="er")
ARGS = {"area": "north", "text": {"en": "Come", "zh": "请来"}, "where": "", "kind": "assist"}


def way(config: Answering = CONFIG) -> OwnCalls:
    return OwnCalls(config, ADDRESS, Numbers().new)


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([way()], clock)


def areas(decisions: list[Decision]) -> list[str]:
    """Which areas are called."""
    return [tell.area for tell in only(Tell, decisions)]


def order(clock: ManualClock, **fields: Any) -> Ordered:
    args = {**ARGS, **fields.pop("args", {})}
    return Ordered(at(clock), CommandName.AREA_CALL, "cmd-0001", "cancheng", args, **fields)


def test_a_station_that_acks_calls_by_itself(life: Life, clock: ManualClock) -> None:
    assert life.hear(incident(clock)) == []
    clock.advance(29)
    life.hear(AckReceived(at(clock), AlertId("a-1"), "received", "cancheng"))
    assert life.wait(600) == []


def test_no_ack_for_thirty_seconds_calls_every_agreed_area_once(
    life: Life, clock: ManualClock
) -> None:
    life.hear(incident(clock))
    clock.step(7200)
    assert life.wait(29.9) == []
    decisions = life.wait(0.1)
    assert areas(decisions) == ["north", "east"]
    (kind, told), _ = notes(decisions)
    assert (kind, told["why"]) == ("call.made", "no ack within 30 s")
    for tell in only(Tell, decisions):
        assert schema_problems("area-call", dict(tell.body)) == []
        assert (tell.parts, tell.for_s, tell.body["incident"]) == (("call",), 300.0, "i-1")
    life.hear(incident(clock, stand=Stand.UPDATED, alert="a-2"))
    assert life.wait(60) == []


def test_an_ack_of_a_later_alert_counts_and_one_of_another_does_not(
    life: Life, clock: ManualClock
) -> None:
    life.hear(incident(clock))
    life.hear(incident(clock, stand=Stand.UPDATED, alert="a-2"))
    life.hear(AckReceived(at(clock), AlertId("a-7"), "received", "cancheng"))
    assert len(life.ways.items) == 0
    life.hear(AckReceived(at(clock), AlertId("a-2"), "received", "cancheng"))
    assert life.wait(60) == []


def test_a_station_that_says_it_is_offline_is_not_waited_for(
    life: Life, clock: ManualClock
) -> None:
    life.hear(incident(clock))
    assert areas(life.hear(HostChanged(at(clock), online=False))) == ["north", "east"]
    assert life.hear(HostChanged(at(clock), online=False)) == []
    life.wait(300)
    assert areas(life.hear(incident(clock))) == ["north", "east"]
    life.wait(300)
    life.hear(HostChanged(at(clock), online=True))
    assert life.hear(incident(clock)) == []


def test_an_incident_that_was_reset_calls_nobody(life: Life, clock: ManualClock) -> None:
    life.hear(incident(clock))
    life.hear(incident(clock, stand=Stand.ENDED, alert=None))
    assert life.wait(60) == []


def test_medical_help_is_called_at_once_from_its_own_area_alone(
    life: Life, clock: ManualClock
) -> None:
    decisions = life.hear(incident(clock, Kind.MEDICAL))
    assert areas(decisions) == ["er"]
    (tell,) = only(Tell, decisions)
    assert "police" not in str(tell.body).lower()
    assert life.wait(60) == []


def test_other_kinds_and_gates_that_are_not_agreed_call_nobody(clock: ManualClock) -> None:
    life = Life([way()], clock)
    assert life.hear(incident(clock, Kind.TAMPER)) == []
    assert life.wait(60) == []
    life = Life([way(Answering(areas=["north"]))], clock)
    assert life.hear(incident(clock)) == []
    assert life.wait(60) == []


def test_waiting_goes_on_over_a_restart_and_a_call_is_not_made_twice(
    life: Life, clock: ManualClock
) -> None:
    life.hear(incident(clock))
    clock.advance(20)
    assert life.begin([way()]) == []
    assert areas(life.wait(10)) == ["north", "east"]
    life.begin([way()])
    assert life.wait(290) == []


def test_an_order_calls_its_area_and_is_remembered(life: Life, clock: ManualClock) -> None:
    decisions = life.hear(order(clock, exercise=True))
    (tell,) = only(Tell, decisions)
    assert (tell.area, tell.status, tell.body["status"]) == ("north", Status.EXERCISE, "Exercise")
    assert schema_problems("area-call", dict(tell.body)) == []
    after = way()
    life.begin([after])
    assert after.took("cmd-0001")
    assert not after.took("cmd-0002")
    life.wait(300)
    assert not after.took("cmd-0001")


def test_an_order_for_an_area_that_is_not_agreed_is_refused(clock: ManualClock) -> None:
    with pytest.raises(RefusedError, match=r"unsupported.*not the agreed caller of area 'south'"):
        way().permit(order(clock, args={"area": "south"}))


def test_a_gate_that_does_not_know_the_time_says_so(life: Life, clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    (tell,) = only(Tell, life.hear(order(clock)))
    assert tell.body["synced"] is False
    assert schema_problems("area-call", dict(tell.body)) == []


def rehearsed(scenario: str, **fields: Any) -> dict[str, Any]:
    details = {"drill_id": "d-1", "scenario": scenario, "for_s": 120.0}
    return {"status": Status.EXERCISE, "rule": "drills", "details": details, **fields}


def test_a_drill_of_the_call_calls_at_once_for_as_long_as_it_lasts(clock: ManualClock) -> None:
    told: list[tuple[str, dict[str, str]]] = []
    heard = OwnCalls(CONFIG, ADDRESS, Numbers().new, lambda i, c, _: told.append((i, dict(c))))
    life = Life([heard], clock)
    decisions = life.hear(incident(clock, **rehearsed("call")))
    assert areas(decisions) == ["north", "east"]
    for tell in only(Tell, decisions):
        assert (tell.status, tell.body["status"], tell.for_s) == (Status.EXERCISE, "Exercise", 120)
        assert schema_problems("area-call", dict(tell.body)) == []
    assert told == [("i-1", {t.area: t.body["call_id"] for t in only(Tell, decisions)})]
    assert life.hear(AckReceived(at(clock), AlertId("a-1"), "received", "cancheng")) == []
    life.begin([way()])
    assert life.wait(60) == []


def test_a_drill_of_a_press_calls_only_a_silent_stations_neighbours(
    life: Life, clock: ManualClock
) -> None:
    assert life.hear(incident(clock, **rehearsed("panic"))) == []
    assert areas(life.wait(30)) == ["north", "east"]


def test_words_of_a_drill_in_a_real_alert_make_no_drill_of_it(
    life: Life, clock: ManualClock
) -> None:
    actual = rehearsed("call", status=Status.ACTUAL)
    assert life.hear(incident(clock, **actual)) == []
    (tell, _) = only(Tell, life.wait(30))
    assert (tell.status, tell.for_s) == (Status.ACTUAL, 300.0)
