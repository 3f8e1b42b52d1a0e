"""Fresh words for a gate that does not know the time."""

from __future__ import annotations

import itertools

import pytest

from agent.core.clock import ManualClock
from agent.pipeline.nonces import FRESH_S, RENEWED_S, Nonces


@pytest.fixture
def unsynced(clock: ManualClock) -> ManualClock:
    clock.set_synced(synced=False)
    return clock


def made(clock: ManualClock) -> tuple[Nonces, list[str]]:
    numbers, used = itertools.count(1), list[str]()
    return Nonces(clock, lambda: f"n{next(numbers)}", lambda: used.append("used")), used


def test_a_gate_that_knows_the_time_says_none(clock: ManualClock) -> None:
    assert made(clock)[0].say() is None


def test_a_nonce_is_said_for_a_while_and_then_another_one(unsynced: ManualClock) -> None:
    nonces, _ = made(unsynced)
    assert [nonces.say(), nonces.say()] == ["n1", "n1"]
    unsynced.advance(RENEWED_S + 1)
    assert nonces.say() == "n2"
    assert nonces.use("n1")
    assert nonces.use("n2")


def test_a_nonce_is_used_once_and_another_is_said(unsynced: ManualClock) -> None:
    nonces, used = made(unsynced)
    nonces.say()
    assert nonces.use("n1")
    assert not nonces.use("n1")
    assert (used, nonces.say()) == (["used"], "n2")


def test_a_nonce_grows_stale_by_the_monotonic_clock(unsynced: ManualClock) -> None:
    nonces, _ = made(unsynced)
    nonces.say()
    unsynced.step(-1e9)
    unsynced.advance(FRESH_S)
    assert nonces.use("n1")
    nonces.say()
    unsynced.advance(FRESH_S + 0.001)
    assert not nonces.use("n2")


def test_they_do_not_heap_up(unsynced: ManualClock) -> None:
    nonces, _ = made(unsynced)
    for _ in range(1000):
        nonces.say()
        unsynced.advance(RENEWED_S + 0.1)
    assert len(nonces._said) <= FRESH_S // RENEWED_S + 1
