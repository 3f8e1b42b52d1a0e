"""The sequence of segments in a folder: where the next commit goes, and what becomes of old ones.

Here: the active segment, turning from one to the next, freeing the oldest. Not here: what the
commits say (``store``), where empty segments come from (``spares``).

The oldest segment is freed first, always: a removal never leaves the log before what it removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from agent.outbox.segments.codec import (
    SECTOR,
    Append,
    Commit,
    Numbers,
    Record,
    Remove,
    Row,
    commit_size,
    encode_commit,
    header,
)
from agent.outbox.segments.folder import File, Folder
from agent.outbox.segments.index import Index, cost, encode_index, index_size
from agent.outbox.segments.recovery import (
    UNFINISHED,
    Recovered,
    damaged_name,
    segment_name,
    survey,
)
from agent.outbox.segments.scan import Found
from agent.outbox.segments.spares import Spares
from agent.outbox.segments.table import Place

KEEP_DAMAGED = 8


@dataclass(slots=True)
class _Active:
    """The segment that takes commits."""

    number: int
    file: File
    end: int = SECTOR
    numbers: Numbers = field(default_factory=Numbers)
    rows: list[Row] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    costs: int = 0

    def take(self, commit: Commit | Found) -> None:
        self.end = commit.end
        self.numbers = commit.numbers
        self.rows.extend(commit.rows)
        self.removed.extend(commit.removed)
        self.costs += cost((row.id for row in commit.rows), len(commit.removed))

    def fits(self, size: int, costs: int) -> bool:
        return self.end + size + index_size(self.costs + costs) <= self.file.size

    def index(self) -> Index:
        return Index(self.numbers, tuple(self.rows), tuple(self.removed), self.end)


class Log:
    """Open from its making to :meth:`close`. After an OSError it has to be made anew."""

    def __init__(self, folder: Folder, left: Recovered, spares: Spares) -> None:
        """Go on where *left* ended; nothing is written yet."""
        self._folder = folder
        self.spares = spares
        self._sizes = dict(left.sizes)
        self.held_bytes = sum(self._sizes.values())
        self._next = max([0, *left.names.segments, *left.names.damaged]) + 1
        self._damaged = list(left.names.damaged)
        self._active: _Active | None = None
        self._reading: tuple[int, File] | None = None
        if left.in_order:
            self.go_on(left)

    def go_on(self, left: Recovered) -> bool:
        """Take commits in the newest segment as it was left; False when that cannot be.

        After an end that was not in order that is the last resort of a full disk: the write that
        ended it may have failed just there.
        """
        if left.rest is not None and self._active is None:
            number = left.names.segments[-1]
            self._active = _Active(number, self._folder.open(segment_name(number)))
            self._active.take(left.rest)
        return self._active is not None

    @property
    def oldest(self) -> int | None:
        """The segment to be freed next; never the newest, which has the numbers."""
        return next(iter(self._sizes)) if len(self._sizes) > 1 else None

    @property
    def newest(self) -> int:
        """The segment of the last commit."""
        return next(reversed(self._sizes))

    # -- commits ----------------------------------------------------------------------------------

    def commit(
        self, numbers: Numbers, records: Sequence[Record], *, from_reserve: bool
    ) -> tuple[int, Commit]:
        """Make *records* durable; the segment they are in, and their rows.

        StoreFullError before anything is written, OSError when it is not known what is written.
        """
        size, costs = commit_size(records), _costs(records)
        active = self._active
        if active is None or not active.fits(size, costs):
            if SECTOR + size + index_size(costs) > self.spares.size:
                return self._large(numbers, records, size + index_size(costs))
            active = self._turn(from_reserve=from_reserve)
        data, commit = encode_commit(active.number, active.end, numbers, records)
        active.file.write(active.end, data)
        active.file.sync()
        active.take(commit)
        return active.number, commit

    def read(self, place: Place) -> bytes:
        """The bytes of a record."""
        return self._open(place.segment).read(place.offset, place.length)

    def removed_in(self, number: int) -> list[int]:
        """The positions that segment *number* says are gone."""
        return survey(self._open(number), number).found.removed

    def _large(self, numbers: Numbers, records: Sequence[Record], size: int) -> tuple[int, Commit]:
        """A segment of its own, complete at its birth, for a commit that fits in no other."""
        number = self._next
        file = self.spares.create(SECTOR + size)
        try:
            self._complete()
            data, commit = encode_commit(number, SECTOR, numbers, records)
            index = Index(numbers, commit.rows, commit.removed, commit.end)
            file.write(0, header(file.size) + data + encode_index(number, index))
            file.sync()
        finally:
            file.close()
        self._folder.rename(UNFINISHED, segment_name(number))
        self._folder.sync()
        self._hold(number, file.size)
        return number, commit

    # -- from one segment to the next -------------------------------------------------------------

    def turn(self) -> None:
        """Take no more commits in the active segment; the next goes into a spare."""
        if self._active is not None:
            self._active.file.close()
            self._active = None

    def _turn(self, *, from_reserve: bool) -> _Active:
        name, number = self.spares.take(from_reserve=from_reserve), self._next
        self._complete()
        file = self._folder.open(name)
        try:
            file.write(0, header(file.size))
            file.write(file.size - SECTOR, bytes(SECTOR))
            file.sync()
        finally:
            file.close()
        self._folder.rename(name, segment_name(number))
        self._folder.sync()
        self._hold(number, file.size)
        self._active = _Active(number, self._folder.open(segment_name(number)))
        return self._active

    def _complete(self) -> None:
        """Write the active segment's index behind its last commit; it takes no more."""
        active, self._active = self._active, None
        if active is None:
            return
        try:
            self._write_index(active)
        finally:
            active.file.close()

    def _write_index(self, active: _Active) -> None:
        data = encode_index(active.number, active.index())
        active.file.write(active.file.size - len(data), data)
        active.file.sync()

    # -- old segments -----------------------------------------------------------------------------

    def free(self, number: int) -> None:
        """Nothing in the oldest segment lives: it becomes a spare, or room on the disk."""
        self._forget(number)
        name = segment_name(number)
        if self._release(number) != self.spares.size or not self.spares.adopt(name):
            self._folder.remove(name)

    def set_aside(self, number: int) -> str:
        """Take a damaged segment, whose readable rest is elsewhere, out of the log; its name."""
        self._forget(number)
        self._folder.rename(segment_name(number), damaged_name(number))
        self._damaged.append(number)
        while len(self._damaged) > KEEP_DAMAGED:
            self._folder.remove(damaged_name(self._damaged.pop(0)))
        self._folder.sync()
        self._release(number)
        return damaged_name(number)

    def close(self, *, in_order: bool) -> None:
        """Give everything back. *in_order*: leave an index, so that the next start goes on here."""
        if self._reading is not None:
            self._reading[1].close()
        active, self._active = self._active, None
        if active is None:
            return
        if in_order:
            with suppress(OSError):
                self._write_index(active)
        active.file.close()

    def _open(self, number: int) -> File:
        if self._active is not None and self._active.number == number:
            return self._active.file
        if self._reading is None or self._reading[0] != number:
            if self._reading is not None:
                self._reading[1].close()
                self._reading = None
            self._reading = number, self._folder.open(segment_name(number))
        return self._reading[1]

    def _hold(self, number: int, size: int) -> None:
        self._sizes[number] = size
        self.held_bytes += size
        self._next = number + 1

    def _release(self, number: int) -> int:
        size = self._sizes.pop(number)
        self.held_bytes -= size
        return size

    def _forget(self, number: int) -> None:
        if self._reading is not None and self._reading[0] == number:
            self._reading[1].close()
            self._reading = None
        if self._active is not None and self._active.number == number:
            self.turn()


def _costs(records: Sequence[Record]) -> int:
    """What *records* cost in an index."""
    appends = [record.entry.id for record in records if isinstance(record, Append)]
    return cost(appends, sum(len(r.positions) for r in records if isinstance(r, Remove)))
