"""The record on disk: bounded, gone on with after a restart, whole after a torn line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.core.errors import StoreError
from agent.incidents import record_file
from agent.incidents.record_file import RecordFile, entries_of, files_of


def write(folder: Path, count: int) -> RecordFile:
    """Append *count* entries in one life."""
    file = RecordFile(folder)
    for number in range(file.newest + 1, file.newest + 1 + count):
        file.append(json.dumps({"n": number}).encode())
    file.close()
    return file


def numbers(folder: Path) -> list[int]:
    return [entry["n"] for entry in entries_of(*files_of(folder))]


def test_lives_go_on_with_one_record(tmp_path: Path) -> None:
    folder = tmp_path / "record"
    for _ in range(3):
        write(folder, 4)
    assert numbers(folder) == list(range(1, 13))
    assert len(files_of(folder)) == 1


def test_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_file, "KEPT", 20)
    monkeypatch.setattr(record_file, "A_FILE", 5)
    folder = tmp_path / "record"
    for _ in range(9):
        write(folder, 7)
    assert numbers(folder)[-20:] == list(range(44, 64))
    assert len(numbers(folder)) <= 25


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    folder = tmp_path / "record"
    write(folder, 3)
    (path,) = files_of(folder)
    path.write_bytes(path.read_bytes()[:-5])
    write(folder, 2)
    assert numbers(folder) == [1, 2, 3, 4]


def test_a_folder_that_cannot_be_made_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(b"in the way")
    write(tmp_path / "record", 3)
    assert (tmp_path / "record").read_bytes() == b"in the way"


def test_a_wipe_leaves_nothing_of_before_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "record"
    write(folder, 3)
    (path,) = files_of(folder)
    (tmp_path / "the-same-blocks").hardlink_to(path)
    file = RecordFile(folder)
    file.append(b'{"n": 4}')
    file.wipe()
    assert b'{"n"' not in (tmp_path / "the-same-blocks").read_bytes()
    file.append(b'{"n": 5}')
    file.close()
    assert numbers(folder) == [5]


def test_a_wipe_tells_when_a_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "record"
    file = write(folder, 3)

    def refused(_: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(record_file, "erase", refused)
    with pytest.raises(StoreError, match="Read-only"):
        file.wipe()
