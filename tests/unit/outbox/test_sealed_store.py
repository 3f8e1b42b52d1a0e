"""The sealed outbox: unreadable on the disk, sealed anew in order, nothing lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits
from agent.outbox import sealed_store
from agent.outbox.sealed_store import SealedStore
from bench.sqlite_outbox import SqliteStore
from tests.support.samples import entry
from tests.support.seals import KEY, OTHER_KEY, FixedKeys, sealed

ALARM, EVENT = Lane.ALARM, Lane.EVENT
NAME = "陈小明"


class MemoryStore:
    """A store in memory that can fail at its n-th write."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Entry]] = []
        self.position = 0
        self.fails_at = -1
        self.writes = 0

    def open(self) -> Counters:
        """Always there."""
        return Counters(1, 0, 0)

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:
        """All or nothing."""
        self.writes += 1
        if self.writes == self.fails_at:
            raise StoreFullError("no room left")
        standing = {stored.id for _, stored in self.rows}
        for new in appended:
            if new.id not in standing:
                self.position += 1
                self.rows.append((self.position, new))
        self.rows = [row for row in self.rows if row[1].id not in set(removed)]

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:
        """In order."""
        found = [row for row in self.rows if row[1].lane is lane and row[0] > after]
        return found[:limit]

    def fill(self) -> Fill:
        """Counts."""
        return Fill(len(self.rows), 0, None)

    def evict(self, limits: Limits, now_utc_ns: int) -> int:
        """Nothing is too much."""
        del limits, now_utc_ns
        return 0

    def has_room(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "outbox.db")
    store.open()
    yield store
    store.close()


def seqs(store: SealedStore | MemoryStore, lane: Lane = ALARM) -> list[int]:
    return [found.seq for _, found in store.read(lane, 0, 10_000)]


def test_the_disk_holds_no_word_of_a_body(inner: SqliteStore, tmp_path: Path) -> None:
    keys = FixedKeys(KEY)
    store = sealed(inner, keys, tmp_path / "aside")
    written = entry(1, body=json.dumps({"who": NAME}, ensure_ascii=False).encode())
    store.write([written], [])
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert NAME.encode() not in raw
    assert b"who" not in raw
    assert store.read(ALARM, 0, 1)[0][1] == written


def test_plain_entries_of_before_are_read_and_sealed_anew(
    inner: SqliteStore, tmp_path: Path
) -> None:
    inner.write([entry(n, lane) for n in range(1, 6) for lane in (ALARM, EVENT)], [])
    keys = FixedKeys(KEY, done=False)
    store = sealed(inner, keys, tmp_path / "aside")
    assert seqs(store) == [1, 2, 3, 4, 5]
    store.write([], ["alarm-2"])
    assert store.reseal() == KEY.id
    store.write([entry(6)], [])
    assert (seqs(store), seqs(store, EVENT)) == ([1, 3, 4, 5, 6], [1, 2, 3, 4, 5])
    assert all(found.body.startswith(b"GHS1") for _, found in inner.read(ALARM, 0, 10))
    keys.hold(KEY, done=True)
    assert store.reseal() is None
    store.write([], ["alarm-1", "alarm-6"])
    assert seqs(store) == [3, 4, 5]


def test_a_plain_entry_that_turns_up_later_is_not_believed(
    inner: SqliteStore, tmp_path: Path
) -> None:
    told: list[str] = []
    store = sealed(inner, FixedKeys(KEY), tmp_path / "aside", told)
    store.write([entry(1)], [])
    inner.write([entry(2, id="forged")], [])
    assert seqs(store) == [1]
    assert told == ["1 waiting messages are not genuine and are moved to aside"]
    (line,) = (tmp_path / "aside").read_text().splitlines()
    assert json.loads(line)["id"] == "forged"
    assert inner.fill().alarms == 1


def test_altered_and_moved_bodies_are_set_aside_and_the_rest_goes_on(
    inner: SqliteStore, tmp_path: Path
) -> None:
    told: list[str] = []
    store = sealed(inner, FixedKeys(KEY), tmp_path / "aside", told)
    store.write([entry(n) for n in range(1, 8)], [])
    rows = [found for _, found in inner.read(ALARM, 0, 10)]
    inner.write([], [row.id for row in rows])
    rows[1] = replace(rows[1], body=rows[1].body[:-1] + b"x")
    rows[2] = replace(rows[2], topic="gh/v1/elsewhere")
    rows[3] = replace(rows[3], body=rows[4].body)
    rows[5] = replace(rows[5], lane=EVENT)
    inner.write(rows, [])
    assert [found.seq for _, found in store.read(ALARM, 0, 3)] == [1, 5, 7]
    assert seqs(store, EVENT) == []
    assert len((tmp_path / "aside").read_text().splitlines()) == 4
    assert inner.fill() == Fill(3, 0, 1)


def test_what_cannot_be_set_aside_stays(inner: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "aside").mkdir()
    inner.write([entry(1)], [])
    store = sealed(inner, FixedKeys(KEY), tmp_path / "aside")
    assert seqs(store) == []
    assert inner.fill().alarms == 1


def test_entries_of_a_missing_key_wait_for_it(inner: SqliteStore, tmp_path: Path) -> None:
    told: list[str] = []
    keys = FixedKeys(KEY)
    store = sealed(inner, keys, tmp_path / "aside", told)
    store.write([entry(n) for n in (1, 2)], [])
    keys.hold(OTHER_KEY, done=False)
    store.write([entry(3)], [])
    assert seqs(store) == [3]
    assert store.reseal() == OTHER_KEY.id
    assert KEY.id in told[-1]
    assert told[-1].startswith("2 waiting messages")
    keys.hold(KEY, OTHER_KEY, done=False)
    store.open()
    assert store.reseal() == OTHER_KEY.id
    assert sorted(seqs(store)) == [1, 2, 3]


def test_without_any_key_nothing_is_stored(inner: SqliteStore, tmp_path: Path) -> None:
    keys = FixedKeys(KEY)
    keys._ring, keys._held = None, []
    store = sealed(inner, keys, tmp_path / "aside")
    with pytest.raises(StoreError):
        store.open()


@given(
    st.integers(1, 60),
    st.integers(-1, 9),
    st.integers(-1, 9),
    st.sets(st.integers(1, 60)),
    st.data(),
)
def test_a_rotation_broken_off_anywhere_loses_nothing_and_keeps_the_order(
    count: int, first: int, second: int, acked: set[int], data: st.DataObject
) -> None:
    inner, keys = MemoryStore(), FixedKeys(KEY)
    store = sealed(inner, keys, Path("/dev/null/aside"))
    store.write([entry(n) for n in range(1, count + 1)], [])
    keys.hold(KEY, OTHER_KEY, done=False)
    for fails_at in (first, second, -1):
        inner.writes, inner.fails_at = 0, fails_at
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sealed_store, "SLICE", data.draw(st.integers(1, 9)))
            try:
                store.reseal()
            except StoreFullError:
                assert sorted(seqs(store)) == list(range(1, count + 1))
        inner.fails_at = -1
        count += 1
        store.write([entry(count)], [])
    assert seqs(store) == list(range(1, count + 1))
    keys.hold(OTHER_KEY, done=True)
    store.write([], [f"alarm-{n}" for n in acked])
    assert seqs(store) == [n for n in range(1, count + 1) if n not in acked]
