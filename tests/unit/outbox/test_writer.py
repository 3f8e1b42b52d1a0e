"""The thread that owns the disk: real store, real thread, waits with deadlines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits
from agent.outbox.segments.store import SegmentStore
from agent.outbox.writer import BATCH, Append, Measure, Opened, Read, Remove, Writer
from tests.support.outbox import BreakableStore, Loop
from tests.support.samples import entry

State = tuple[str | None, Counters | None]
FULL = StoreFullError("disk full")


class Bench:
    """A writer with its disk, its loop and everything it told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = BreakableStore(path)
        self.loop = Loop()
        self.states: list[State] = []
        self.done: dict[str, list[bool]] = {}
        self.writer = Writer(
            self.store, self.loop.post, lambda *state: self.states.append(state), reopen_s=0.0
        )

    def append(self, made: Entry) -> None:
        """Hand over an entry."""
        answers = self.done.setdefault(made.id, [])
        self.writer.put(Append(made, answers.append))

    def answered(self, *names: str) -> None:
        """Wait until each of *names* has an answer."""
        self.loop.until(lambda: all(self.done[name] for name in names))

    def touch(self) -> Fill | None:
        """Give the writer something to do and wait for it."""
        told: list[Fill | None] = []
        self.writer.put(Measure(Limits(100, 1 << 60), 0, told.append))
        self.loop.until(lambda: told)
        return told[0]

    def on_disk(self) -> list[str]:
        """What another process would find after ours ended."""
        self.writer.close()
        store = SegmentStore(self.path)
        store.open()
        found = [made.id for lane in Lane for _, made in store.read(lane, 0, 1000)]
        store.close()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "outbox")
    yield bench
    bench.store.may_write.set()
    bench.writer.close()


def test_an_entry_is_stored_and_said_to_be(bench: Bench) -> None:
    assert bench.writer.open() == Opened(Counters(1, 0, 0), Fill(0, 0, None))
    bench.append(entry(1))
    bench.answered("alarm-1")
    assert bench.done["alarm-1"] == [True]
    assert bench.on_disk() == ["alarm-1"]
    assert bench.states == []


def test_what_comes_while_the_disk_is_busy_is_written_in_one_go(bench: Bench) -> None:
    bench.writer.open()
    bench.store.may_write.clear()
    bench.append(entry(1))
    assert bench.store.writing.wait(5)
    for number in range(2, 12):
        bench.append(entry(number))
    bench.writer.put(Remove("alarm-1"))
    bench.store.may_write.set()
    bench.answered("alarm-11")
    assert bench.store.batches == [
        (["alarm-1"], []),
        ([f"alarm-{n}" for n in range(2, 12)], ["alarm-1"]),
    ]


def test_one_go_is_bounded(bench: Bench) -> None:
    bench.writer.open()
    bench.store.may_write.clear()
    bench.append(entry(0))
    assert bench.store.writing.wait(5)
    for number in range(1, BATCH + 2):
        bench.append(entry(number))
    bench.store.may_write.set()
    bench.answered(f"alarm-{BATCH + 1}")
    assert [len(appended) for appended, _ in bench.store.batches] == [1, BATCH, 1]


def test_closing_stores_everything_that_was_handed_over(bench: Bench) -> None:
    bench.writer.open()
    for number in range(1, 600):
        bench.append(entry(number))
    assert len(bench.on_disk()) == 599


def test_a_read_comes_after_what_was_written_before_it(bench: Bench) -> None:
    bench.writer.open()
    found: list[list[tuple[int, Entry]] | None] = []
    bench.append(entry(1))
    bench.append(entry(2))
    bench.writer.put(Remove("alarm-1"))
    bench.writer.put(Read(Lane.ALARM, 0, 10, found.append))
    bench.loop.until(lambda: found)
    (rows,) = found
    assert rows is not None
    assert [made.id for _, made in rows] == ["alarm-2"]


def test_a_measurement_evicts_and_counts(bench: Bench) -> None:
    bench.writer.open()
    for number in range(1, 6):
        bench.append(entry(number, Lane.EVENT, accepted_utc_ns=number))
    told: list[Fill | None] = []
    bench.writer.put(Measure(Limits(2, 1 << 60), 0, told.append))
    bench.loop.until(lambda: told)
    assert told == [Fill(0, 2, 4)]


def test_a_measurement_counts_what_came_before_it_and_nothing_after(bench: Bench) -> None:
    bench.writer.open()
    bench.store.may_write.clear()
    told: list[Fill | None] = []
    bench.append(entry(1))
    assert bench.store.writing.wait(5)
    bench.append(entry(2))
    bench.writer.put(Measure(Limits(100, 1 << 60), 0, told.append))
    bench.append(entry(3))
    bench.store.may_write.set()
    bench.answered("alarm-3")
    assert told == [Fill(2, 0, 1)]


