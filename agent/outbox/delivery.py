"""What is sent next, what is sent again, and when. Pure: entries and times in, choices out.

An entry is *waiting* until its first sending, *outstanding* until the station's own ack, then
gone. A broker's PUBACK frees a place in the send window and nothing else.

Order of choice: live alarms; alarms that were out when the link went; the alarm backlog in order;
alarms due again; the same three for events. Outstanding entries go again 10, 20 and 40 s after the
last sending, then every 60 s for ever, but never more than ``RESEND_PER_S`` a second: a station
that is silent for days is not flooded.

On a fresh link only critical alarms go until the station's word is heard, or for a short while: a
broker that keeps no sessions would drop the first of the backlog, and the order with it. What else
comes meanwhile waits behind the backlog, so that no Cancel overtakes its Alert.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from agent.core.clock import NS_PER_S
from agent.core.ports import Entry, Lane
from agent.outbox.lane import LaneState, Want

RESEND_PER_S = 5
UNSTORED_EVENTS = 5000
CAPACITY = {Lane.ALARM: 2000, Lane.EVENT: 200}


@dataclass(frozen=True, slots=True)
class Sending:
    """Publish ``entry`` now; ``replayed`` when it waited for the link."""

    entry: Entry
    replayed: bool


class Delivery:
    """The state of every entry that this process knows of."""

    def __init__(self) -> None:
        self._live: deque[Entry] = deque()
        self._lanes = {lane: LaneState(CAPACITY[lane]) for lane in Lane}
        self._fresh: set[str] = set()
        self._unstored: set[str] = set()
        self._reading = False
        self._gone_meanwhile: set[str] = set()
        self._resend_free_ns = 0
        self._held_until_ns = 0
        self._listening = True
        self._up = False
        self.dropped_events = 0

    def accept(self, entry: Entry, *, stored: bool) -> None:
        """A new entry; *stored* tells whether it is durable yet (see :meth:`stored`)."""
        lane = self._lanes[entry.lane]
        if self.knows(entry.id):
            return
        if not stored:
            if entry.lane is Lane.EVENT and lane.waiting >= UNSTORED_EVENTS:
                self.dropped_events += 1
                return
            self._unstored.add(entry.id)
        if self._up:
            self._fresh.add(entry.id)
            if entry.lane is Lane.ALARM and not (stored and self._held_until_ns):
                self._live.append(entry)
                return
        if not lane.wait(entry, stored=stored):
            self._fresh.discard(entry.id)

    def knows(self, entry_id: str) -> bool:
        """True while the entry is in memory."""
        live = any(entry.id == entry_id for entry in self._live)
        return live or any(state.knows(entry_id) for state in self._lanes.values())

    def stored(self, entry_id: str) -> None:
        """The entry is durable now."""
        self._unstored.discard(entry_id)

    def want(self) -> tuple[Lane, Want] | None:
        """Which lane has to be read from the store now, to be answered with :meth:`fetched`.

        None while nothing has to be read or an answer is still out.
        """
        if self._reading:
            return None
        for lane, state in self._lanes.items():
            want = state.want()
            if want is not None:
                self._reading = True
                return lane, want
        return None

    def fetched(
        self, lane: Lane, want: Want, found: Iterable[tuple[int, Entry]] | None, limit: int
    ) -> None:
        """What the store held after the wanted position; None when it cannot be read now."""
        skip = self._gone_meanwhile | {entry.id for entry in self._live}
        self._reading, self._gone_meanwhile = False, set()
        self._lanes[lane].fetched(want, found, limit, skip)

    def next(self, now_ns: int) -> Sending | None:
        """The next thing to publish, counted as sent; None when nothing is due or the link down."""
        if not self._up:
            return None
        if self._live:
            return self._first(self._live.popleft(), now_ns)
        if now_ns < self._held_until_ns:
            return None
        self._held_until_ns = 0
        for lane in self._lanes.values():
            sending = self._of_lane(lane, now_ns)
            if sending is not None or lane.reading:
                return sending
        return None

    def due_ns(self) -> int | None:
        """When :meth:`next` may have something again, if nothing else happens."""
        if not self._up:
            return None
        if self._held_until_ns:
            return self._held_until_ns
        dues = [due for due in (s.due_ns() for s in self._lanes.values()) if due is not None]
        return max(min(dues), self._resend_free_ns) if dues else None

    def acked(self, entry_id: str) -> bool:
        """The station has it; True when it was in memory."""
        self._unstored.discard(entry_id)
        self._fresh.discard(entry_id)
        if self._reading:
            self._gone_meanwhile.add(entry_id)
        for entry in self._live:
            if entry.id == entry_id:
                self._live.remove(entry)
                return True
        return any(state.acked(entry_id) for state in self._lanes.values())

    def link_lost(self) -> None:
        """Nothing is sent until :meth:`link_up`; live alarms join the backlog in order."""
        self._up = False
        self._fresh.clear()
        while self._live:
            entry = self._live.popleft()
            lane = self._lanes[entry.lane]
            if not lane.wait(entry, stored=entry.id not in self._unstored):
                lane.read_again()

    def link_up(self, held_until_ns: int = 0) -> None:
        """The link carries again: what was out goes first, in order, then the backlog.

        Until *held_until_ns*, or the station's first word, only critical alarms go.
        """
        self._up = True
        self._held_until_ns = held_until_ns
        self._listening = False
        self._all_again()

    def station(self, *, online: bool) -> None:
        """The station's word. When it listens again, what went out meanwhile goes again."""
        back = online and not self._listening and not self._held_until_ns
        self._listening = online
        self._held_until_ns = 0
        if back and self._up:
            self._all_again()

    @property
    def unacked(self) -> int:
        """Entries sent and not yet acked by the station."""
        return sum(state.outstanding for state in self._lanes.values())

    @property
    def unstored(self) -> int:
        """Entries that exist in memory only."""
        return len(self._unstored)

    def _all_again(self) -> None:
        self._resend_free_ns = 0
        for lane in self._lanes.values():
            lane.link_up()

    def _of_lane(self, lane: LaneState, now_ns: int) -> Sending | None:
        redone = lane.redo(now_ns)
        if redone is not None:
            return Sending(redone.entry, redone.replayed)
        entry = lane.first()
        if entry is not None:
            return self._first(entry, now_ns)
        if lane.reading or now_ns < self._resend_free_ns:
            return None
        overdue = lane.overdue(now_ns)
        if overdue is None:
            return None
        self._resend_free_ns = now_ns + NS_PER_S // RESEND_PER_S
        return Sending(overdue.entry, overdue.replayed)

    def _first(self, entry: Entry, now_ns: int) -> Sending:
        replayed = entry.id not in self._fresh
        self._fresh.discard(entry.id)
        self._lanes[entry.lane].sent(entry, now_ns, replayed=replayed)
        return Sending(entry, replayed)
