"""Commands in time, out of time, and in drills: what a gate believes of clocks and nonces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.commands import Deed, Result
from agent.pipeline.nonces import FRESH_S
from contract.words import CommandName, Outcome, Refusal, Role
from tests.support.orders import Desk, NotingDeed
from tests.support.signed import KEYS, command


class Bench(Desk):
    """A gate that says who it is, and opens doors that no drill opens."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.safe = NotingDeed([], in_drills=False)
        deeds: dict[CommandName, Deed] = {
            CommandName.REBIRTH: NotingDeed([]),
            CommandName.DOOR_OPEN: self.safe,
        }
        super().__init__(path, clock, deeds)


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path / "commands.json", clock)


def refused(result: Result) -> Refusal:
    assert result.outcome is Outcome.REFUSED
    return Refusal(result.reason.split(":")[0])


def a_door(clock: ManualClock, **fields: Any) -> dict[str, Any]:
    """A command to open a door, good for a minute by its own word."""
    return command(clock, key=KEYS[Role.DOOR], name="door.open", **fields)


@pytest.mark.parametrize(("after_s", "outcome"), [(9.99, "done"), (10.0, "refused")])
def test_a_door_command_is_good_for_ten_seconds_whatever_it_says(
    bench: Bench, clock: ManualClock, after_s: float, outcome: str
) -> None:
    made = a_door(clock)
    clock.step(after_s)
    assert bench.handle(made).outcome == outcome


@pytest.mark.parametrize(("flag", "drill"), [(True, True), (True, False), (False, True)])
def test_in_a_drill_no_door_is_opened(
    bench: Bench, clock: ManualClock, flag: bool, drill: bool
) -> None:
    fields: dict[str, Any] = {"status": "Exercise"} if flag else {}
    made = a_door(clock, **fields)
    assert refused(bench.handle(made, drill=drill)) is Refusal.UNSUPPORTED
    assert bench.told[-1][1] is drill
    assert bench.safe.done == []
    again = a_door(clock, cmd_id="cmd-00000002")
    assert bench.handle(again).outcome is Outcome.DONE


def test_a_drill_may_ask_how_we_do(bench: Bench, clock: ManualClock) -> None:
    made = command(clock, status="Exercise")
    assert bench.handle(made, drill=True).outcome is Outcome.DONE


def test_without_the_time_a_fresh_nonce_will_do_once(bench: Bench, clock: ManualClock) -> None:
    assert bench.nonces.say() is None
    clock.set_synced(synced=False)
    nonce = bench.nonces.say()
    clock.step(-20 * 365 * 86_400)
    made = command(clock, nonce=nonce, issued_at="2026-11-21T08:00:00Z")
    result = bench.handle(made)
    assert (result.outcome, result.late_ms) == (Outcome.DONE, None)
    again = command(clock, cmd_id="cmd-00000002", counter=2, nonce=nonce)
    assert refused(bench.handle(again)) is Refusal.CLOCK_UNSYNCED
    assert bench.nonces.say() != nonce


@pytest.mark.parametrize("nonce", [None, "nonce-000000000000000009", "x"])
def test_without_the_time_no_other_nonce_will_do(
    bench: Bench, clock: ManualClock, nonce: str | None
) -> None:
    clock.set_synced(synced=False)
    bench.nonces.say()
    fields: dict[str, Any] = {} if nonce is None else {"nonce": nonce}
    assert refused(bench.handle(command(clock, **fields))) is Refusal.CLOCK_UNSYNCED


def test_a_nonce_is_fresh_for_a_while(bench: Bench, clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    made = command(clock, nonce=bench.nonces.say())
    clock.advance(FRESH_S + 0.1)
    assert refused(bench.handle(made)) is Refusal.CLOCK_UNSYNCED


def test_with_the_time_a_nonce_makes_nothing_fresh(bench: Bench, clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    made = command(clock, nonce=bench.nonces.say())
    clock.set_synced(synced=True)
    clock.advance(60)
    assert refused(bench.handle(made)) is Refusal.EXPIRED


def test_a_nonce_counts_only_under_the_signature(bench: Bench, clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    made = {**command(clock), "nonce": bench.nonces.say()}
    assert refused(bench.handle(made)) is Refusal.BAD_SIGNATURE
