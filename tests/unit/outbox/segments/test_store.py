"""What is the segment log's alone; what every store does stands in ``tests/contract``."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Entry, Lane, Limits
from agent.outbox.segments.codec import SECTOR, header
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.log import KEEP_DAMAGED
from agent.outbox.segments.recovery import names_in, recover, survey
from agent.outbox.segments.store import SegmentStore
from tests.support.power import Disk, PowerCutError
from tests.support.samples import entry

SIZE = 8192
ALARM, EVENT = Lane.ALARM, Lane.EVENT


class Bench:
    """Stores on one disk in memory, and what they told."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.damage: list[Damage] = []

    def store(self, *, after_damage: int = 1) -> SegmentStore:
        """The next life, open."""
        store = SegmentStore(
            Path("outbox"),
            folder=self.disk,
            segment_bytes=SIZE,
            reserve=2,
            after_damage=after_damage,
            on_damage=self.damage.append,
        )
        store.open()
        return store

    @property
    def segments(self) -> list[int]:
        """Numbers of the segments in the log."""
        return names_in(self.disk).segments

    @property
    def spares(self) -> int:
        """How many empty segments are ready."""
        return len(names_in(self.disk).spares)

    def seen(self, number: int) -> bytearray:
        """The bytes of a segment."""
        return self.disk.files[f"{number:08d}.segment"].seen


@pytest.fixture
def bench() -> Bench:
    return Bench()


def entries(first: int, count: int, lane: Lane = ALARM, size: int = 1000) -> list[Entry]:
    return [entry(n, lane, body=bytes([n % 251]) * size) for n in range(first, first + count)]


def seqs(store: SegmentStore, lane: Lane = ALARM) -> list[int]:
    return [found.seq for _, found in store.read(lane, 0, 10_000)]


def life(store: SegmentStore, number: int) -> None:
    (one,) = entries(number, 1)
    store.write([one], [])
    store.write([], [one.id])


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


def full(bench: Bench, store: SegmentStore, lane: Lane = ALARM) -> int:
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


# -- damage --------------------------------------------------------------------------------------


def spoil(bench: Bench, number: int, at: int, length: int = 8) -> None:
    bench.seen(number)[at : at + length] = b"\x5a" * length
    inode = bench.disk.files[f"{number:08d}.segment"]
    inode.durable[:] = inode.seen


@pytest.fixture
def spoilt(bench: Bench) -> Bench:
    """Eleven alarms, three of them acked; the second can no longer be read."""
    store = bench.store()
    for number in range(1, 11):
        store.write(entries(number, 1), [])
    store.write([], [f"alarm-{number}" for number in (3, 5, 7)])
    store.write(entries(11, 1), [])
    store.close()
    spoil(bench, bench.segments[0], 2 * SECTOR + 1536 + 300)
    return bench


def test_an_unreadable_entry_is_told_by_the_name_of_its_file(spoilt: Bench) -> None:
    store = spoilt.store()
    assert seqs(store) == [1, 4, 6, 8, 9, 10, 11]
    assert spoilt.damage == [Damage(["00000001.segment.damaged"], 1)]
    assert store.fill().alarms == 7
    assert "00000001.segment.damaged" in spoilt.disk.files
    store.close()
    assert seqs(spoilt.store()) == [1, 4, 6, 8, 9, 10, 11]
    assert len(spoilt.damage) == 1


def test_what_a_damaged_segment_says_of_removals_still_counts(spoilt: Bench) -> None:
    newest = spoilt.segments[-1]
    spoil(spoilt, newest, 0)
    spoil(spoilt, newest, SIZE - 20)
    store = spoilt.store()
    assert spoilt.damage[0].names == [f"{newest:08d}.segment.damaged"]
    assert seqs(store) == [1, 4, 6, 8, 9, 10, 11]
    store.close()
    assert seqs(spoilt.store()) == [1, 4, 6, 8, 9, 10, 11], "they are written down again"


