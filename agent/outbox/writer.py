"""The one thread that touches the outbox's store: group commit, reopening after failures.

The loop hands over jobs and gets answers back on the loop; it never waits for a disk. A failed
write is never tried again on the same handle (a failed fsync may not be): the store is reopened.
A full disk is no such failure: the store stays open, and what the station acks is recorded.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits, OutboxStore

log = logging.getLogger(__name__)

BATCH = 256
REOPEN_S = 5.0
SHORTEST_WAIT_S = 0.05
Post = Callable[[Callable[[], None]], None]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Append:
    """Store *entry*; ``done`` hears on the loop whether it is durable."""

    entry: Entry
    done: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class Remove:
    """The station has *entry_id*: forget it."""

    entry_id: str


@dataclass(frozen=True, slots=True)
class Read:
    """Fetch entries; ``done`` hears them on the loop (None: the store cannot be read now)."""

    lane: Lane
    after: int
    limit: int
    done: Callable[[list[tuple[int, Entry]] | None], None]


@dataclass(frozen=True, slots=True)
class Measure:
    """Evict by *limits* and tell the fill; ``done`` hears it on the loop (None: no answer).

    Counts exactly what was handed over before it.
    """

    limits: Limits
    now_utc_ns: int
    done: Callable[[Fill | None], None]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Do the store's upkeep now, before anything that is handed over later."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found at opening."""

    counters: Counters
    fill: Fill


Job = Append | Remove | Read | Measure | Upkeep


class Writer:
    """Owns the store.

    ``on_state(reason, None)`` hears on the loop that writing fails and why,
    ``on_state(None, counters)`` that it works again.
    """

    def __init__(
        self,
        store: OutboxStore,
        post: Post,
        on_state: Callable[[str | None, Counters | None], None],
        *,
        reopen_s: float = REOPEN_S,
        upkeep: Callable[[], None] = lambda: None,
    ) -> None:
        """*reopen_s*: how long after a failure the store is opened again at the earliest.

        *upkeep* is done first in this thread, and again for each :class:`Upkeep`; when it fails, it
        is left alone until then.
        """
        self._store = store
        self._reopen_s = reopen_s
        self._post = post
        self._on_state = on_state
        self._upkeep = upkeep
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="outbox-writer", daemon=True)
        self._healthy = True
        self._full = False
        self._reopen_at = 0.0
        self._unremoved: list[str] = []

    def open(self) -> Opened | None:
        """Open the store and start the thread; None when the store cannot be opened now."""
        opened: Opened | None = None
        try:
            opened = Opened(self._store.open(), self._store.fill())
        except StoreError as error:
            self._fail(error)
        self._thread.start()
        return opened

    def put(self, job: Job) -> None:
        """Hand over a job; never blocks."""
        self._jobs.put(job)

    def close(self) -> None:
        """Finish what was handed over, then close the store."""
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
        self._store.close()

    def _run(self) -> None:
        self._attempt(self._upkeep)
        while True:
            jobs, stop = self._next_batch()
            try:
                self._do(jobs)
            except Exception:
                log.exception("the outbox writer failed on a batch of %d", len(jobs))
                self._fail(StoreError("the outbox writer failed"))
            if stop:
                return

    def _next_batch(self) -> tuple[list[Job], bool]:
        """Jobs to do together, and whether they are the last; none when it is time to reopen."""
        jobs: list[Job] = []
        try:
            job = self._jobs.get(timeout=self._patience_s())
        except queue.Empty:
            return jobs, False
        while job is not None:
            jobs.append(job)
            if len(jobs) == BATCH or isinstance(job, Measure | Upkeep):
                return jobs, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _patience_s(self) -> float | None:
        """How long to wait for a job: for ever, or until the store may be tried again."""
        if self._healthy and not self._full:
            return None
        return max(self._reopen_at - time.monotonic(), SHORTEST_WAIT_S)

    def _do(self, jobs: list[Job]) -> None:
        self._try_again_if_due()
        appends = [job for job in jobs if isinstance(job, Append)]
        removes = [job.entry_id for job in jobs if isinstance(job, Remove)]
        self._write(appends, removes)
        for job in jobs:
            if isinstance(job, Read):
                self._read(job)
            elif isinstance(job, Measure):
                self._measure(job)
            elif isinstance(job, Upkeep):
                self._attempt(self._upkeep)

    def _write(self, appends: list[Append], removes: list[str]) -> None:
        removes = [*self._unremoved, *removes]
        if not appends and not removes:
            return
        entries = [job.entry for job in appends]
        stored = self._attempt(lambda: self._stored(entries, removes))
        self._unremoved = removes if stored is None else []
        for job in appends:
            self._post(lambda job=job: job.done(stored is True))  # type: ignore[misc]

    def _stored(self, entries: list[Entry], removes: list[str]) -> bool:
        """True when all is durable; False when only *removes* are, because the disk is full."""
        try:
            self._store.write(entries, removes)
        except StoreFullError as error:
            if not entries:
                raise
            self._store.write([], removes)
            self._note_full(error)
            return False
        return True

    def _read(self, job: Read) -> None:
        found = self._attempt(lambda: self._store.read(job.lane, job.after, job.limit))
        self._post(lambda: job.done(found))

    def _measure(self, job: Measure) -> None:
        def measured() -> Fill:
            self._store.evict(job.limits, job.now_utc_ns)
            return self._store.fill()

        fill = self._attempt(measured)
        self._post(lambda: job.done(fill))

    def _attempt(self, work: Callable[[], _T]) -> _T | None:
        """What *work* returns; None when the store is down or fails at it."""
        if not self._healthy:
            return None
        try:
            return work()
        except StoreError as error:
            self._fail(error)
        except Exception as error:
            log.exception("the outbox's store failed")
            self._fail(StoreError(f"{type(error).__name__}: {error}"))
        return None

    def _fail(self, error: StoreError) -> None:
        self._store.close()
        self._reopen_at = time.monotonic() + self._reopen_s
        if self._healthy:
            log.warning("the outbox cannot be written: %s", error)
        self._healthy = self._full = False
        reason = str(error)
        self._post(lambda: self._on_state(reason, None))

    def _note_full(self, error: StoreFullError) -> None:
        if self._full:
            return
        self._full = True
        self._reopen_at = time.monotonic() + self._reopen_s
        log.warning("the outbox takes no more entries: %s", error)
        reason = str(error)
        self._post(lambda: self._on_state(reason, None))

    def _try_again_if_due(self) -> None:
        if time.monotonic() < self._reopen_at:
            return
        if self._full:
            self._look_for_room()
        elif not self._healthy:
            self._reopen()

    def _look_for_room(self) -> None:
        self._reopen_at = time.monotonic() + self._reopen_s
        if self._attempt(self._store.has_room):
            self._full = False
            log.info("the outbox takes entries again")
            self._post(lambda: self._on_state(None, None))

    def _reopen(self) -> None:
        try:
            counters = self._store.open()
        except StoreError as error:
            self._fail(error)
            return
        self._healthy = True
        log.info("the outbox can be written again")
        self._post(lambda: self._on_state(None, counters))