@pytest.mark.parametrize("fault", [FULL, OverflowError("too large")], ids=["full", "surprise"])
def test_a_failed_write_is_answered_and_told_and_the_disk_tried_again(
    bench: Bench, fault: Exception
) -> None:
    bench.writer.open()
    bench.store.fault = fault
    bench.append(entry(1))
    bench.answered("alarm-1")
    assert bench.done["alarm-1"] == [False]
    reason, counters = bench.states[0]
    assert reason is not None
    assert str(fault) in reason
    assert counters is None
    bench.store.fault = None
    bench.append(entry(2))
    bench.answered("alarm-2")
    assert bench.done["alarm-2"] == [True]
    assert bench.states[-1] == (None, Counters(session=2, alarm_seq=0, event_seq=0))
    assert bench.on_disk() == ["alarm-2"]


def test_a_failed_write_is_not_tried_again_on_the_same_handle(bench: Bench) -> None:
    bench.writer.open()
    handles = [bench.store._ledger]
    bench.store.fault = FULL
    bench.append(entry(1))
    bench.answered("alarm-1")
    handles.append(bench.store._ledger)
    bench.store.fault = None
    bench.touch()
    handles.append(bench.store._ledger)
    assert [handle is None for handle in handles] == [False, True, False]
    assert handles[2] is not handles[0]


def test_what_was_acked_while_the_disk_failed_is_removed_when_it_works(bench: Bench) -> None:
    bench.writer.open()
    bench.append(entry(1))
    bench.append(entry(2))
    bench.answered("alarm-2")
    bench.store.fault = FULL
    bench.writer.put(Remove("alarm-1"))
    assert bench.touch() is None
    assert bench.touch() is None
    bench.store.fault = None
    assert bench.touch() == Fill(1, 0, 2)
    assert bench.on_disk() == ["alarm-2"]


@pytest.mark.parametrize("fault", [FULL, ValueError("surprise")])
def test_while_the_disk_fails_every_question_is_still_answered(
    bench: Bench, fault: Exception
) -> None:
    bench.writer.open()
    bench.store.fault = fault
    rows: list[list[tuple[int, Entry]] | None] = []
    bench.writer.put(Read(Lane.ALARM, 0, 10, rows.append))
    assert bench.touch() is None
    bench.loop.until(lambda: rows)
    assert rows == [None]


def test_a_disk_that_fails_at_start_is_opened_later_with_its_numbers(tmp_path: Path) -> None:
    first = Bench(tmp_path / "outbox")
    first.writer.open()
    first.append(entry(7))
    first.writer.close()
    bench = Bench(tmp_path / "outbox")
    bench.store.fault = StoreError("not mounted")
    assert bench.writer.open() is None
    assert bench.touch() is None
    assert {reason for reason, _ in bench.states} == {"not mounted"}
    bench.store.fault = None
    bench.touch()
    assert bench.states[-1] == (None, Counters(session=2, alarm_seq=7, event_seq=0))
    bench.writer.close()


def test_a_failed_disk_is_not_hammered(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "outbox")
    bench.writer = Writer(
        bench.store, bench.loop.post, lambda *state: bench.states.append(state), reopen_s=60.0
    )
    bench.writer.open()
    bench.store.fault = FULL
    bench.append(entry(1))
    bench.answered("alarm-1")
    bench.store.fault = None
    bench.append(entry(2))
    bench.answered("alarm-2")
    assert bench.done["alarm-2"] == [False]
    assert len(bench.states) == 1
    assert bench.store.openings == 1
    bench.writer.close()
    assert not bench.writer._thread.is_alive()


def test_on_a_full_disk_entries_are_refused_and_acks_recorded(bench: Bench) -> None:
    bench.writer.open()
    bench.append(entry(1))
    bench.append(entry(2))
    bench.answered("alarm-2")
    bench.store.full = True
    bench.store.may_write.clear()
    bench.append(entry(3))
    bench.writer.put(Remove("alarm-1"))
    bench.append(entry(4))
    bench.store.may_write.set()
    bench.answered("alarm-3", "alarm-4")
    assert (bench.done["alarm-3"], bench.done["alarm-4"]) == ([False], [False])
    assert bench.touch() == Fill(1, 0, 2)
    assert bench.states == [("no room left", None)], "told once"
    assert bench.store.openings == 1, "nothing is wrong with the store"
    assert bench.on_disk() == ["alarm-2"]


def test_when_a_full_disk_has_room_again_it_is_told_without_a_new_start(bench: Bench) -> None:
    bench.writer.open()
    bench.store.full = True
    bench.append(entry(1))
    bench.answered("alarm-1")
    bench.touch()
    assert len(bench.states) == 1
    bench.store.full = False
    bench.loop.until(lambda: len(bench.states) == 2)
    assert bench.states[1] == (None, None)
    bench.append(entry(1))
    bench.loop.until(lambda: len(bench.done["alarm-1"]) == 2)
    assert bench.done["alarm-1"] == [False, True]
    assert bench.store.openings == 1


def test_a_full_disk_that_fails_as_well_is_opened_again(bench: Bench) -> None:
    bench.writer.open()
    bench.store.full = True
    bench.append(entry(1))
    bench.answered("alarm-1")
    bench.store.fault = StoreError("broken")
    bench.writer.put(Remove("alarm-9"))
    bench.touch()
    bench.store.fault, bench.store.full = None, False
    bench.loop.until(lambda: bench.states[-1] == (None, Counters(2, 0, 0)))
    assert bench.states[0] == ("no room left", None)
    assert ("broken", None) in bench.states