def test_what_is_readable_in_the_segment_that_is_written_to_is_kept(bench: Bench) -> None:
    store = bench.store()
    for number in range(1, 4):
        store.write(entries(number, 1, size=200), [])
    spoil(bench, 1, 2 * SECTOR + 200)
    assert seqs(store) == [2, 3]
    assert bench.damage == [Damage(["00000001.segment.damaged"], 1)]
    assert seqs(store) == [2, 3]
    assert seqs(bench.store()) == [2, 3]


def test_a_commit_that_is_gone_without_a_trace_is_told_when_another_follows(bench: Bench) -> None:
    store = bench.store()
    for number in range(1, 4):
        store.write(entries(number, 1), [])
    spoil(bench, 1, 2 * SECTOR + 1536, 1536)
    left = recover(bench.disk)
    assert (left.damaged, left.rest) == ([1], None), "nothing more is written there"
    assert seqs(bench.store()) == [1, 3]
    assert len(bench.damage) == 1


def test_after_an_orderly_end_the_last_commit_is_no_unfinished_write(bench: Bench) -> None:
    """Its index is damaged, and one entry of it; an index is begun only when all is durable."""
    store = bench.store()
    store.write(entries(1, 5), [])
    store.close()
    spoil(bench, 1, SIZE - 20)
    spoil(bench, 1, 2 * SECTOR + 300)
    assert seqs(bench.store()) == [2, 3, 4, 5]
    assert len(bench.damage) == 1


def test_a_damaged_segment_is_told_also_when_there_is_no_room_to_copy_its_rest(
    spoilt: Bench,
) -> None:
    for name in [name for name in spoilt.disk.files if name.startswith("spare")]:
        spoilt.disk.remove(name)
    spoilt.disk.room = sum(len(file.seen) for file in spoilt.disk.files.values())
    store = spoilt.store()
    for number in range(100, 110):
        life_or_full(store, number)
    assert 2 not in seqs(store)
    assert spoilt.damage[-1].names == ["00000001.segment"]
    spoilt.disk.room *= 2
    store.close()
    assert set(seqs(spoilt.store())) >= {1, 4, 6, 8, 9, 10, 11}
    assert spoilt.damage[-1].names == ["00000001.segment.damaged"]


def life_or_full(store: SegmentStore, number: int) -> None:
    with suppress(StoreFullError):
        life(store, number)


def test_after_damage_the_session_is_above_any_earlier_one(spoilt: Bench) -> None:
    spoil(spoilt, spoilt.segments[-1], 0)
    spoil(spoilt, spoilt.segments[-1], SIZE - 20)
    store = spoilt.store(after_damage=5000)
    store.close()
    assert store.open().session == 5001


def test_damaged_files_do_not_fill_the_disk(bench: Bench) -> None:
    for number in range(1, 3 * KEEP_DAMAGED):
        store = bench.store()
        store.write(entries(number, 1), [])
        store.close()
        spoil(bench, bench.segments[-1], 0)
        spoil(bench, bench.segments[-1], SIZE - 20)
    assert len(names_in(bench.disk).damaged) == KEEP_DAMAGED
    assert seqs(bench.store()) == list(range(1, 3 * KEEP_DAMAGED))


def test_a_segment_that_lost_its_end_gives_what_is_left(bench: Bench) -> None:
    store = bench.store()
    for number in range(1, 5):
        store.write(entries(number, 1), [])
    store.close()
    inode = bench.disk.files["00000001.segment"]
    del inode.seen[5 * SECTOR :]
    inode.durable[:] = inode.seen
    assert seqs(bench.store()) == [1]
    assert [damage.names for damage in bench.damage] == [["00000001.segment.damaged"]]


def test_the_header_tells_a_person_what_the_file_is() -> None:
    assert header(SIZE).split(b"\n")[0] == b"GATEHOUSE OUTBOX SEGMENT 1, 8192 BYTES"
