"""Old or new after a power cut, never half of each; one process per folder."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from tinydb import TinyDB

from agent.core.errors import AlreadyRunningError, StoreError
from agent.files.atomic import AtomicJSONStorage, FolderLock, write_atomic


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "counters.json"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_private_unless_said_otherwise(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"")
    write_atomic(tmp_path / "b", b"", mode=0o640)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes == [0o600, 0o640]


def test_the_old_content_stays_readable_by_those_who_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")
    with path.open("rb") as held:
        write_atomic(path, b"new")
        assert held.read() == b"old"


def test_what_cannot_be_written_leaves_the_old_file_and_no_scrap(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError):
        write_atomic(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "no" / "folder", b"new")


def test_a_scrap_of_an_earlier_crash_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"x" * 100)
    (tmp_path / f".a.{os.getpid()}.tmp").write_bytes(b"y" * 1000)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_storage_without_a_file_is_empty(tmp_path: Path) -> None:
    assert AtomicJSONStorage(tmp_path / "none.json").read() is None


def test_a_tinydb_on_the_storage_survives_being_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "db.json"
    with TinyDB(path, storage=AtomicJSONStorage) as db:
        db.insert({"name": "门"})
    with TinyDB(path, storage=AtomicJSONStorage) as db:
        assert [dict(row) for row in db.all()] == [{"name": "门"}]
    assert json.loads(path.read_bytes())["_default"] == {"1": {"name": "门"}}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"5", b"\xff", b'{"a": 1', b"[" * 99_999])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "db.json"
    path.write_bytes(damage)
    with pytest.raises(StoreError, match=r"db\.json is damaged"):
        AtomicJSONStorage(path).read()


def test_a_disk_that_refuses_is_a_store_error_both_ways(tmp_path: Path) -> None:
    folder = tmp_path / "db.json"
    folder.mkdir()
    with pytest.raises(StoreError, match=r"db\.json cannot be read"):
        AtomicJSONStorage(folder).read()
    with pytest.raises(StoreError, match="cannot be written"):
        AtomicJSONStorage(tmp_path / "no" / "db.json").write({})


def test_a_folder_is_held_by_one_and_the_other_learns_by_whom(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    holder = (tmp_path / ".lock").read_text(encoding="ascii")
    with pytest.raises(AlreadyRunningError, match=f"in use by process {holder}") as caught:
        second.acquire()
    assert caught.value.exit_code == 1
    first.release()
    second.acquire()
    second.release()
    second.release()


def test_a_lock_file_left_by_a_dead_process_does_not_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("999999999999", encoding="ascii")
    lock = FolderLock(tmp_path)
    lock.acquire()
    assert int((tmp_path / ".lock").read_text(encoding="ascii")) < 999999999999
    lock.release()


def test_a_folder_that_is_not_there_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderLock(tmp_path / "none").acquire()
