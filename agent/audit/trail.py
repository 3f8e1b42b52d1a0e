"""The end of the audit log on the disk: opened, repaired, appended to durably, cut into files.

Here: one open file and what is the newest record. Blocking; used by one thread. A failed write or
fsync is never tried again on the same handle: close, open again, write again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.audit.chain import START
from agent.audit.folder import (
    Kept,
    file_for,
    files_of,
    first_of,
    lines_of,
    read_head,
    write_head,
)
from agent.audit.record import Record, read_line
from agent.core.audit import AuditKind, Head
from agent.core.errors import StoreError
from agent.files.atomic import sync_folder

MAX_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """What was there at opening: ``torn`` bytes of a half record, now gone; the last known head."""

    torn: int
    kept: Kept | None


class Trail:
    """The file that is written. ``head`` is the newest durable record."""

    def __init__(self, folder: Path, *, max_file: int = MAX_FILE) -> None:
        """*max_file*: bytes after which the next file is begun."""
        self._folder = folder
        self._path = folder
        self._max_file = max_file
        self._descriptor: int | None = None
        self._size = 0
        self._durable: tuple[Path, int] | None = None
        self.head = START
        self.config = ""

    def open(self) -> Found:
        """Open the newest file at its end and cut a half record off; StoreError when it cannot."""
        self.close()
        with _errors(self._folder):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._roll_back()
            files = files_of(self._folder)
            while len(files) > 1 and not files[-1].stat().st_size:
                files.pop().unlink()
            self._read_end(files)
            kept = read_head(self._folder)
            self.config = self.config or (kept.config if kept else "")
            path = files[-1] if files else file_for(self._folder, 1)
            return Found(self._attach(path), kept)

    def append(self, records: Sequence[tuple[Record, bytes]]) -> None:
        """Write records with their lines; durable when this returns, StoreError otherwise."""
        if not records:
            return
        with _errors(self._folder):
            if self._size >= self._max_file:
                self._attach(file_for(self._folder, records[0][0].n))
            data = memoryview(b"".join(line for _, line in records))
            descriptor = self._opened()
            size = self._size + len(data)
            while data:
                data = data[os.write(descriptor, data) :]
            os.fdatasync(descriptor)
            self._size = size
            self._durable = (self._path, size)
        newest = records[-1][0]
        self.head = Head(newest.n, newest.hash)
        for record, _ in records:
            if record.kind is AuditKind.CONFIG:
                self.config = str(record.what.get("sha256", ""))

    def remember(self) -> None:
        """Write the head beside the log; StoreError when the disk refuses."""
        with _errors(self._folder):
            write_head(self._folder, Kept(self.head, self.config))

    def older_than(self, before: str) -> tuple[list[Path], Head]:
        """Files in which every record is older than *before* (RFC 3339), and their last record."""
        with _errors(self._folder):
            files, gone, last = files_of(self._folder), [], START
            for path, after in itertools.pairwise(files):
                begins = _first_record(after)
                if begins is None or begins.at >= before:
                    break
                gone.append(path)
                last = Head(begins.n - 1, begins.prev)
            return gone, last

    def forget(self, files: Sequence[Path]) -> None:
        """Delete *files*; StoreError when the disk refuses."""
        with _errors(self._folder):
            for path in files:
                path.unlink(missing_ok=True)
            sync_folder(self._folder)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _read_end(self, files: Sequence[Path]) -> None:
        """Find the newest record and configuration, from the newest file backwards."""
        self.head = START
        for path in reversed(files):
            last = None
            with path.open("rb") as file:
                for line in lines_of(file):
                    with contextlib.suppress(ValueError):
                        last = read_line(line) if line.endswith(b"\n") else last
                        if last is not None and last.kind is AuditKind.CONFIG:
                            self.config = str(last.what.get("sha256", ""))
            if last is not None:
                self.head = Head(last.n, last.hash)
                return

    def _attach(self, path: Path) -> int:
        """Open *path* for appending after its last whole line; how many bytes were cut off."""
        self.close()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        made = not path.exists()
        self._descriptor = os.open(path, flags, 0o600)
        if made:
            sync_folder(self._folder)
        size = os.fstat(self._descriptor).st_size
        whole = _whole_lines(self._descriptor, size)
        if whole < size:
            os.ftruncate(self._descriptor, whole)
            os.fdatasync(self._descriptor)
        self._path, self._size = path, whole
        self._durable = (path, whole)
        return size - whole

    def _roll_back(self) -> None:
        """Drop what a failed write left behind our last durable byte: it is written again."""
        if self._durable is None:
            return
        path, size = self._durable
        for newer in files_of(self._folder):
            if newer.name > path.name:
                newer.unlink()
        if path.exists() and path.stat().st_size > size:
            os.truncate(path, size)

    def _opened(self) -> int:
        if self._descriptor is None:
            raise StoreError(f"{self._folder} is not open")
        return self._descriptor


def _whole_lines(descriptor: int, size: int) -> int:
    """How many bytes of the file are whole lines."""
    end = size
    while end:
        begin = max(end - 65_536, 0)
        at = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _first_record(path: Path) -> Record | None:
    with path.open("rb") as file:
        for line in lines_of(file):
            try:
                record = read_line(line)
            except ValueError:
                return None
            return record if record.n == first_of(path) else None
    return None


@contextlib.contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}") from error
