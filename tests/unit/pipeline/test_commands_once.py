"""No command is obeyed twice: ids, counters, and where they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.pipeline.command_journal import KEPT_IDS
from contract.words import Outcome, Refusal
from tests.support.orders import Bench, refused
from tests.support.signed import STRANGER, command


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path / "commands.json", clock)


def test_a_command_is_obeyed_once(bench: Bench, clock: ManualClock) -> None:
    made = command(clock)
    bench.handle(made)
    assert refused(bench.handle(made)) is Refusal.REPEATED
    assert refused(bench.handle(command(clock, counter=2))) is Refusal.REPEATED
    assert len(bench.done) == 1


@pytest.mark.parametrize("counter", [1, 4, 5])
def test_a_counter_that_does_not_rise_is_refused(
    bench: Bench, clock: ManualClock, counter: int
) -> None:
    bench.handle(command(clock, counter=5))
    again = command(clock, cmd_id="cmd-00000002", counter=counter)
    assert refused(bench.handle(again)) is Refusal.COUNTER


def test_a_counter_holds_over_a_restart(bench: Bench, clock: ManualClock) -> None:
    made = command(clock, counter=5)
    bench.handle(made)
    after = Bench(bench.path, clock)
    assert refused(after.handle(made)) is Refusal.REPEATED
    stale = command(clock, cmd_id="cmd-00000003", counter=5)
    assert refused(after.handle(stale)) is Refusal.COUNTER
    again = command(clock, cmd_id="cmd-00000002", counter=6)
    assert after.handle(again).outcome is Outcome.DONE


def test_the_counter_is_stored_before_anything_is_done(bench: Bench, clock: ManualClock) -> None:
    bench.handle(command(clock, counter=7))
    (stored,) = bench.deed.stored
    assert stored["counters"] == {"cancheng": 7}
    assert [(row["cmd_id"], row["outcome"]) for row in stored["orders"]] == [("cmd-00000001", None)]


def test_a_counter_that_cannot_be_stored_forbids_the_deed(
    tmp_path: Path, clock: ManualClock
) -> None:
    bench = Bench(tmp_path / "none" / "commands.json", clock)
    assert refused(bench.handle(command(clock))) is Refusal.NOT_STORED
    assert bench.done == []
    (tmp_path / "none").mkdir()
    assert bench.handle(command(clock)).outcome is Outcome.DONE


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"cancheng": "x"}', b"\xff", b"null"])
def test_a_damaged_counter_file_forbids_everything(
    tmp_path: Path, clock: ManualClock, damage: bytes
) -> None:
    path = tmp_path / "commands.json"
    path.write_bytes(damage)
    bench = Bench(path, clock)
    assert refused(bench.handle(command(clock))) is Refusal.NOT_STORED
    assert bench.done == []
    assert path.read_bytes() == damage


def test_a_refused_command_uses_up_neither_its_id_nor_its_counter(
    bench: Bench, clock: ManualClock
) -> None:
    bench.handle(command(clock, key=STRANGER, counter=9))
    bench.handle(command(clock, name="area.call", counter=9))
    assert not bench.path.exists()
    assert bench.handle(command(clock, counter=1)).outcome is Outcome.DONE


def test_a_deed_that_fails_is_told_and_not_tried_again(bench: Bench, clock: ManualClock) -> None:
    made = command(clock, args={"break": True})
    result = bench.handle(made)
    assert (result.outcome, result.reason, result.proof) == (Outcome.FAILED, "broken", None)
    assert refused(bench.handle(made)) is Refusal.REPEATED


def test_ids_are_remembered_within_bounds_and_the_counter_guards_the_rest(
    bench: Bench, clock: ManualClock
) -> None:
    first = command(clock, counter=1)
    bench.handle(first)
    for number in range(2, KEPT_IDS + 2):
        bench.handle(command(clock, cmd_id=f"cmd-{number:08}", counter=number))
    assert not bench.journal.knows("cmd-00000001")
    assert bench.journal.knows(f"cmd-{KEPT_IDS + 1:08}")
    assert refused(bench.handle(first)) is Refusal.COUNTER
