"""What the log holds at this moment, and where: positions by lane, ids, use of segments. Pure.

Here: the only state of the store in memory, some 200 bytes an entry. Not here: bodies, and how the
table came to be (``recovery``).

Positions grow, so each lane is a set of parallel columns in order of position; what is gone has
length 0 until the lane is pruned.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import ge
from typing import NamedTuple

from agent.core.ports import Fill, Lane
from agent.outbox.segments.codec import Row

_PRUNE_FROM = 1024


class Place(NamedTuple):
    """Where the record of an entry stands."""

    segment: int
    offset: int
    length: int


@dataclass(slots=True)
class Use:
    """What is live in a segment."""

    entries: int = 0
    bytes: int = 0


class _Column:
    """One lane."""

    def __init__(self) -> None:
        self.positions = array("Q")
        self.segments = array("I")
        self.offsets = array("I")
        self.lengths = array("I")
        self.accepted = array("q")
        self.first = 0
        self.live = 0

    def add(self, segment: int, row: Row) -> None:
        self.positions.append(row.position)
        self.segments.append(segment)
        self.offsets.append(row.offset)
        self.lengths.append(row.length)
        self.accepted.append(row.accepted_utc_ns)
        self.live += 1

    def find(self, position: int) -> int | None:
        """The index of a live position."""
        at = bisect_left(self.positions, position)
        found = at < len(self.positions) and self.positions[at] == position
        return at if found and self.lengths[at] else None

    def place(self, at: int) -> Place:
        return Place(self.segments[at], self.offsets[at], self.lengths[at])

    def alive(self, start: int = 0) -> Iterator[int]:
        """Indexes of what is live, from *start* on."""
        return (at for at in range(max(start, self.first), len(self.lengths)) if self.lengths[at])

    def drop(self, at: int) -> None:
        self.lengths[at] = 0
        self.live -= 1
        while self.first < len(self.lengths) and not self.lengths[self.first]:
            self.first += 1
        if len(self.lengths) - self.live > max(self.live, _PRUNE_FROM):
            self.keep(list(self.alive()))

    def keep(self, keep: Sequence[int]) -> None:
        """Forget every index but these, and put them in this order."""
        for name in ("positions", "segments", "offsets", "lengths", "accepted"):
            column: array[int] = getattr(self, name)
            setattr(self, name, array(column.typecode, (column[at] for at in keep)))
        self.first, self.live = 0, len(keep)


class Table:
    """Every live entry of the log."""

    def __init__(self) -> None:
        self._lanes = {lane: _Column() for lane in Lane}
        self._ids: dict[str, int] = {}
        self._use: dict[int, Use] = {}
        self.live_bytes = 0

    def adopt(
        self, lane: Lane, column: _Column, ids: Sequence[str], removed: Container[int]
    ) -> None:
        """Take over a lane that is in no order yet."""
        positions, segments, offsets = column.positions, column.segments, column.offsets
        order: Sequence[int] = range(len(positions))
        if any(map(ge, positions, islice(positions, 1, None))):
            order = sorted(order, key=lambda at: (positions[at], -segments[at], -offsets[at]))
        keep, before = [], -1
        for at in order:
            position = positions[at]
            if position != before and position not in removed and ids[at] not in self._ids:
                keep.append(at)
                self._ids[ids[at]] = position * len(Lane) + lane
                self._use_more(segments[at], column.lengths[at])
            before = position
        self._lanes[lane] = column
        if isinstance(order, list) or len(keep) < len(order):
            column.keep(keep)

    def put(self, segment: int, row: Row) -> None:
        """The entry of *row* stands in *segment* now: it is new there, or a copy that counts.

        The position of a new one is above all others.
        """
        column = self._lanes[Lane(row.lane)]
        at = column.find(row.position)
        if at is None:
            column.add(segment, row)
            self._ids[row.id] = row.position * len(Lane) + row.lane
        else:
            self._unuse(column.place(at))
            column.segments[at], column.offsets[at] = segment, row.offset
        self._use_more(segment, row.length)

    def drop(self, position: int) -> None:
        """The entry at *position* is gone; nothing when it was."""
        for column in self._lanes.values():
            at = column.find(position)
            if at is not None:
                self._unuse(column.place(at))
                column.drop(at)
        if len(self._ids) > 2 * len(self) + _PRUNE_FROM:
            self._ids = {key: kept for key, kept in self._ids.items() if self._holds(kept)}

    def position_of(self, entry_id: str) -> int | None:
        """Where a live entry stands in order."""
        kept = self._ids.get(entry_id)
        return kept // len(Lane) if kept is not None and self._holds(kept) else None

    def read(self, lane: Lane, after: int) -> Iterator[tuple[int, Place]]:
        """Live entries of *lane* behind position *after*, in order."""
        column = self._lanes[lane]
        start = bisect_right(column.positions, after)
        return ((column.positions[at], column.place(at)) for at in column.alive(start))

    def within(self, segment: int) -> list[tuple[Lane, int, Place]]:
        """Lane, position and place of what is live in *segment*, in order of the log."""
        found = [
            (lane, column.positions[at], column.place(at))
            for lane, column in self._lanes.items()
            for at in column.alive()
            if column.segments[at] == segment
        ]
        return sorted(found, key=lambda item: item[2].offset)

    def use(self, segment: int) -> Use:
        """How much of *segment* is live."""
        return self._use.get(segment, Use())

    def surplus(self, max_events: int, accepted_before_ns: int) -> list[int]:
        """Positions of the events beyond *max_events*, oldest first, and of those that are old."""
        column = self._lanes[Lane.EVENT]
        beyond = column.live - max_events
        return [
            column.positions[at]
            for number, at in enumerate(column.alive())
            if number < beyond or column.accepted[at] < accepted_before_ns
        ]

    def fill(self) -> Fill:
        """How much is held."""
        alarms, events = self._lanes[Lane.ALARM], self._lanes[Lane.EVENT]
        firsts = [(c.positions[c.first], c.accepted[c.first]) for c in (alarms, events) if c.live]
        return Fill(alarms.live, events.live, min(firsts)[1] if firsts else None)

    def __len__(self) -> int:
        return sum(column.live for column in self._lanes.values())

    def _holds(self, kept: int) -> bool:
        position, lane = divmod(kept, len(Lane))
        return self._lanes[Lane(lane)].find(position) is not None

    def _use_more(self, segment: int, length: int) -> None:
        use = self._use.setdefault(segment, Use())
        use.entries += 1
        use.bytes += length
        self.live_bytes += length

    def _unuse(self, place: Place) -> None:
        use = self._use[place.segment]
        use.entries -= 1
        use.bytes -= place.length
        self.live_bytes -= place.length
        if not use.entries:
            del self._use[place.segment]


class Loader:
    """Makes a table of what segments hold, given in any order, copies and dead entries among it."""

    def __init__(self) -> None:
        self._lanes = {lane: _Column() for lane in Lane}
        self._ids: dict[Lane, list[str]] = {lane: [] for lane in Lane}

    def take(self, segment: int, rows: Iterable[Row]) -> None:
        """What *segment* holds."""
        for row in rows:
            self._lanes[Lane(row.lane)].add(segment, row)
            self._ids[Lane(row.lane)].append(row.id)

    def table(self, removed: Container[int]) -> Table:
        """The table without what was *removed*.

        Of copies the last in the log counts; of two entries with one id the first.
        """
        made = Table()
        for lane, column in self._lanes.items():
            made.adopt(lane, column, self._ids[lane], removed)
        return made
