"""What is remembered of commands over a restart, and what a disk that refuses does to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.commands import Order, Result
from agent.core.errors import StoreError
from agent.pipeline.command_journal import KEPT_ORDERS, CommandJournal
from contract.words import CommandName, Outcome


def an_order(number: int = 1, *, drill: bool = False) -> Order:
    name = CommandName.DOOR_OPEN
    plan = {"door": "side", "pulse_s": 2.0}
    return Order(f"cmd-{number:08}", name, drill, "2026-11-21T08:00:00.000Z", plan)


def a_result(number: int = 1) -> Result:
    return Result(f"cmd-{number:08}", Outcome.DONE, "", {"contact": "open"}, 12)


def refusing(_: Path, __: bytes) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "commands.json"


def test_an_order_and_its_counter_are_on_the_disk_together(path: Path) -> None:
    CommandJournal(path).accept(an_order(drill=True), "cancheng", 7)
    again = CommandJournal(path)
    assert again.open == (an_order(drill=True),)
    assert (again.last_counter("cancheng"), again.last_counter("foshan")) == (7, 0)
    assert again.knows("cmd-00000001")
    assert not again.knows("cmd-00000002")


def test_an_end_is_on_the_disk_until_it_is_settled(path: Path) -> None:
    journal = CommandJournal(path)
    journal.accept(an_order(), "cancheng", 7)
    journal.end(a_result())
    (ended,) = CommandJournal(path).ended
    assert ended.result == a_result()
    assert CommandJournal(path).open == ()
    journal.settle("cmd-00000001")
    journal.settle("cmd-00000001")
    again = CommandJournal(path)
    assert (again.ended, again.last_counter("cancheng")) == ((), 7)
    assert again.knows("cmd-00000001")


def test_a_disk_that_refuses_admits_nothing(path: Path) -> None:
    journal = CommandJournal(path, refusing)
    with pytest.raises(StoreError, match="No space left"):
        journal.accept(an_order(), "cancheng", 7)
    assert (journal.open, journal.last_counter("cancheng")) == ((), 0)
    assert not journal.knows("cmd-00000001")


def test_an_end_that_cannot_be_stored_is_known_all_the_same(path: Path) -> None:
    CommandJournal(path).accept(an_order(), "cancheng", 7)
    journal = CommandJournal(path, refusing)
    with pytest.raises(StoreError):
        journal.end(a_result())
    assert [order.result for order in journal.ended] == [a_result()]
    assert CommandJournal(path).open == (an_order(),)


def test_the_end_of_nothing_is_nothing(path: Path) -> None:
    assert CommandJournal(path).end(a_result()) is None
    assert not path.exists()


def test_ends_that_nobody_hears_of_are_bounded(path: Path) -> None:
    journal = CommandJournal(path)
    for number in range(1, KEPT_ORDERS + 6):
        journal.accept(an_order(number), "cancheng", number)
        journal.end(a_result(number))
    again = CommandJournal(path)
    assert len(again.ended) == KEPT_ORDERS
    assert again.ended[0].cmd_id == "cmd-00000006"


def test_a_proof_that_is_too_long_is_not_kept(path: Path) -> None:
    journal = CommandJournal(path)
    journal.accept(an_order(), "cancheng", 1)
    journal.end(Result("cmd-00000001", Outcome.DONE, "", {"text": "x" * 5000}))
    (ended,) = CommandJournal(path).ended
    assert ended.result is not None
    assert ended.result.proof == {"truncated": True}


@pytest.mark.parametrize(
    "damage",
    [
        b'{"cancheng": 41}',
        b'{"form": 3, "counters": {}, "ids": [], "orders": []}',
        b'{"form": 2, "counters": {}, "ids": []}',
        b'{"form": 2, "counters": {"cancheng": "x"}, "ids": [], "orders": []}',
        b'{"form": 2, "counters": {}, "ids": [], "orders": [{"cmd_id": "x"}]}',
    ],
)
def test_a_damaged_journal_admits_nothing_and_stays_as_it_is(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    journal = CommandJournal(path)
    assert journal.damaged
    with pytest.raises(StoreError, match="is damaged"):
        journal.accept(an_order(), "cancheng", 7)
    assert path.read_bytes() == damage


def test_a_wipe_leaves_results_counters_and_what_is_under_way(path: Path) -> None:
    journal = CommandJournal(path)
    for number in (1, 2):
        journal.accept(an_order(number), "cancheng", number)
    journal.end(a_result(1))
    journal.wipe()
    again = CommandJournal(path)
    (ended,) = again.ended
    assert (ended.plan, ended.result) == ({}, a_result(1))
    assert again.open == (an_order(2),)
    assert again.last_counter("cancheng") == 2
