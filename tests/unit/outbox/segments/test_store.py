"""What is the segment log's alone; what every store does stands in ``tests/contract``."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Lane, Limits
from agent.outbox.segments.codec import SECTOR
from agent.outbox.segments.recovery import survey
from agent.outbox.segments.store import SegmentStore
from tests.support.power import Disk, PowerCutError
from tests.support.segments import SIZE, Bench, entries, life, seqs

EVENT = Lane.EVENT


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- segments ------------------------------------------------------------------------------------


def test_lives_that_end_need_no_room_for_ever(bench: Bench) -> None:
    store = bench.store()
    for number in range(1, 60):
        life(store, number)
    created, numbers = bench.disk.created, bench.segments
    for number in range(60, 200):
        life(store, number)
    assert bench.disk.created == created, "old segments are used again"
    assert bench.segments[0] > numbers[-1]


def test_one_entry_that_stays_does_not_keep_all_that_came_after_it(bench: Bench) -> None:
    store = bench.store()
    store.write(entries(1, 1), [])
    for number in range(2, 200):
        life(store, number)
        assert len(bench.segments) <= 8
    assert seqs(store) == [1]


def test_a_backlog_is_moved_at_most_once_for_every_segment_that_is_written(bench: Bench) -> None:
    store = bench.store()
    for first in range(1, 400, 4):
        store.write(entries(first, 4), [])
    held = len(bench.segments)
    for number in range(1000, 2000):
        life(store, number)
        assert len(bench.segments) <= 3 * held + 6
    assert seqs(store) == list(range(1, 401))


def test_room_for_a_backlog_is_given_back(bench: Bench) -> None:
    store = bench.store()
    for first in range(1, 200, 4):
        store.write(entries(first, 4), [])
    assert len(bench.segments) > 30
    for number in range(1, 201):
        store.write([], [f"alarm-{number}"])
    life(store, 1000)
    assert len(bench.disk.files) <= 12


def test_an_orderly_end_is_gone_on_from_and_any_other_is_not(bench: Bench) -> None:
    store = bench.store()
    store.write(entries(1, 1), [])
    store.close()
    assert bench.segments == [1]
    store = bench.store()
    store.write(entries(2, 1), [])
    assert bench.segments == [1]
    store = bench.store()
    assert bench.segments == [1, 2], "the first has no index: its last write may have failed"
    assert seqs(store) == [1, 2]


def test_a_complete_segment_is_known_by_its_index(bench: Bench) -> None:
    store = bench.store()
    for number in range(1, 10):
        store.write(entries(number, 1), [])
    first, *_, last = bench.segments
    assert survey(bench.disk.open(f"{first:08d}.segment"), first).whole
    assert not survey(bench.disk.open(f"{last:08d}.segment"), last).whole
    bench.seen(first)[SECTOR : SECTOR + 2000] = bytes(2000)
    assert survey(bench.disk.open(f"{first:08d}.segment"), first).whole, "nothing else was read"


def test_a_first_write_that_is_torn_in_a_used_segment_is_no_damage(bench: Bench) -> None:
    """The segment still holds the commits and the index of its life before."""
    store = bench.store()
    number = 0
    while bench.segments[0] < 6:
        number += 1
        life(store, number)
    newest = bench.segments[-1]
    while bench.segments[-1] == newest:
        number += 1
        before = bench.disk.steps
        life(store, number)
    for step in range(before, bench.disk.steps + 1):
        again = Bench(replayed(step, number))
        again.store()
        assert again.damage == []


def replayed(cut_at: int, lives: int) -> Disk:
    """The disk after the power went at change *cut_at* of so many lives."""
    bench = Bench(Disk(cut_at=cut_at))
    with suppress(PowerCutError):
        store = bench.store()
        for number in range(1, lives + 1):
            life(store, number)
    return bench.disk.after_cut(random.Random(cut_at))  # noqa: S311 - repeatable


def test_spares_of_another_length_are_not_used(bench: Bench) -> None:
    bench.store().close()
    bench.disk.create("spare-7", 1000)
    store = bench.store()
    for number in range(1, 30):
        life(store, number)
    assert all(len(file.seen) == SIZE for file in bench.disk.files.values())


# -- a full disk ---------------------------------------------------------------------------------


def full(bench: Bench, store: SegmentStore, lane: Lane = Lane.ALARM) -> int:
    """Fill the disk; the number of the last entry that fitted."""
    for number in range(1, 1000):
        try:
            store.write(entries(number, 1, lane), [])
        except StoreFullError:
            return number - 1
    raise AssertionError("it never got full")


def test_on_a_full_disk_hundreds_of_acks_are_recorded_one_by_one() -> None:
    bench = Bench(Disk(room=30 * SIZE))
    store = bench.store()
    kept = full(bench, store)
    gone = list(range(kept, 1, -1))
    for number in gone:
        store.write([], [f"alarm-{number}"])
    store.close()
    assert seqs(bench.store()) == [1]


def test_on_a_full_disk_the_oldest_events_give_way_to_an_alarm() -> None:
    bench = Bench(Disk(room=12 * SIZE))
    store = bench.store()
    kept = full(bench, store, EVENT)
    store.write(entries(1, 12), [])
    left = seqs(store, EVENT)
    assert left == list(range(kept - len(left) + 1, kept + 1))
    assert 0 < len(left) < kept
    store = bench.store()
    assert seqs(store) == list(range(1, 13))
    assert seqs(store, EVENT) == left


def test_on_a_full_disk_no_alarm_gives_way() -> None:
    bench = Bench(Disk(room=12 * SIZE))
    store = bench.store()
    kept = full(bench, store)
    with pytest.raises(StoreFullError):
        store.write(entries(500, 1, EVENT), [])
    with pytest.raises(StoreFullError):
        store.write(entries(501, 1), [])
    assert seqs(store) == list(range(1, kept + 1))
    assert store.evict(Limits(0, 1 << 60), 0) == 0


def test_a_full_disk_without_a_spare_is_still_opened_after_a_crash() -> None:
    bench = Bench()
    bench.store().write(entries(1, 1), [])
    for name in list(bench.disk.files):
        if name.startswith("spare"):
            bench.disk.remove(name)
    bench.disk.room = sum(len(file.seen) for file in bench.disk.files.values())
    store = bench.store()
    store.write([], ["alarm-1"])
    assert seqs(bench.store()) == []


# -- a failing disk ------------------------------------------------------------------------------


def test_after_a_failed_sync_the_store_is_shut_until_it_is_opened_again(bench: Bench) -> None:
    store = bench.store()
    store.write(entries(1, 1), [])
    before = bench.segments
    bench.disk.failing = lambda _: True
    with pytest.raises(StoreError, match="Input/output error"):
        store.write(entries(2, 1), [])
    bench.disk.failing = lambda _: False
    with pytest.raises(StoreError, match="is not open"):
        store.write(entries(2, 1), [])
    store.open()
    assert bench.segments[-1] > before[-1], "nothing is written where a write failed"
    store.write(entries(2, 1), [])
    assert seqs(store) == [1, 2]
