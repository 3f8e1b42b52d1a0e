"""Files on a real disk: past the page cache where that goes, through it where it does not."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from agent.outbox.segments.folder import DiskFolder


@pytest.fixture
def disk(tmp_path: Path) -> DiskFolder:
    disk = DiskFolder(tmp_path / "outbox")
    assert disk.names() == []
    return disk


def test_a_new_file_has_its_room_and_belongs_to_its_user_only(
    disk: DiskFolder, tmp_path: Path
) -> None:
    disk.create("one", 8192).close()
    found = (tmp_path / "outbox" / "one").stat()
    assert found.st_size == 8192
    assert found.st_blocks * 512 >= 8192
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700


def test_what_is_written_is_read_also_when_it_is_longer_than_the_buffer(disk: DiskFolder) -> None:
    data = os.urandom(700 * 1024)
    file = disk.create("one", len(data) + 512)
    file.write(512, data)
    file.sync()
    file.close()
    file = disk.open("one")
    assert file.read(512, len(data) + 100) == data
    assert file.size == len(data) + 512
    file.close()


def test_a_file_system_that_knows_no_direct_writes_is_written_through_the_cache(
    disk: DiskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    file = disk.create("one", 1024)
    file.write(512, b"x" * 512)
    file.sync()
    assert file.read(0, 1024) == bytes(512) + b"x" * 512
    file.close()


def test_a_disk_that_wants_larger_pieces_is_written_through_the_cache(
    disk: DiskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.pwrite, list[int]()

    def refuse(descriptor: int, data: bytes, offset: int) -> int:
        if not refused:
            refused.append(offset)
            raise OSError(errno.EINVAL, "no")
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", refuse)
    file = disk.create("one", 1024)
    file.write(0, b"x" * 512)
    file.sync()
    assert file.read(0, 512) == b"x" * 512
    file.close()
    assert refused == [0]


def test_sectors_that_cannot_be_read_are_zeros(
    disk: DiskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = disk.create("one", 16384)
    file.write(0, b"x" * 16384)
    file.sync()
    real = os.pread

    def fail(descriptor: int, length: int, offset: int) -> bytes:
        if offset <= 5000 < offset + length:
            raise OSError(errno.EIO, "bad sector")
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", fail)
    assert file.read(0, 20_000) == b"x" * 4096 + bytes(4096) + b"x" * 8192
    assert file.read(0, 512) == b"x" * 512
    file.close()


def test_a_file_for_which_there_is_no_room_leaves_nothing(
    disk: DiskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _offset: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="full"):
        disk.create("one", 1024)
    assert disk.names() == []
