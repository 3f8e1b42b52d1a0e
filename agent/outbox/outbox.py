"""The outbox: everything for the station passes here, is stored, sent, and kept until acked.

Here: the glue on the loop between the writer thread, the delivery's choices and the link. The
choices are ``agent.outbox.delivery``'s, the disk is ``agent.outbox.writer``'s.

A critical entry is published at once and stored meanwhile; any other is stored first. A failed
write never stops the sending: the entry stays in memory and is stored when the disk is back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.core.alerts import mark_replayed
from agent.core.clock import NS_PER_S, Clock
from agent.core.ports import Counters, Entry, Fill, Lane, Limits, OutboxStore
from agent.outbox.delivery import Delivery
from agent.outbox.lane import Want
from agent.outbox.writer import REOPEN_S, Append, Measure, Post, Read, Remove, Upkeep, Writer

log = logging.getLogger(__name__)

READ_AT_ONCE = 100
HOLD_S = 5


class Publisher(Protocol):
    """The link, as the outbox sees it."""

    def has_room(self) -> bool:
        """True while the link is up and its send window is not full."""

    def publish(self, topic: str, body: bytes) -> bool:
        """Put one QoS 1 message on the wire; False when the connection just went."""


@dataclass(frozen=True, slots=True)
class Fullness:
    """What waits for the station: counts, and the age of the oldest in seconds."""

    pending: int
    oldest_s: float


class Outbox:
    """One per agent; everything here runs on the loop."""

    def __init__(
        self,
        store: OutboxStore,
        limits: Limits,
        *,
        clock: Clock,
        post: Post,
        on_state: Callable[[bool, str], None],
        on_counters: Callable[[Counters], None],
        reopen_s: float = REOPEN_S,
        upkeep: Callable[[], None] = lambda: None,
    ) -> None:
        """*on_state(ok, reason)* hears whether entries are stored durably.

        *upkeep* is what the store wants done in its own thread, first of all and when asked.

        *on_counters* hears the numbers of earlier sessions when a store that could not be opened
        at start is back.
        """
        self._clock = clock
        self._limits = limits
        self._on_state = on_state
        self._on_counters = on_counters
        self._writer = Writer(store, post, self._writer_state, reopen_s=reopen_s, upkeep=upkeep)
        self._delivery = Delivery()
        self._link: Publisher | None = None
        self._unstored: dict[str, Entry] = {}
        self._fill = Fill(0, 0, None)
        self._balance = 0
        self._balance_at_fill = 0
        self._stale = False

    def open(self) -> Counters | None:
        """Open the store; None when it cannot be opened now (the outbox then lives in memory)."""
        opened = self._writer.open()
        if opened is not None:
            self._fill = opened.fill
        self.measure()
        self._read_if_wanted()
        return None if opened is None else opened.counters

    def close(self) -> None:
        """Store what is handed over, then close. Blocks for at most ten seconds."""
        self._writer.close()

    def offer(self, entry: Entry, *, critical: bool) -> None:
        """Take responsibility for *entry* until the station has it."""
        self._balance += 1
        if critical:
            self._delivery.accept(entry, stored=False)
            self.pump()
        self._append(entry, accepted=critical)

    def acked(self, entry_id: str) -> bool:
        """The station's own word: forget the entry. True when it was in memory."""
        known = self._delivery.acked(entry_id)
        self._unstored.pop(entry_id, None)
        self._balance -= known
        self._stale = self._stale or not known
        self._writer.put(Remove(entry_id))
        self.pump()
        return known

    def keep_up(self) -> None:
        """Have the store's upkeep done now."""
        self._writer.put(Upkeep())

    def link_up(self, link: Publisher) -> None:
        """The link carries; what waits goes out once the station listens, or a little later."""
        self._link = link
        self._delivery.link_up(self._clock.monotonic_ns() + HOLD_S * NS_PER_S)
        self.pump()

    def station(self, online: bool) -> None:  # noqa: FBT001 - a listener's one word
        """The station's word whether it listens."""
        self._delivery.station(online=online)
        self.pump()

    def link_lost(self) -> None:
        """The link is gone; everything waits."""
        self._link = None
        self._delivery.link_lost()

    def pump(self) -> None:
        """Publish as much as the link takes. Call it when the send window frees, and when due."""
        self._publish()
        self._read_if_wanted()

    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`pump` should be called if nothing else happens."""
        return self._delivery.due_ns()

    @property
    def writing(self) -> int:
        """Alarms that are on their way while the disk has not answered for them yet."""
        return self._delivery.unstored - len(self._unstored)

    def measure(self) -> None:
        """Evict what is beyond the limits and refresh the fullness, in the background."""
        self._stale = False
        limits = self._limits
        if not self._clock.synced():
            limits = Limits(limits.max_events, 1 << 62)
        asked_at = self._balance
        done = lambda fill: self._measured(fill, asked_at)  # noqa: E731
        self._writer.put(Measure(limits, self._clock.utc_ns(), done))

    def is_stale(self) -> bool:
        """True when an entry went that was only in the store: the fullness should be measured."""
        return self._stale

    @property
    def fullness(self) -> Fullness:
        """What waits for the station, as last measured plus what happened since."""
        fill = self._fill
        since = self._balance - self._balance_at_fill
        pending = max(fill.alarms + fill.events + since, self._delivery.unacked)
        oldest_ns = fill.oldest_utc_ns
        age_s = 0.0 if oldest_ns is None else (self._clock.utc_ns() - oldest_ns) / 1e9
        return Fullness(pending, max(age_s, 0.0) if pending else 0.0)

    def _publish(self) -> None:
        link = self._link
        if link is None:
            return
        now_ns = self._clock.monotonic_ns()
        while link.has_room():
            sending = self._delivery.next(now_ns)
            if sending is None:
                break
            entry = sending.entry
            link.publish(entry.topic, mark_replayed(entry.body) if sending.replayed else entry.body)

    def _append(self, entry: Entry, *, accepted: bool) -> None:
        def done(stored: bool) -> None:  # noqa: FBT001 - the writer's answer
            self._appended(entry, stored=stored, accepted=accepted)

        self._writer.put(Append(entry, done))

    def _appended(self, entry: Entry, *, stored: bool, accepted: bool) -> None:
        if accepted and not self._delivery.knows(entry.id):
            return
        self._delivery.accept(entry, stored=stored)
        if stored:
            self._unstored.pop(entry.id, None)
            self._delivery.stored(entry.id)
            log.debug("stored %s", entry.id)
        elif self._delivery.knows(entry.id):
            self._unstored[entry.id] = entry
        self.pump()

    def _writer_state(self, reason: str | None, counters: Counters | None) -> None:
        if reason is not None:
            self._on_state(False, reason)
            return
        if counters is not None:
            self._on_counters(counters)
        self._on_state(True, "")
        for entry in list(self._unstored.values()):
            self._append(entry, accepted=True)
        self.measure()
        self._read_if_wanted()

    def _read_if_wanted(self) -> None:
        want = self._delivery.want()
        if want is None:
            return
        lane, wanted = want
        done = lambda found: self._fetched(lane, wanted, found)  # noqa: E731
        self._writer.put(Read(lane, wanted.after, READ_AT_ONCE, done))

    def _fetched(self, lane: Lane, want: Want, found: list[tuple[int, Entry]] | None) -> None:
        self._delivery.fetched(lane, want, found, READ_AT_ONCE)
        self._publish()
        if found is not None:
            self._read_if_wanted()

    def _measured(self, fill: Fill | None, asked_at: int) -> None:
        if fill is not None:
            self._fill, self._balance_at_fill = fill, asked_at
