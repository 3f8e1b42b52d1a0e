"""Segment stores on a disk in memory, small enough to look at."""

from __future__ import annotations

from pathlib import Path

from agent.core.ports import Entry, Lane
from agent.outbox.segments.ledger import Damage
from agent.outbox.segments.recovery import names_in
from agent.outbox.segments.store import SegmentStore
from tests.support.power import Disk
from tests.support.samples import entry

SIZE = 8192


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

    def seen(self, number: int) -> bytearray:
        """The bytes of a segment."""
        return self.disk.files[f"{number:08d}.segment"].seen


def entries(first: int, count: int, lane: Lane = Lane.ALARM, size: int = 1000) -> list[Entry]:
    """Entries with these numbers."""
    return [entry(n, lane, body=bytes([n % 251]) * size) for n in range(first, first + count)]


def seqs(store: SegmentStore, lane: Lane = Lane.ALARM) -> list[int]:
    """The numbers that the store holds."""
    return [found.seq for _, found in store.read(lane, 0, 10_000)]


def life(store: SegmentStore, number: int) -> None:
    """One alarm, from acceptance to the ack."""
    (one,) = entries(number, 1)
    store.write([one], [])
    store.write([], [one.id])


def spoil(bench: Bench, number: int, at: int, length: int = 8) -> None:
    """Overwrite a few bytes of a segment, on the disk too."""
    bench.seen(number)[at : at + length] = b"\x5a" * length
    inode = bench.disk.files[f"{number:08d}.segment"]
    inode.durable[:] = inode.seen
