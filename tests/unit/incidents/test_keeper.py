"""Cases on a real log: over lives, over a disk that fails, damaged ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from agent.core.clock import ManualClock, Stamp, stamp
from agent.core.errors import StoreError
from agent.core.ports import Entry
from agent.incidents.keeper import Keeper
from agent.incidents.way import Way
from agent.incidents.ways import Ways
from tests.support.outbox import BreakableStore, Loop

FULL = StoreError("disk full")


@dataclass(frozen=True)
class Note:
    text: str
    at: Stamp


class Notes(Way[Note]):
    NAME: ClassVar[str] = "notes"
    CASE: ClassVar[type] = Note


class Bench:
    """A keeper on a folder, its loop, and what it said."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.loop = Loop()
        self.done: list[str] = []
        self.states: list[tuple[bool, str]] = []
        self.store = BreakableStore(folder / "cases")
        self.keeper = Keeper(
            self.store,
            clock,
            lambda ok, reason: self.states.append((ok, reason)),
            self.loop.post,
            reopen_s=0.01,
            upkeep=lambda: self.done.append("upkeep"),
        )
        self.notes = Notes()

    def open(self) -> dict[str, Note]:
        """Begin a life; what was left."""
        self.keeper.open()
        left = dict(self.keeper.resume(self.notes, stamp(self.clock)))
        self.notes.resume(left, stamp(self.clock))
        return left

    def say(self, key: str, text: str | None) -> None:
        """Keep a note, or end it."""
        if text is None:
            self.notes.end(key)
        else:
            self.notes.keep(key, Note(text, stamp(self.clock)))
        self.keeper.keep({"notes": self.notes.changes()})

    def settle(self) -> None:
        """Wait until everything is durable."""
        done: list[bool] = []
        self.keeper.when_kept(lambda: done.append(True))
        self.loop.until(lambda: done)


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Bench]:
    made = Bench(tmp_path, clock)
    yield made
    made.keeper.close()


def next_life(bench: Bench, folder: Path) -> Bench:
    bench.keeper.close()
    return Bench(folder, bench.clock)


def test_cases_live_on_changed_ones_as_they_were_last_and_ended_ones_do_not(
    bench: Bench, tmp_path: Path
) -> None:
    assert bench.open() == {}
    for key, text in (("a", "one"), ("b", "two"), ("a", "three"), ("c", "four"), ("b", None)):
        bench.say(key, text)
    bench.settle()
    after = next_life(bench, tmp_path)
    assert {key: note.text for key, note in after.open().items()} == {"a": "three", "c": "four"}
    after.say("c", None)
    last = next_life(after, tmp_path)
    assert list(last.open()) == ["a"], "what changed is stored before the keeper closes"
    last.keeper.close()


def test_one_change_costs_one_small_entry(bench: Bench) -> None:
    bench.open()
    for number in range(50):
        bench.say("a", f"text {number}")
        bench.settle()
    assert bench.store.fill().alarms == 1


def test_a_disk_that_fails_is_told_and_what_changed_is_stored_when_it_is_back(
    bench: Bench, tmp_path: Path
) -> None:
    bench.open()
    bench.store.fault = FULL
    bench.say("a", "one")
    bench.loop.until(lambda: bench.states)
    assert bench.states[0] == (False, "disk full")
    bench.say("b", "two")
    bench.store.fault = None
    bench.settle()
    assert bench.states[-1] == (True, "")
    after = next_life(bench, tmp_path)
    assert {key: note.text for key, note in after.open().items()} == {"a": "one", "b": "two"}
    after.keeper.close()


def test_nothing_counts_as_kept_while_the_disk_fails(bench: Bench) -> None:
    bench.open()
    bench.store.fault = FULL
    bench.say("a", "one")
    done: list[bool] = []
    bench.keeper.when_kept(lambda: done.append(True))
    bench.loop.until(lambda: len(bench.states) > 0)
    assert done == []
    bench.store.fault = None
    bench.loop.until(lambda: done)


def test_it_tells_while_a_change_is_on_its_way_and_writes_it_before_upkeep(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.open()
    bench.settle()
    begun, disk, write = threading.Event(), threading.Event(), bench.store.write
    bench.done.clear()

    def slow(appended: Sequence[Entry], removed: Sequence[str]) -> None:
        begun.set()
        assert disk.wait(10)
        write(appended, removed)
        bench.done.append("write")

    monkeypatch.setattr(bench.store, "write", slow)
    bench.say("a", "one")
    assert bench.keeper.writing
    assert begun.wait(10)
    assert bench.keeper.writing, "taken up, and not written yet"
    bench.keeper.keep_up()
    bench.say("b", "two")
    disk.set()
    bench.settle()
    bench.loop.until(lambda: len(bench.done) == 3)
    assert bench.done == ["write", "write", "upkeep"]
    assert not bench.keeper.writing


def test_a_change_is_not_on_its_way_while_the_disk_fails(bench: Bench) -> None:
    bench.open()
    bench.store.fault = FULL
    bench.say("a", "one")
    bench.loop.until(lambda: len(bench.states) > 0)
    assert not bench.keeper.writing
    bench.store.fault = None
    bench.settle()


def test_a_case_that_cannot_be_read_is_left_out_and_the_others_go_on(
    bench: Bench, tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Number:
        text: int
        at: Stamp

    bench.open()
    bench.say("a", "word")
    bench.say("b", "12")
    after = next_life(bench, tmp_path)
    after.keeper.open()
    Notes.CASE, kept = Number, Notes.CASE
    try:
        found = after.keeper.resume(Notes(), stamp(bench.clock))
    finally:
        Notes.CASE = kept
    assert list(found) == ["b"]
    after.keeper.close()


def test_a_store_that_cannot_be_opened_stops_nothing(tmp_path: Path, clock: ManualClock) -> None:
    made = Bench(tmp_path, clock)
    made.store.fault = FULL
    assert made.open() == {}
    made.say("a", "one")
    made.store.fault = None
    made.settle()
    after = next_life(made, tmp_path)
    assert list(after.open()) == ["a"]
    after.keeper.close()


def test_what_was_left_is_not_doubled_when_the_store_opens_late(
    bench: Bench, tmp_path: Path
) -> None:
    bench.open()
    bench.say("a", "before")
    bench.settle()
    late = next_life(bench, tmp_path)
    late.store.fault = FULL
    assert late.open() == {}
    late.say("a", "after")
    late.store.fault = None
    late.settle()
    last = next_life(late, tmp_path)
    assert {key: note.text for key, note in last.open().items()} == {"a": "after"}
    last.keeper.close()


class Others(Notes):
    NAME: ClassVar[str] = "others"


def test_what_ways_change_by_one_event_is_written_at_once(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves an incident with its clock, or neither."""
    bench = Bench(tmp_path, clock)
    both = [bench.notes, Others()]
    bench.open()
    bench.keeper.resume(both[1], stamp(clock))
    written: list[list[str]] = []
    write = bench.store.write

    def noting(appended: Sequence[Entry], removed: Sequence[str]) -> None:
        written.append([entry.topic for entry in appended])
        write(appended, removed)

    monkeypatch.setattr(bench.store, "write", noting)
    ways = Ways(both, bench.keeper, on_failure=lambda *_: None)
    for way in both:
        way.keep("a", Note("of one event", stamp(clock)))
    ways.keep()
    bench.settle()
    bench.keeper.close()
    assert written == [["notes/a", "others/a"]]
