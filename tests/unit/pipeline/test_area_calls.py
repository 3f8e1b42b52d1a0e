"""Calls from outside: whose they are, whether they are in time, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.core.answers import AreaCalled, CallUnused
from agent.core.clock import ManualClock
from contract.words import Role
from tests.support.calls import body, signed_body
from tests.support.samples import ADDRESS
from tests.support.signed import to_bytes, utc
from tests.support.station import Gate

NORTH = ADDRESS.call("north")


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock)


def hear(gate: Gate, value: dict[str, Any], *, topic: str = NORTH, retained: bool = False) -> Any:
    """The event that comes of a call; None when there is none."""
    gate.hear(topic, to_bytes(value), retained=retained)
    return gate.events.pop() if gate.events else None


def test_the_stations_call_names_its_issuer(gate: Gate, clock: ManualClock) -> None:
    event = hear(gate, signed_body(clock))
    assert isinstance(event, AreaCalled)
    assert (event.area, event.issuer, event.caller) == ("north", "cancheng", "school/gate-1")
    assert event.valid_s == 300.0


def test_a_neighbours_call_has_none(gate: Gate, clock: ManualClock) -> None:
    event = hear(gate, body(clock))
    assert isinstance(event, AreaCalled)
    assert (event.issuer, event.caller) == ("", "school/gate-1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"role": Role.DOOR}, "wrong-role"),
        ({"issuer": "nanhai"}, "unknown-issuer"),
        ({"area": "south"}, "unexpected"),
    ],
)
def test_a_signature_that_does_not_hold_is_told(
    gate: Gate, clock: ManualClock, change: dict[str, Any], reason: str
) -> None:
    event = hear(gate, signed_body(clock, **change))
    assert isinstance(event, CallUnused)
    assert (event.call_id, event.reason) == ("call-1", reason)


def test_a_changed_call_is_told(gate: Gate, clock: ManualClock) -> None:
    event = hear(gate, {**signed_body(clock), "where": "elsewhere"})
    assert isinstance(event, CallUnused)
    assert event.reason == "bad-signature"


def test_a_call_that_is_over_or_not_yet_is_told(gate: Gate, clock: ManualClock) -> None:
    late = body(clock)
    clock.advance(300)
    assert hear(gate, late).reason == "expired"
    assert hear(gate, body(clock, at=utc(clock, 6))).reason == "not-yet-valid"
    assert hear(gate, body(clock, expires_at="soon")).reason == "malformed"
    assert hear(gate, body(clock, expires_at=utc(clock, 9000))).valid_s == 300.0
    assert hear(gate, body(clock, expires_at=utc(clock, 20))).valid_s == 20.0


@pytest.mark.parametrize("ours", [True, False])
def test_without_the_time_it_counts_from_receipt(
    gate: Gate, clock: ManualClock, ours: bool
) -> None:
    call = body(clock, expires_at=utc(clock, 200), **({} if ours else {"synced": False}))
    clock.set_synced(synced=not ours)
    clock.step(9000)
    assert hear(gate, call).valid_s == 200.0


def test_a_retained_call_is_never_taken(gate: Gate, clock: ManualClock) -> None:
    assert hear(gate, signed_body(clock), retained=True).reason == "retained"
    gate.hear(NORTH, b"", retained=True)
    assert (gate.events, gate.control.malformed) == ([], 0)


def test_our_own_voice_is_not_heard(gate: Gate, clock: ManualClock) -> None:
    assert hear(gate, body(clock, site=ADDRESS.site, node=ADDRESS.node)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"site": ...},
        {"text": {"en": "Help"}},
        {"issuer": "cancheng"},
        {"sig": "x" * 88, "role": "config", "issuer": "cancheng"},
        {"call_id": ""},
        {"status": "Real"},
        {"where": "x" * 65},
    ],
)
def test_what_is_no_call_is_counted(gate: Gate, clock: ManualClock, change: dict[str, Any]) -> None:
    assert hear(gate, body(clock, **change)) is None
    assert gate.control.malformed == 1


def test_a_call_of_another_station_is_no_topic_of_ours(gate: Gate, clock: ManualClock) -> None:
    assert hear(gate, body(clock), topic="gh/v1/nanhai/area/north/call") is None
    assert gate.control.malformed == 1


def test_a_neighbour_that_calls_on_and_on_keeps_nobody_from_hearing_the_station(
    gate: Gate, clock: ManualClock
) -> None:
    for number in range(30):
        gate.hear(NORTH, to_bytes(body(clock, call_id=f"c-{number}")))
    assert [type(event) for event in gate.events] == [AreaCalled] * 10 + [CallUnused] * 10
    assert isinstance(hear(gate, signed_body(clock)), AreaCalled)
    clock.advance(60)
    assert isinstance(hear(gate, body(clock)), AreaCalled)


def test_a_flood_is_told_about_not_written_out(gate: Gate, clock: ManualClock) -> None:
    for number in range(100):
        gate.hear(NORTH, to_bytes(body(clock, call_id=f"c-{number}")), retained=True)
    assert len(gate.events) == 10
