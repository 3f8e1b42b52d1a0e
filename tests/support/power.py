"""A disk in memory that can lose power, fail a sync, fill up and rot.

It implements ``agent.outbox.segments.folder`` and remembers what was synced. ``cut_at`` counts
every change (write, sync, rename, ...): at that one the power goes, and :meth:`Disk.after_cut`
gives the disk that is found afterwards. Of what was not synced any sector is old, new, or new in
its first part only; of names that were not synced the first few changes are there.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

SECTOR = 512


class PowerCutError(Exception):
    """The power is gone; no code runs after this."""


@dataclass(slots=True)
class Inode:
    """A file: what programs see, what is on the disk, what is on its way."""

    seen: bytearray
    durable: bytearray = field(default_factory=bytearray)
    on_the_way: list[tuple[int, bytes]] = field(default_factory=list)

    def after_cut(self, rng: random.Random) -> Inode:
        """What is found when the power is back."""
        found = bytearray(self.durable)
        if not found and rng.random() < 0.5:
            found = bytearray(len(self.seen))
        for offset, data in self.on_the_way:
            if len(found) < offset + len(data):
                continue
            for at in range(0, len(data), SECTOR):
                kept = rng.choice((0, 0, SECTOR, SECTOR, rng.randrange(SECTOR)))
                piece = data[at : at + SECTOR][:kept]
                found[offset + at : offset + at + len(piece)] = piece
        return Inode(bytearray(found), found)


class DiskFile:
    """An open file of a :class:`Disk`."""

    def __init__(self, disk: Disk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    @property
    def size(self) -> int:
        """Its length."""
        return len(self._inode.seen)

    def read(self, offset: int, length: int) -> bytes:
        """What programs see."""
        return bytes(self._inode.seen[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        """Seen at once, durable later."""
        assert offset % SECTOR == len(data) % SECTOR == 0, "whole sectors"
        assert offset + len(data) <= self.size, "inside the room that was taken"
        self._inode.seen[offset : offset + len(data)] = data
        self._inode.on_the_way.append((offset, data))
        self._disk.step()

    def sync(self) -> None:
        """Durable, or EIO; after that the system believes the disk has what it has not."""
        self._disk.step()
        self._disk.syncs += 1
        if self._disk.failing(self._disk.syncs):
            self._inode.on_the_way.clear()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        inode = self._inode
        inode.durable = inode.durable or bytearray(self.size)
        for offset, data in inode.on_the_way:
            inode.durable[offset : offset + len(data)] = data
        inode.on_the_way.clear()

    def close(self) -> None:
        """Nothing to give back."""


class Disk:
    """One folder."""

    def __init__(self, *, room: int = 1 << 40, cut_at: int | None = None) -> None:
        """*room*: bytes that files can take."""
        self.room = room
        self.cut_at = cut_at
        self.steps = 0
        self.syncs = 0
        self.created = 0
        self.failing: Callable[[int], bool] = lambda _: False
        self.files: dict[str, Inode] = {}
        self._durable: dict[str, Inode] = {}
        self._changes: list[Callable[[dict[str, Inode]], object]] = []

    def step(self) -> None:
        """One change more; the power may go."""
        self.steps += 1
        if self.cut_at is not None and self.steps >= self.cut_at:
            raise PowerCutError

    def names(self) -> list[str]:
        """What is in it."""
        return list(self.files)

    def open(self, name: str) -> DiskFile:
        """An existing file."""
        return DiskFile(self, self.files[name])

    def create(self, name: str, size: int) -> DiskFile:
        """A new file."""
        taken = sum(len(inode.seen) for key, inode in self.files.items() if key != name)
        if taken + size > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        inode = Inode(bytearray(size))
        self.created += 1
        self._change(lambda names: names.update({name: inode}))
        return DiskFile(self, inode)

    def rename(self, old: str, new: str) -> None:
        """Another name."""
        self._change(lambda names: names.update({new: names.pop(old)}))

    def remove(self, name: str) -> None:
        """No file any more."""
        self._change(lambda names: names.pop(name))

    def sync(self) -> None:
        """Names are durable."""
        self.step()
        for change in self._changes:
            change(self._durable)
        self._changes.clear()

    def after_cut(self, rng: random.Random) -> Disk:
        """The disk when the power is back."""
        found = Disk(room=self.room)
        names = dict(self._durable)
        for change in self._changes[: rng.randint(0, len(self._changes))]:
            change(names)
        found.files = {name: inode.after_cut(rng) for name, inode in names.items()}
        found._durable = dict(found.files)
        return found

    def rot(self, rng: random.Random, flips: int) -> None:
        """Flip bits anywhere in what is not blank."""
        written = [inode for _, inode in sorted(self.files.items()) if any(inode.seen)]
        for _ in range(flips):
            inode = rng.choice(written)
            at = rng.randrange(len(inode.seen))
            while not inode.seen[at]:
                at = (at + 1) % len(inode.seen)
            inode.seen[at] ^= 1 << rng.randrange(8)
            inode.durable[:] = inode.seen

    def _change(self, change: Callable[[dict[str, Inode]], object]) -> None:
        change(self.files)
        self._changes.append(change)
        self.step()
