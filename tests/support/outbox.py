"""A disk that can be broken, a link that writes down, and a loop made of the test's own thread."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.core.clock import ManualClock
from agent.core.errors import StoreFullError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits
from agent.outbox.outbox import Outbox
from agent.outbox.segments.store import SegmentStore
from agent.outbox.writer import Read
from tests.support.samples import entry

DEADLINE_S = 5.0


class Loop:
    """Runs what other threads post, in the test's thread, until something is so."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def post(self, call: Callable[[], None]) -> None:
        """What ``loop.call_soon_threadsafe`` is."""
        self._calls.put(call)

    def until(self, so: Callable[[], object]) -> None:
        """Run posted calls until *so* is true; AssertionError after five seconds."""
        ends = time.monotonic() + DEADLINE_S
        while not so():
            try:
                self._calls.get(timeout=max(ends - time.monotonic(), 0.001))()
            except queue.Empty:
                raise AssertionError("it did not come to pass") from None


class BreakableStore(SegmentStore):
    """A real store whose disk fails while ``fault`` is set, is full, or stands still."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, segment_bytes=16 * 1024, reserve=1)
        self.fault: Exception | None = None
        self.full = False
        self.openings = 0
        self.batches: list[tuple[list[str], list[str]]] = []
        self.may_write = threading.Event()
        self.may_write.set()
        self.writing = threading.Event()
        self.counted = threading.Event()

    def open(self) -> Counters:
        """Open unless the disk fails."""
        self.openings += 1
        self._fail()
        return super().open()

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:
        """Write unless the disk fails; waits while the disk stands still."""
        self.writing.set()
        if not self.may_write.wait(DEADLINE_S):
            raise AssertionError("the disk was held for ever")
        self._fail()
        if self.full and appended:
            raise StoreFullError("no room left")
        self.batches.append(([e.id for e in appended], list(removed)))
        super().write(appended, removed)

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Read unless the disk fails."""
        self._fail()
        return super().read(lane, after, limit)

    def has_room(self) -> bool:
        """Whether it is not full."""
        self._fail()
        return not self.full and super().has_room()

    def fill(self) -> Fill:
        """Count unless the disk fails."""
        self._fail()
        found = super().fill()
        self.counted.set()
        return found

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault


class RecordingLink:
    """A link with a send window that writes down what it is given."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.sent: list[tuple[str, bytes]] = []

    def has_room(self) -> bool:
        """True while the window is not full."""
        return self.room > 0

    def publish(self, topic: str, body: bytes) -> bool:
        """Take one message."""
        self.room -= 1
        self.sent.append((topic, body))
        return True


def settle(outbox: Outbox, loop: Loop) -> None:
    """Wait until the writer has done what it was given, and what followed from that."""
    for _ in range(4):
        _barrier(outbox, loop)


def _barrier(outbox: Outbox, loop: Loop) -> None:
    done: list[object] = []
    outbox._writer.put(Read(Lane.EVENT, 1 << 60, 1, done.append))
    loop.until(lambda: done)


class Life:
    """One life of an agent's outbox on a folder."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.store = BreakableStore(folder / "outbox")
        self.loop = Loop()
        self.link = RecordingLink()
        self.states: list[tuple[bool, str]] = []
        self.counters: list[Counters] = []
        self.outbox = Outbox(
            self.store,
            Limits(max_events=100_000, event_age_ns=1 << 60),
            clock=clock,
            post=self.loop.post,
            on_state=lambda ok, reason: self.states.append((ok, reason)),
            on_counters=self.counters.append,
            reopen_s=0.0,
        )

    @property
    def sent(self) -> list[str]:
        """Numbers that went out; ``*`` marks the replayed ones."""
        bodies = [json.loads(body) for _, body in self.link.sent]
        return [str(body["seq"]) + "*" * body["replayed"] for body in bodies]

    def up(self) -> None:
        """The link carries, the station listens, and everything that was stored is known."""
        self.outbox.link_up(self.link)
        self.outbox.station(True)
        self.settle()

    def settle(self) -> None:
        """Wait until the writer has done everything."""
        settle(self.outbox, self.loop)

    def offer(self, *numbers: int, lane: Lane = Lane.ALARM, critical: bool = False) -> None:
        """Offer entries and wait until the disk has answered."""
        for number in numbers:
            self.outbox.offer(entry(number, lane), critical=critical)
        self.settle()

    def restarted(self, folder: Path) -> Life:
        """The next life on the same folder."""
        self.outbox.close()
        after = Life(folder, self.clock)
        after.outbox.open()
        return after
