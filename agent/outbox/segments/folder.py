"""Files of fixed length in one folder: written in place, made durable one by one.

Here: what the segment log asks of a disk (``Folder``, ``File``) and the real one. Not here: what is
written. A power-cut simulation implements the same two protocols.

Writes go past the page cache where the file system lets them (``O_DIRECT``): a commit then costs
its own sectors instead of whole pages of 4 kB. Room is taken and blanked before it is used, so
that a sync writes data and no metadata: blocks that were only allocated are converted at each
first write, and that costs more than the write.
"""

from __future__ import annotations

import errno
import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from agent.files.atomic import sync_folder

_BUFFER = 1 << 18
_PIECE = 4096


class File(Protocol):
    """One file. Offsets and lengths of writes are whole sectors. Failures raise OSError."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Up to *length* bytes from *offset*; fewer at the end, zeros for what cannot be read."""

    def write(self, offset: int, data: bytes) -> None:
        """Write; durable only after :meth:`sync`."""

    def sync(self) -> None:
        """Make what was written durable. After a failure nothing is known: drop the file."""

    def close(self) -> None:
        """Give it back; never raises."""


class Folder(Protocol):
    """One folder of such files. Failures raise OSError.

    Renames and removals reach the disk in the order in which they were made, at the latest with
    :meth:`sync`; that is what journaling file systems do.
    """

    def names(self) -> list[str]:
        """What is in it."""

    def open(self, name: str) -> File:
        """An existing file."""

    def create(self, name: str, size: int) -> File:
        """A new file with room for *size* bytes; ENOSPC when there is none, and then no file."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""

    def remove(self, name: str) -> None:
        """Delete a file."""

    def sync(self) -> None:
        """Make names durable."""


class DiskFile:
    """A file on a disk: written past the page cache, read through it."""

    def __init__(self, path: Path, buffer: mmap.mmap) -> None:
        self._path = path
        self._buffer = buffer
        self._direct = True
        self._writing: int | None = None
        self._reading = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._reading).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Up to *length* bytes from *offset*."""
        try:
            return os.pread(self._reading, length, offset)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        return b"".join(
            self._piece(at, min(_PIECE, offset + length - at))
            for at in range(offset, min(offset + length, self.size), _PIECE)
        )

    def write(self, offset: int, data: bytes) -> None:
        """Write in pieces of the buffer's length."""
        for at in range(0, len(data), _BUFFER):
            piece = data[at : at + _BUFFER]
            self._buffer[: len(piece)] = piece
            with memoryview(self._buffer)[: len(piece)] as view:
                self._write_view(offset + at, view)

    def sync(self) -> None:
        """``fdatasync``: the data, and metadata only where reading needs it."""
        os.fdatasync(self._writer())

    def close(self) -> None:
        """Close; whoever needs durability has synced before."""
        for descriptor in (self._reading, self._writing):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)
        self._reading, self._writing = -1, None

    def _piece(self, offset: int, length: int) -> bytes:
        """A few bytes; zeros when the disk cannot read them."""
        try:
            return os.pread(self._reading, length, offset)
        except OSError:
            return bytes(length)

    def _write_view(self, offset: int, view: memoryview) -> None:
        done = 0
        while done < len(view):
            try:
                done += os.pwrite(self._writer(), view[done:], offset + done)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._direct:
                    raise
                self._go_through_cache()

    def _writer(self) -> int:
        if self._writing is None:
            flags = os.O_WRONLY | os.O_CLOEXEC
            if self._direct:
                try:
                    self._writing = os.open(self._path, flags | os.O_DIRECT)
                except OSError as error:
                    if error.errno != errno.EINVAL:
                        raise
                    self._direct = False
            if self._writing is None:
                self._writing = os.open(self._path, flags)
        return self._writing

    def _go_through_cache(self) -> None:
        """The file system or the disk wants larger pieces than sectors."""
        if self._writing is not None:
            os.close(self._writing)
        self._writing, self._direct = None, False


class DiskFolder:
    """A folder on a disk; made when it is not there."""

    def __init__(self, path: Path) -> None:
        """*path*: its parent has to be there when the folder is first used."""
        self.path = path
        self._buffer = mmap.mmap(-1, _BUFFER)

    def names(self) -> list[str]:
        """What is in it; makes it."""
        if not self.path.is_dir():
            self.path.mkdir(mode=0o700)
            sync_folder(self.path.parent)
        return os.listdir(self.path)  # noqa: PTH208 - names are wanted

    def open(self, name: str) -> DiskFile:
        """An existing file."""
        return DiskFile(self.path / name, self._buffer)

    def create(self, name: str, size: int) -> DiskFile:
        """A new file whose room is taken."""
        path = self.path / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(descriptor)
        return self.open(name)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        (self.path / old).rename(self.path / new)

    def remove(self, name: str) -> None:
        """Delete a file."""
        (self.path / name).unlink()

    def sync(self) -> None:
        """``fsync`` of the folder."""
        sync_folder(self.path)
