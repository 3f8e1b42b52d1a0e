"""The gate's audit log: takes notes on the loop, keeps them in a chain on the disk.

A note costs the loop a stamp and a place in a queue; hashing, writing and fsync are the worker's
(``agent.audit.worker``). While the disk refuses, notes wait in memory, at most ``MAX_WAITING``;
what does not fit is counted, and a gap marker says so later.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from agent.audit.record import MacKey
from agent.audit.throttle import Throttle
from agent.audit.trail import Trail
from agent.audit.worker import Forget, Heard, Note, Worker
from agent.core.audit import AuditKind, Head, What
from agent.core.clock import NS_PER_S, Clock, format_utc, stamp

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
KEEP_DAYS = 365
STOP_S = 5.0
Post = Callable[[Callable[[], None]], None]


class AuditLog:
    """One per agent. Everything here runs on the loop and never blocks."""

    def __init__(
        self,
        folder: Path,
        key: MacKey | None,
        *,
        clock: Clock,
        post: Post,
        on_trouble: Callable[[str, str | None], None],
    ) -> None:
        """*post* runs a call on the loop, from any thread.

        *on_trouble(code, text)* hears on the loop of ``audit-store`` (records cannot be written)
        and ``audit-broken`` (the chain does not hold); text None: it is over.
        """
        self._clock = clock
        self._post = post
        self._on_trouble = on_trouble
        self._throttle = Throttle()
        self._queue: queue.SimpleQueue[Note | Forget | None] = queue.SimpleQueue()
        heard = Heard(self._stored, self._told)
        self._worker = Worker(Trail(folder), folder, key, self._queue, heard, clock)
        self._thread = threading.Thread(target=self._worker.run, name="audit", daemon=True)
        self._head: Head | None = None

    def open(self) -> None:
        """Start writing."""
        self._thread.start()

    def close(self) -> None:
        """Write what was noted, then stop; blocks for at most five seconds."""
        self._queue.put(None)
        self._worker.hurry.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_S)

    @property
    def head(self) -> Head | None:
        """The newest durable record; None before there is one."""
        return self._head

    def note(self, kind: AuditKind, who: str, what: What) -> None:
        """Write down that *who* did *what*, now."""
        if kind is AuditKind.REFUSAL and not self._throttle.admit(self._clock.monotonic_ns()):
            return
        skipped = self._throttle.take_skipped()
        if skipped:
            what = {**what, "refusals_not_written": skipped}
        if self._queue.qsize() + self._worker.waiting >= MAX_WAITING:
            self._worker.lost += 1
            return
        self._queue.put(Note(stamp(self._clock), kind, who, what))

    def configured(self, sha256: str) -> None:
        """The configuration in force; written down when it is another than the last one."""
        self.note(AuditKind.CONFIG, "gate", {"sha256": sha256})

    def forget(self) -> None:
        """Delete files whose records are all older than a year; nothing while the clock is off."""
        if self._clock.synced():
            before_ns = self._clock.utc_ns() - KEEP_DAYS * 86_400 * NS_PER_S
            self._queue.put(Forget(stamp(self._clock), format_utc(before_ns)))

    def _stored(self, head: Head) -> None:
        def told() -> None:
            self._head = head

        self._post(told)

    def _told(self, code: str, text: str | None) -> None:
        self._post(lambda: self._on_trouble(code, text))
