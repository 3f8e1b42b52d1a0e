"""The log and its table as one: every change is durable first and known after that.

Here: commits, what is copied out of old segments and when, what is done about damage. Not here: the
port and failures of the disk (``store``), files (``log``), what is live (``table``).

What is dead in the middle of the log takes room until the oldest segment gets there. When more than
half of the log is dead, each new segment pays for moving the living entries of the oldest one on:
never more than one segment copied for one segment written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.core.errors import StoreFullError
from agent.core.ports import Lane
from agent.outbox.segments.codec import Append, Numbers, Record, Remove, decode_append
from agent.outbox.segments.log import Log
from agent.outbox.segments.recovery import segment_name
from agent.outbox.segments.table import Place, Table

log = logging.getLogger(__name__)

COPY_BYTES = 32 * 1024
REMOVE_AT_ONCE = 4096
SLACK_SEGMENTS = 4


@dataclass(slots=True)
class Damage:
    """What was found damaged: the files as they are called now, entries known to be lost."""

    names: list[str] = field(default_factory=list)
    lost: int = 0


class Ledger:
    """An open log with all that is known of it. OSError when the disk fails: then drop it."""

    def __init__(self, opened: Log, table: Table, numbers: Numbers) -> None:
        """*table* and *numbers* as the log was left."""
        self.log = opened
        self.table = table
        self.numbers = numbers
        self.damage = Damage()
        self._turned_at = 0

    def commit(
        self,
        records: Sequence[Record],
        numbers: Numbers | None = None,
        *,
        from_reserve: bool = True,
    ) -> None:
        """Make *records* and *numbers* durable, all or nothing."""
        numbers = self.numbers if numbers is None else numbers
        segment, commit = self.log.commit(numbers, records, from_reserve=from_reserve)
        self.numbers = numbers
        for row in commit.rows:
            self.table.put(segment, row)
        for position in commit.removed:
            self.table.drop(position)

    def entry(self, position: int, place: Place) -> Append | None:
        """The entry at *position*; None when it cannot be read."""
        append = decode_append(self.log.read(place), place.segment, place.offset)
        return append if append is not None and append.position == position else None

    # -- old segments -----------------------------------------------------------------------------

    def tidy(self) -> None:
        """Free what is dead at the old end; when much is dead elsewhere, move the oldest on."""
        self._free()
        slack = SLACK_SEGMENTS * self.log.spares.size
        crowded = self.log.held_bytes > 2 * self.table.live_bytes + slack
        if crowded and self.log.newest != self._turned_at:
            self._turned_at = self.log.newest
            try:
                self._move_oldest()
            except StoreFullError as error:
                log.debug("old segments are left where they are: %s", error)

    def displace(self) -> bool:
        """Evict the events of the oldest segment and use it again; False when there are none."""
        number = self.log.oldest
        if number is None or not self.table.fill().events:
            return False
        places = self.table.within(number)
        events = [position for lane, position, _ in places if lane is Lane.EVENT]
        for record in removes(events):
            self.commit([record])
        self._move_oldest()
        log.warning("the disk is full: %d events gave way to alarms", len(events))
        return True

    def _free(self) -> None:
        while self.log.oldest is not None and not self.table.use(self.log.oldest).entries:
            self.log.free(self.log.oldest)

    def _move_oldest(self) -> None:
        number = self.log.oldest
        if number is not None:
            self.lose(self._copy(self.table.within(number)))
            self._free()

    def _copy(self, places: Iterable[tuple[Lane, int, Place]]) -> list[tuple[int, Place]]:
        """Copy entries to the newest segment; those that cannot be read are returned."""
        batch: list[Record] = []
        size, lost = 0, []
        for _, position, place in places:
            append = self.entry(position, place)
            if append is None:
                lost.append((position, place))
                continue
            batch.append(append)
            size += place.length
            if size > COPY_BYTES:
                self.commit(batch)
                batch, size = [], 0
        if batch:
            self.commit(batch)
        return lost

    # -- damage -----------------------------------------------------------------------------------

    def lose(self, lost: Sequence[tuple[int, Place]]) -> None:
        """Entries that cannot be read are gone; their segments are moved aside."""
        for position, _ in lost:
            self.table.drop(position)
        for number in sorted({place.segment for _, place in lost}):
            self.set_aside(number, sum(place.segment == number for _, place in lost))

    def set_aside(self, number: int, lost: int = 0) -> None:
        """Copy the readable rest of a damaged segment on, move its file aside, and note it.

        *lost* entries of it are known to be gone already. What it says of removals is repeated:
        what is removed there may stand in an older segment.
        """
        removed = self.log.removed_in(number)
        if number == self.log.newest:
            self.log.turn()
        try:
            unreadable = self._copy(self.table.within(number))
            for record in removes(removed) or [Remove(())]:
                self.commit([record])
        except StoreFullError as error:
            log.warning("segment %d is damaged and stays in its place: %s", number, error)
            self.damage.names.append(segment_name(number))
            return
        for position, _ in unreadable:
            self.table.drop(position)
        name = self.log.set_aside(number)
        lost += len(unreadable)
        log.warning("the outbox is damaged: %s moved aside, %d entries lost", name, lost)
        self.damage.names.append(name)
        self.damage.lost += lost


def removes(positions: Sequence[int]) -> list[Record]:
    """Records that remove *positions*, none of them too large."""
    starts = range(0, len(positions), REMOVE_AT_ONCE)
    return [Remove(tuple(positions[at : at + REMOVE_AT_ONCE])) for at in starts]
