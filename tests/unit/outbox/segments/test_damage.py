"""Segments that rotted: what is readable is kept, what is not is told by name."""

from __future__ import annotations

from contextlib import suppress

import pytest

from agent.core.errors import StoreFullError
from agent.core.ports import Lane
from agent.outbox.segments.codec import SECTOR, header
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.log import KEEP_DAMAGED
from agent.outbox.segments.recovery import names_in, recover
from agent.outbox.segments.store import SegmentStore
from tests.support.segments import SIZE, Bench, entries, life, seqs, spoil


@pytest.fixture
def bench() -> Bench:
    return Bench()


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


def test_positions_never_come_back_also_when_everything_was_lost(bench: Bench) -> None:
    store = bench.store()
    store.write(entries(1, 5), [])
    last = store.read(Lane.ALARM, 0, 10)[-1][0]
    spoil(bench, 1, 0, SIZE)
    store.open()
    store.write(entries(6, 1), [])
    ((position, _),) = store.read(Lane.ALARM, 0, 10)
    assert position > last
