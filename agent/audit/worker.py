"""The one thread that writes the audit log: chains notes, writes them in groups, checks the past.

At start it repairs a torn end, continues the chain, and then walks the older files one by one
between other work. What it finds broken is told and marked with a gap record, once.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.audit.chain import FORGOTTEN_HASH, FORGOTTEN_TO, GapWhy
from agent.audit.folder import Walk
from agent.audit.record import MacKey, Record, line_of, sealed
from agent.audit.trail import Found, Trail
from agent.core.audit import AuditKind, Head, What
from agent.core.clock import Clock, Stamp, stamp
from agent.core.errors import StoreError

log = logging.getLogger(__name__)

GROUP_S = 1.0
REOPEN_S = 5.0
REMEMBER_S = 60.0
GROUP = 500
NAMED = 20
GATE = "gate"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to write down."""

    at: Stamp
    kind: AuditKind
    who: str
    what: What


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete files whose records are all older than *before* (RFC 3339)."""

    at: Stamp
    before: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Who hears, in this thread: the new durable head; trouble by code, None when it is over."""

    stored: Callable[[Head], None]
    trouble: Callable[[str, str | None], None]


class Worker:
    """Owns the trail. ``waiting`` and ``lost`` are read and counted by the loop's thread."""

    def __init__(
        self,
        trail: Trail,
        folder: Path,
        key: MacKey | None,
        jobs: queue.SimpleQueue[Note | Forget | None],
        heard: Heard,
        clock: Clock,
    ) -> None:
        self._trail = trail
        self._folder = folder
        self._key = key
        self._jobs = jobs
        self._heard = heard
        self._clock = clock
        self._notes: deque[Note] = deque()
        self._forget: Forget | None = None
        self._walk: Walk | None = None
        self._walked = False
        self._open = False
        self._troubled = False
        self._stop = False
        self._lost_told = 0
        self._again_at = 0.0
        self._remembered = Head(0, "")
        self._remember_at = 0.0
        self.lost = 0
        self.hurry = threading.Event()

    @property
    def waiting(self) -> int:
        """Notes that are taken over and not on the disk yet."""
        return len(self._notes)

    def run(self) -> None:
        """Work until the stop mark has come and everything before it is tried."""
        while not self._stop:
            self._take()
            try:
                self._work()
            except StoreError as error:
                self._failed(str(error))
            except Exception as error:
                log.exception("the audit log failed")
                self._failed(f"{type(error).__name__}: {error}")
        self._trail.close()

    def _take(self) -> None:
        """Wait for notes, and a little longer for more of them: one fsync serves all."""
        try:
            self._sort(self._jobs.get(timeout=self._patience_s()))
        except queue.Empty:
            return
        self.hurry.wait(max(self._again_at - time.monotonic(), 0.0))
        while not self._stop:
            try:
                self._sort(self._jobs.get_nowait())
            except queue.Empty:
                return

    def _sort(self, job: Note | Forget | None) -> None:
        match job:
            case None:
                self._stop = True
            case Note():
                self._notes.append(job)
            case Forget():
                self._forget = job

    def _patience_s(self) -> float | None:
        """How long to wait for a note: not at all while there is something else to do."""
        if not self._open or self._notes:
            return max(self._again_at - time.monotonic(), 0.0)
        if self._walk is not None or self._forget is not None:
            return 0.01
        if self._trail.head != self._remembered:
            return max(self._remember_at - time.monotonic(), 0.0)
        return None

    def _work(self) -> None:
        if not self._open:
            self._begin()
        while self._notes:
            self._write_some()
        self._mark_lost()
        self._forget_old()
        self._look_back()
        due = time.monotonic() >= self._remember_at or self._stop
        if due and self._walked and self._trail.head != self._remembered:
            self._trail.remember()
            self._remembered = self._trail.head
            self._remember_at = time.monotonic() + REMEMBER_S

    def _begin(self) -> None:
        """Open the trail, go on with the chain, and have the past checked."""
        found = self._trail.open()
        self._open = True
        if not self._walked:
            kept = self._repair(found)
            self._walk = Walk(self._folder, [self._key] if self._key else None, kept)
        if self._troubled:
            self._troubled = False
            self._heard.trouble("audit-store", None)
        if self._trail.head.n:
            self._heard.stored(self._trail.head)

    def _repair(self, found: Found) -> list[Head]:
        """Mark a torn or cut end; returns the remembered head, where the log still reaches it."""
        if found.torn:
            log.warning("the audit log ended in %d bytes of a half record", found.torn)
            self._gap(GapWhy.TORN, {"bytes": found.torn})
        if found.kept is None:
            return []
        known, first = found.kept.head, self._trail.head.n + 1
        if known.n < first:
            return [known]
        self._gap(GapWhy.CUT, {"records": str(first), "known": known.n})
        self._tell_broken(f"record {first} is missing, and all up to {known.n}")
        return []

    def _write_some(self) -> None:
        notes = [self._notes[i] for i in range(min(len(self._notes), GROUP))]
        self._append([note for note in notes if self._is_news(note)])
        for _ in notes:
            self._notes.popleft()
        self._again_at = time.monotonic() + GROUP_S

    def _is_news(self, note: Note) -> bool:
        """A configuration that is the one last written down is none."""
        if note.kind is not AuditKind.CONFIG:
            return True
        return note.what.get("sha256") != self._trail.config

    def _mark_lost(self) -> None:
        lost = self.lost - self._lost_told
        if lost:
            self._gap(GapWhy.LOST, {"notes": lost})
            self._lost_told += lost

    def _forget_old(self) -> None:
        job = self._forget
        if job is None or not self._walked:
            return
        self._forget = None
        files, last = self._trail.older_than(job.before)
        if not files:
            return
        what: What = {FORGOTTEN_TO: last.n, FORGOTTEN_HASH: last.hash, "files": len(files)}
        self._append([Note(job.at, AuditKind.DELETION, "retention", what)])
        self._trail.forget(files)

    def _look_back(self) -> None:
        """Check one more file of the past; at the end tell what was found."""
        walk = self._walk
        if walk is None or walk.step():
            return
        self._walk, self._walked = None, True
        new = walk.verdict().new
        if new:
            self._tell_broken(str(new[0]))
            numbers = ",".join(str(found.n) for found in new[:NAMED])
            self._gap(GapWhy.BROKEN, {"records": numbers, "found": str(new[0])})

    def _tell_broken(self, text: str) -> None:
        log.error("the audit log is broken: %s", text)
        self._heard.trouble("audit-broken", f"the audit log was altered or lost: {text}")

    def _gap(self, why: GapWhy, what: What) -> None:
        self._append([Note(stamp(self._clock), AuditKind.GAP, GATE, {"why": why.value, **what})])

    def _append(self, notes: list[Note]) -> None:
        records: list[tuple[Record, bytes]] = []
        head = self._trail.head
        for note in notes:
            record = sealed(
                head.n + 1, head.hash, note.at, note.kind, note.who, note.what, self._key
            )
            records.append((record, line_of(record)))
            head = Head(record.n, record.hash)
        self._trail.append(records)
        if records:
            self._heard.stored(self._trail.head)

    def _failed(self, reason: str) -> None:
        self._trail.close()
        self._open, self._walk = False, None
        self._again_at = time.monotonic() + REOPEN_S
        if not self._troubled:
            log.warning("the audit log cannot be written: %s", reason)
        self._troubled = True
        self._heard.trouble("audit-store", f"audit records are kept in memory only: {reason}")
