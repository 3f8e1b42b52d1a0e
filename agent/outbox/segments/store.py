"""The outbox on a segment log: the store behind ``agent.core.ports.OutboxStore``.

Here: the port, opening, and what a failing disk means. Not here: bytes (``codec``), files
(``folder``, ``log``), what is kept and copied (``ledger``), when to write or send.

After an OSError nothing is known of the disk: every file is dropped, and the store has to be opened
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits
from agent.outbox.segments.codec import Append, Numbers, Record, Remove
from agent.outbox.segments.folder import DiskFolder, Folder
from agent.outbox.segments.ledger import Damage, Ledger, removes
from agent.outbox.segments.log import Log
from agent.outbox.segments.recovery import Recovered, recover
from agent.outbox.segments.spares import NO_ROOM, RESERVE, SEGMENT_BYTES, Spares
from agent.outbox.segments.table import Place

DISPLACE_SEGMENTS = 8


class SegmentStore:
    """One folder of segments. Opened in one thread, then used by one other."""

    def __init__(
        self,
        path: Path,
        *,
        after_damage: int = 1,
        on_damage: Callable[[Damage], None] = lambda _: None,
        folder: Folder | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        reserve: int = RESERVE,
    ) -> None:
        """*after_damage* is the least session after damage was found at opening.

        *on_damage* hears what was moved aside, in the thread that uses the store. *folder* replaces
        the disk.
        """
        self._path = path
        self._folder: Folder = DiskFolder(path) if folder is None else folder
        self._segment_bytes = segment_bytes
        self._reserve = reserve
        self._after_damage = after_damage
        self._on_damage = on_damage
        self._ledger: Ledger | None = None
        self._known = Numbers()

    def open(self) -> Counters:
        """Open or create the folder, count the session up durably, and tell the counters."""
        self.close()
        with self._using_disk():
            left = recover(self._folder)
            spares = Spares(self._folder, left.names.spares, self._segment_bytes, self._reserve)
            ledger = Ledger(Log(self._folder, left, spares), left.table, left.numbers)
            self._ledger = ledger
            self._begin_session(ledger, left)
            for number in left.damaged:
                ledger.set_aside(number)
            spares.complete()
        return ledger.numbers.counters

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:
        """Append and remove in one durable commit. Appending an id twice changes nothing.

        On a full disk the oldest events give way to an alarm.
        """
        ledger = self._opened()
        gone = dict.fromkeys(removed)
        fresh: dict[str, Entry] = {}
        for entry in appended:
            if entry.id not in gone and ledger.table.position_of(entry.id) is None:
                fresh.setdefault(entry.id, entry)
        at = ledger.numbers.next_position
        positions = [p for p in map(ledger.table.position_of, gone) if p is not None]
        records = [Append(at + n, entry) for n, entry in enumerate(fresh.values())]
        numbers = _counted(ledger.numbers, appended, len(fresh))
        if not records and not positions and numbers == ledger.numbers:
            return
        with self._using_disk():
            self._commit(ledger, [*records, *removes(positions)], numbers, list(fresh.values()))
            ledger.tidy()

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Up to *limit* entries of *lane* with positions above *after*, in order."""
        ledger = self._opened()
        found: list[tuple[int, Entry]] = []
        lost: list[tuple[int, Place]] = []
        with self._using_disk():
            for position, place in ledger.table.read(lane, after):
                if len(found) == limit:
                    break
                append = ledger.entry(position, place)
                if append is None:
                    lost.append((position, place))
                else:
                    found.append((position, append.entry))
            ledger.lose(lost)
        return found

    def fill(self) -> Fill:
        """How much is held."""
        return self._opened().table.fill()

    def evict(self, limits: Limits, now_utc_ns: int) -> int:
        """Delete events beyond *limits*, oldest first; how many went."""
        ledger = self._opened()
        gone = ledger.table.surplus(limits.max_events, now_utc_ns - limits.event_age_ns)
        with self._using_disk():
            for record in removes(gone):
                ledger.commit([record])
                ledger.tidy()
        return len(gone)

    def has_room(self) -> bool:
        """Whether entries can be appended, after trying to make room for them."""
        ledger = self._opened()
        with self._using_disk():
            return ledger.log.spares.complete()

    def close(self) -> None:
        """Close the files; what was written is durable already."""
        self._drop(in_order=True)

    def _begin_session(self, ledger: Ledger, left: Recovered) -> None:
        """The first commit of a session repeats the last one of a session that ended badly.

        Nobody knows whether that one reached the disk: it may be readable only because the system
        still has it in memory after a failed sync.
        """
        n = left.numbers.at_least(self._known)
        session = n.session + 1
        if left.damaged or (left.names.damaged and not left.names.segments):
            session = max(session, self._after_damage)
        alive = [
            record
            for record in left.unproven
            if isinstance(record, Remove)
            or ledger.table.position_of(record.entry.id) == record.position
        ]
        numbers = Numbers(session, n.alarm_seq, n.event_seq, n.next_position)
        try:
            ledger.commit(alive, numbers)
        except StoreFullError:
            if not ledger.log.go_on(left):
                raise
            ledger.commit(alive, numbers)

    def _commit(
        self,
        ledger: Ledger,
        records: Sequence[Record],
        numbers: Numbers,
        fresh: Sequence[Entry],
    ) -> None:
        alarms = any(entry.lane is Lane.ALARM for entry in fresh)
        for _ in range(DISPLACE_SEGMENTS):
            try:
                ledger.commit(records, numbers, from_reserve=not fresh)
            except StoreFullError:
                if not alarms or not ledger.displace():
                    raise
            else:
                return
        ledger.commit(records, numbers, from_reserve=not fresh)

    def _opened(self) -> Ledger:
        if self._ledger is None:
            raise StoreError(f"{self._path} is not open")
        return self._ledger

    def _drop(self, *, in_order: bool) -> None:
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            self._known = ledger.numbers
            ledger.log.close(in_order=in_order)

    @contextmanager
    def _using_disk(self) -> Iterator[None]:
        """Drop everything when the disk fails; tell what was found damaged."""
        try:
            yield
        except OSError as error:
            self._drop(in_order=False)
            if error.errno in NO_ROOM:
                raise StoreFullError(f"{self._path}: no room left: {error}") from error
            raise StoreError(f"{self._path}: {error}") from error
        ledger = self._ledger
        if ledger is not None and ledger.damage.names:
            damage, ledger.damage = ledger.damage, Damage()
            self._on_damage(damage)


def _counted(now: Numbers, appended: Sequence[Entry], fresh: int) -> Numbers:
    """The numbers after *appended*, of which *fresh* get a position."""
    last = {lane: max((e.seq for e in appended if e.lane is lane), default=0) for lane in Lane}
    return Numbers(
        now.session,
        max(now.alarm_seq, last[Lane.ALARM]),
        max(now.event_seq, last[Lane.EVENT]),
        now.next_position + fresh,
    )
