"""The audit log's files: appended durably, cut into pieces, repaired after a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agent.audit.folder import Kept, file_for, files_of, read_head, verify
from agent.audit.record import MAX_LINE, Record, read_line
from agent.audit.trail import Trail
from agent.core.audit import Head
from agent.core.clock import ManualClock
from agent.core.errors import StoreError
from tests.support.audit import KEY, chain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def more(trail: Trail, clock: ManualClock, count: int = 1) -> None:
    trail.append(made(trail, clock, count))


def made(trail: Trail, clock: ManualClock, count: int = 1) -> list[tuple[Record, bytes]]:
    return [(read_line(line), line) for line in chain(count, clock, after=trail.head)]


def opened(folder: Path, max_file: int = 2000) -> Trail:
    trail = Trail(folder, max_file=max_file)
    trail.open()
    return trail


def test_a_new_log_is_private_and_empty(folder: Path) -> None:
    trail = Trail(folder)
    found = trail.open()
    assert (found.torn, found.kept, trail.head.n, trail.config) == (0, None, 0, "")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in files_of(folder)] == [0o600]


def test_the_chain_goes_on_over_files_and_restarts(folder: Path, clock: ManualClock) -> None:
    trail = opened(folder)
    for _ in range(10):
        more(trail, clock)
    trail.remember()
    trail.close()
    files = files_of(folder)
    assert len(files) > 1
    assert all(path.stat().st_size < 3000 for path in files)
    assert [read_line(path.read_bytes().splitlines()[0]).n for path in files] == [
        int(path.stem.removeprefix("audit-")) for path in files
    ]
    again = opened(folder)
    assert (again.head, again.head.n) == (trail.head, 10)
    more(again, clock, 5)
    verdict = verify(folder, [KEY])
    assert (verdict.ok, verdict.records, verdict.head) == (True, 15, again.head)
    assert read_head(folder) == Kept(trail.head, "")


def test_a_half_record_is_cut_off_and_told(folder: Path, clock: ManualClock) -> None:
    trail = opened(folder)
    more(trail, clock, 3)
    trail.close()
    (path,) = files_of(folder)
    whole = path.read_bytes()
    for torn in (b'{"at":"20', b"\0" * 700, b"x" * 100_000):
        path.write_bytes(whole + torn)
        assert verify(folder, [KEY]).torn == len(torn) % MAX_LINE
        found = Trail(folder).open()
        assert found.torn == len(torn)
        assert path.read_bytes() == whole


def test_a_file_that_only_exists_is_no_obstacle(folder: Path, clock: ManualClock) -> None:
    trail = opened(folder)
    more(trail, clock, 3)
    file_for(folder, 4).touch()
    again = opened(folder)
    assert again.head.n == 3
    assert len(files_of(folder)) == 1


def test_a_failed_write_leaves_nothing_behind_and_is_made_again(
    folder: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = opened(folder)
    more(trail, clock, 2)
    lines = made(trail, clock, 8)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        with pytest.raises(StoreError, match="No space left"):
            trail.append(lines[:4])
        with pytest.raises(StoreError):
            trail.append(lines[:1])
    assert trail.head.n == 2
    assert trail.open().torn == 0
    assert trail.head.n == 2
    trail.append(lines)
    trail.append(made(trail, clock, 8))
    verdict = verify(folder, [KEY])
    assert (verdict.ok, verdict.records) == (True, 18)


def test_a_failure_at_the_beginning_of_a_file_is_made_good(
    folder: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = opened(folder, max_file=1)
    more(trail, clock, 2)
    lines = made(trail, clock, 3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "I/O")))
        with pytest.raises(StoreError):
            trail.append(lines)
    trail.open()
    trail.append(lines)
    assert verify(folder, [KEY]).records == 5


def test_a_folder_that_is_none_is_an_error(folder: Path) -> None:
    folder.write_text("x")
    with pytest.raises(StoreError):
        Trail(folder).open()
    with pytest.raises(StoreError):
        Trail(folder).append([(None, b"x")])  # type: ignore[list-item]
    with pytest.raises(StoreError):
        verify(folder, None)


def test_only_whole_old_files_are_forgotten(folder: Path, clock: ManualClock) -> None:
    trail = opened(folder, max_file=1)
    for _ in range(4):
        more(trail, clock)
    at = [read_line(path.read_bytes()).at for path in files_of(folder)]
    assert trail.older_than(at[1]) == ([], Head(0, "0" * 64))
    files, last = trail.older_than(at[3])
    assert [path.name for path in files] == [file_for(folder, n).name for n in (1, 2)]
    assert last == Head(2, read_line(files[1].read_bytes()).hash)
    trail.forget(files)
    assert [read_line(path.read_bytes()).n for path in files_of(folder)] == [3, 4]


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"n":"x","hash":"","config":""}'])
def test_a_head_that_says_nothing_is_none(folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / "head.json").write_bytes(damage)
    assert read_head(folder) is None
