"""State, birth, heartbeats: who is online, what is too old, and one identity with two agents."""

from __future__ import annotations

import pytest

from station.gates import Life, is_doubled, life, on_beat, on_meta, on_state
from station.values import Arrival, Gate
from tests.tools.messages import GATE, beat, meta, state

S = 1_000_000_000


def at(seconds: float, *, retained: bool = False, again: bool = False) -> Arrival:
    return Arrival("", b"", retained, again, round(seconds * S))


def fresh() -> Gate:
    return Gate(GATE)


def test_birth_then_will() -> None:
    gate = on_state(fresh(), state(), at(10)).gate
    assert life(gate, 11 * S) is Life.ONLINE
    gate = on_state(gate, state(online=False), at(20)).gate
    assert life(gate, 21 * S) is Life.OFFLINE


def test_a_late_will_does_not_put_a_living_gate_offline() -> None:
    gate = on_state(fresh(), state(session=41), at(10)).gate
    gate = on_state(gate, state(session=42), at(20)).gate
    noted = on_state(gate, state(online=False, session=41), at(21))
    assert noted.stale
    assert noted.gate.stale == 1
    assert life(noted.gate, 22 * S) is Life.ONLINE


def test_a_will_of_the_running_session_counts() -> None:
    gate = on_state(fresh(), state(session=42), at(20)).gate
    noted = on_state(gate, state(online=False, session=42), at(30))
    assert not noted.stale
    assert life(noted.gate, 31 * S) is Life.OFFLINE


def test_old_births_are_stale_too() -> None:
    gate = on_state(fresh(), state(session=42), at(20)).gate
    assert on_meta(gate, meta(session=41), at(21)).stale
    assert not on_meta(gate, meta(session=42), at(21)).stale


def test_silence_is_measured_in_the_gates_own_period() -> None:
    gate = on_state(fresh(), state(), at(0)).gate
    gate = on_beat(gate, beat(period_s=10), at(100)).gate
    assert life(gate, 124 * S) is Life.ONLINE
    assert life(gate, 126 * S) is Life.SILENT


def test_a_gate_that_is_heard_is_not_offline() -> None:
    gate = on_state(fresh(), state(online=False), at(10)).gate
    gate = on_beat(gate, beat(), at(12)).gate
    assert life(gate, 13 * S) is Life.ONLINE
    assert life(gate, 500 * S) is Life.OFFLINE


def test_a_gate_known_from_a_retained_state_only() -> None:
    gate = on_state(fresh(), state(), at(10, retained=True)).gate
    assert life(gate, 11 * S) is Life.SILENT
    assert life(fresh(), 11 * S) is Life.UNKNOWN


@pytest.mark.parametrize(
    ("boots", "doubled"),
    [("A", False), ("AB", False), ("ABC", False), ("AAB", False), ("ABA", True), ("ABCB", True)],
)
def test_alternating_boots_are_two_agents(boots: str, *, doubled: bool) -> None:
    gate = fresh()
    for number, boot in enumerate(boots):
        gate = on_state(gate, state(boot_id=boot, session=number + 1), at(number)).gate
    assert is_doubled(gate, 10 * S) is doubled
    assert not is_doubled(gate, 4000 * S)


def test_two_agents_with_sessions_of_their_own() -> None:
    gate = fresh()
    for boot, session in (("A", 41), ("B", 3), ("A", 41)):
        gate = on_state(gate, state(boot_id=boot, session=session), at(5)).gate
    assert is_doubled(gate, 6 * S)


def test_a_restart_with_a_late_will_is_one_agent() -> None:
    gate = on_state(fresh(), state(boot_id="A", session=1), at(1)).gate
    gate = on_state(gate, state(boot_id="B", session=2), at(2)).gate
    gate = on_state(gate, state(online=False, boot_id="A", session=1), at(3)).gate
    gate = on_state(gate, state(boot_id="B", session=2), at(4)).gate
    assert not is_doubled(gate, 5 * S)


def test_redelivered_and_retained_births_are_no_second_agent() -> None:
    gate = fresh()
    for boot, session in (("A", 1), ("B", 2)):
        gate = on_state(gate, state(boot_id=boot, session=session), at(1)).gate
    gate = on_state(gate, state(boot_id="A", session=1), at(2, again=True)).gate
    gate = on_state(gate, state(boot_id="A", session=1), at(2, retained=True)).gate
    assert not is_doubled(gate, 3 * S)


def test_heartbeats_that_alternate_are_two_agents() -> None:
    gate = fresh()
    for session in (41, 41, 42, 42):
        gate = on_beat(gate, beat(session=session), at(1)).gate
    assert not is_doubled(gate, 2 * S)
    gate = on_beat(gate, beat(session=41), at(2)).gate
    assert is_doubled(gate, 3 * S)
