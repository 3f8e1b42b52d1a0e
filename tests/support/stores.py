"""Every kind of outbox store, also on a very small disk. A second store is added here only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.core.ports import Lane, OutboxStore
from agent.outbox.segments.store import SegmentStore
from bench.sqlite_outbox import SqliteStore
from tests.support.power import Disk
from tests.support.seals import KEY, FixedKeys, sealed


class SmallSqliteStore(SqliteStore):
    """A store on a disk of 40 pages."""

    def _connect(self) -> sqlite3.Connection:
        db = super()._connect()
        db.execute("PRAGMA max_page_count = 40")
        return db


def small_segment_store(path: Path) -> SegmentStore:
    """A store on a disk of 40 pages."""
    return SegmentStore(path, folder=Disk(room=40 * 4096), segment_bytes=16 * 1024, reserve=2)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of store: how it is made, also on a very small disk, and the files it makes."""

    make: Callable[[Path], OutboxStore]
    make_small: Callable[[Path], OutboxStore]
    files: Callable[[Path], list[Path]]


def _sealed(inner: Callable[[Path], OutboxStore]) -> Callable[[Path], OutboxStore]:
    return lambda path: sealed(inner(path), FixedKeys(KEY), path.with_name("aside"))


def _segments(path: Path) -> list[Path]:
    return sorted(path.glob("*.segment"))


STORES = {
    "sqlite": Kind(SqliteStore, SmallSqliteStore, lambda path: [path]),
    "segments": Kind(SegmentStore, small_segment_store, _segments),
    "sealed-segments": Kind(_sealed(SegmentStore), _sealed(small_segment_store), _segments),
}


def seqs(
    store: OutboxStore, lane: Lane = Lane.ALARM, after: int = 0, limit: int = 1000
) -> list[int]:
    """The numbers that are held, in order."""
    return [found.seq for _, found in store.read(lane, after, limit)]
