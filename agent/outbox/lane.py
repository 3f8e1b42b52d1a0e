"""One lane of the delivery: what waits, what is out, what is due again. Pure.

A lane keeps the head of its backlog in memory and remembers how far it has read the store; an
entry that does not fit into memory is left to the store and read back in order. Of one entry::

    (none)      --accepted, there is room-----------> waiting      in memory
    (none)      --accepted, stored, no room---------> left         to the store only
    left        --read, in its order----------------> waiting
    waiting     --first sending---------------------> outstanding  due again after 10 s
    outstanding --due: no ack of the station--------> outstanding  after 20, 40, then every 60 s
    outstanding --the link is up again--------------> outstanding  sent again, as replayed, in order
    any         --acked by the station--------------> (none)
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass

from agent.core.clock import NS_PER_S
from agent.core.ports import Entry

RESEND_AFTER_S = (10, 20, 40)
RESEND_EVERY_S = 60
WAITING_IN_MEMORY = 256
READ_BELOW = 128


@dataclass(frozen=True, slots=True)
class Want:
    """Please read the store after position ``after``; give it back with what was found."""

    after: int
    drops: int


@dataclass(slots=True)
class Outstanding:
    """Sent, and not acked by the station. ``due_ns`` is when it is sent again."""

    entry: Entry
    sendings: int
    due_ns: int
    replayed: bool


class LaneState:
    """Entries of one lane by state: waiting (memory or store), outstanding."""

    def __init__(self, capacity: int) -> None:
        """*capacity*: at most so many outstanding by first sendings from the backlog."""
        self._capacity = capacity
        self._waiting: deque[Entry] = deque()
        self._waiting_ids: set[str] = set()
        self._outstanding: dict[str, Outstanding] = {}
        self._redo: deque[str] = deque()
        self._due: list[tuple[int, int, str]] = []
        self._on_disk = True
        self._readable = True
        self._read = 0
        self._drops = 0

    def knows(self, entry_id: str) -> bool:
        """True when the entry is in memory."""
        return entry_id in self._waiting_ids or entry_id in self._outstanding

    def wait(self, entry: Entry, *, stored: bool) -> bool:
        """Queue an entry; a stored one may be left to the store (then False)."""
        if stored and (self._on_disk or len(self._waiting) >= WAITING_IN_MEMORY):
            self._on_disk = True
            self._drops += 1
            return False
        self._waiting.append(entry)
        self._waiting_ids.add(entry.id)
        return True

    def want(self) -> Want | None:
        """What should be read from the store now."""
        if self._on_disk and len(self._waiting) < READ_BELOW and self._has_room():
            return Want(self._read, self._drops)
        return None

    def fetched(
        self,
        want: Want,
        found: Iterable[tuple[int, Entry]] | None,
        limit: int,
        skip: Container[str] = (),
    ) -> None:
        """What the store held (None: it cannot be read now); *limit* was asked for.

        Entries whose id is in *skip* are on their way by another path, or gone.
        """
        self._readable = found is not None
        if found is None or want.after != self._read:
            return
        count = 0
        for position, entry in found:
            count += 1
            self._read = max(self._read, position)
            if entry.id not in skip and not self.knows(entry.id):
                self._waiting.append(entry)
                self._waiting_ids.add(entry.id)
        if count < limit and want.drops == self._drops:
            self._on_disk = False

    def read_again(self) -> None:
        """Something that was read before is waiting in the store only: read from its beginning."""
        self._read = 0

    def first(self) -> Entry | None:
        """The next entry for its first sending; the caller reports it with :meth:`sent`."""
        if not self._waiting or not self._has_room():
            return None
        entry = self._waiting.popleft()
        self._waiting_ids.discard(entry.id)
        return entry

    def sent(self, entry: Entry, now_ns: int, *, replayed: bool) -> None:
        """*entry* was published for the first time."""
        due_ns = now_ns + RESEND_AFTER_S[0] * NS_PER_S
        self._outstanding[entry.id] = Outstanding(entry, 1, due_ns, replayed)
        heapq.heappush(self._due, (due_ns, entry.seq, entry.id))

    def redo(self, now_ns: int) -> Outstanding | None:
        """The next one that has to be sent again because the link was lost."""
        while self._redo:
            item = self._outstanding.get(self._redo.popleft())
            if item is not None:
                item.replayed = True
                return self._again(item, now_ns)
        return None

    def overdue(self, now_ns: int) -> Outstanding | None:
        """One that the station should have acked by now; counted as sent again."""
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, entry_id = heapq.heappop(self._due)
            item = self._outstanding.get(entry_id)
            if item is not None and item.due_ns == due_ns:
                return self._again(item, now_ns)
        return None

    def due_ns(self) -> int | None:
        """When :meth:`overdue` has something (or a little earlier)."""
        return self._due[0][0] if self._due else None

    def link_up(self) -> None:
        """All outstanding go again, in order: who knows what the old connection swallowed."""
        ordered = sorted(self._outstanding.values(), key=lambda item: item.entry.seq)
        self._redo = deque(item.entry.id for item in ordered)

    def acked(self, entry_id: str) -> bool:
        """Forget the entry; True when it was in memory."""
        if self._outstanding.pop(entry_id, None) is not None:
            return True
        if entry_id not in self._waiting_ids:
            return False
        self._waiting_ids.discard(entry_id)
        self._waiting = deque(entry for entry in self._waiting if entry.id != entry_id)
        return True

    @property
    def reading(self) -> bool:
        """True while the store has to be read before the lane's next entry is known."""
        return self._on_disk and self._readable and not self._waiting and self._has_room()

    @property
    def outstanding(self) -> int:
        """Entries sent and not acked."""
        return len(self._outstanding)

    @property
    def waiting(self) -> int:
        """Entries waiting in memory."""
        return len(self._waiting)

    def _has_room(self) -> bool:
        return len(self._outstanding) < self._capacity

    def _again(self, item: Outstanding, now_ns: int) -> Outstanding:
        item.sendings += 1
        item.due_ns = now_ns + resend_after_s(item.sendings) * NS_PER_S
        heapq.heappush(self._due, (item.due_ns, item.entry.seq, item.entry.id))
        return item


def resend_after_s(sendings: int) -> int:
    """Seconds from the *sendings*-th sending to the next one (CONTRACT 2)."""
    if sendings <= len(RESEND_AFTER_S):
        return RESEND_AFTER_S[sendings - 1]
    return RESEND_EVERY_S
