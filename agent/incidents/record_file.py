"""The record of events on disk: JSON lines in a few files, the oldest of which go.

A thread of its own appends, without fsync: a power cut may cost the last seconds, a kill next to
nothing, and a disk that hangs holds up nobody. What does not fit into memory meanwhile is dropped.
Here: the files, written and read. Not here: what stands in a line (``agent.incidents.record``).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.core.errors import StoreError
from agent.files.atomic import erase

log = logging.getLogger(__name__)

KEPT = 10_000
A_FILE = 2_500
WAITING = 2_000
LONGEST_LINE = 256 * 1024
WIPE_S = 5.0


def folder_of(data_dir: Path) -> Path:
    """Where the record lies below *data_dir*."""
    return data_dir / "record"


def files_of(folder: Path) -> list[Path]:
    """The record's files, the oldest first; each is named by the number of its first entry."""
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())


def entries_of(*paths: Path) -> Iterator[dict[str, Any]]:
    """Every entry of *paths*; half lines after a power cut are passed over."""
    for path in paths:
        with path.open("rb") as file:
            for line in iter(lambda: file.readline(LONGEST_LINE), b""):
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict) and isinstance(entry.get("n"), int):
                    yield entry


class RecordFile:
    """The newest of the files, and the thread that appends to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._count = A_FILE
        self._fd: int | None = None
        self._troubled = False
        self._going_on: Path | None = None
        self._before = 0
        self.newest = self._find_newest()
        self._next = self.newest + 1
        self._turns = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    def append(self, line: bytes) -> None:
        """Write *line* soon; drop it when the disk does not keep up. Never blocks."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            if not self._troubled:
                self._troubled = True
                log.warning("the record of events does not keep up; entries are left out")

    def wipe(self) -> None:
        """Overwrite and delete every file; StoreError when the disk refuses or does not answer."""
        if not self._turns.acquire(timeout=WIPE_S):
            raise StoreError(f"{self._folder}: the disk does not answer")
        try:
            with contextlib.suppress(queue.Empty):
                while self._lines.get_nowait() is not None:
                    self._next += 1
            self._shut()
            self._going_on, self._count = None, A_FILE
            for path in files_of(self._folder):
                erase(path)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be erased: {error}") from error
        finally:
            self._turns.release()

    def close(self) -> None:
        """Write what waits; at most three seconds."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=1.0)
            self._thread.join(timeout=2.0)

    def _find_newest(self) -> int:
        """The number of the last entry on disk; its file is gone on with while it has room."""
        try:
            numbers = [entry["n"] for entry in entries_of(*files_of(self._folder)[-1:])]
        except OSError:
            return 0
        if 0 < len(numbers) < A_FILE:
            self._going_on, self._before = files_of(self._folder)[-1], len(numbers)
        return max(numbers, default=0)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            with self._turns:
                self._try(line)
        self._shut()

    def _try(self, line: bytes) -> None:
        try:
            self._write(line)
            self._troubled = False
        except OSError as error:
            if not self._troubled:
                self._troubled = True
                log.warning("the record of events cannot be written: %s", error)
            self._shut()

    def _write(self, line: bytes) -> None:
        number, self._next = self._next, self._next + 1
        if self._fd is None or self._count >= A_FILE:
            self._turn(number)
        if self._fd is not None:
            os.write(self._fd, line + b"\n")
        self._count += 1

    def _turn(self, number: int) -> None:
        """Begin a file with entry *number*; the oldest beyond what is kept go."""
        self._shut()
        self._folder.mkdir(mode=0o750, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        path = self._going_on or self._folder / f"{number:012d}.jsonl"
        self._fd = os.open(path, flags, 0o640)
        if self._going_on is not None:
            os.write(self._fd, b"\n")  # ends a half line, where there is one
        self._count, self._before, self._going_on = self._before, 0, None
        for path in files_of(self._folder)[: -(KEPT // A_FILE + 1)]:
            path.unlink(missing_ok=True)

    def _shut(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
