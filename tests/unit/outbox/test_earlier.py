"""An outbox of the first version: everything in it moves over, once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agent.core.errors import StoreError
from agent.core.ports import Counters, Lane
from agent.outbox.segments.store import SegmentStore
from bench.sqlite_outbox import SqliteStore
from tests.support.samples import entry


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Alarms 1 to 4 without the second, and 700 events; session 3."""
    path = tmp_path / "outbox.db"
    old = SqliteStore(path)
    for _ in range(3):
        old.open()
    old.write([entry(n) for n in range(1, 5)], ["alarm-2"])
    old.write([entry(n, Lane.EVENT, body=bytes(n % 50)) for n in range(1, 701)], [])
    old.close()
    return path


def store(folder: Path) -> SegmentStore:
    return SegmentStore(folder / "outbox", earlier=folder / "outbox.db")


def test_everything_moves_over_in_order_and_numbers_go_on(tmp_path: Path, before: Path) -> None:
    new = store(tmp_path)
    assert new.open() == Counters(4, 4, 700)
    assert [found for _, found in new.read(Lane.ALARM, 0, 10)] == [entry(n) for n in (1, 3, 4)]
    events = [found for _, found in new.read(Lane.EVENT, 0, 1000)]
    assert events == [entry(n, Lane.EVENT, body=bytes(n % 50)) for n in range(1, 701)]
    assert not before.exists()
    assert before.with_name("outbox.db.imported").exists()
    new.write([], ["alarm-1"])
    new.close()
    assert new.open() == Counters(5, 4, 700)
    assert new.fill().alarms == 2
    new.close()


def test_what_moved_over_before_a_crash_is_not_there_twice(tmp_path: Path, before: Path) -> None:
    copy = before.read_bytes()
    new = store(tmp_path)
    new.open()
    new.close()
    before.write_bytes(copy)
    assert new.open().session == 5
    assert (new.fill().alarms, new.fill().events) == (3, 700)
    new.close()


def test_of_a_damaged_file_moves_over_what_can_be_read(tmp_path: Path, before: Path) -> None:
    data = bytearray(before.read_bytes())
    data[-8192:] = b"\x5a" * 8192
    before.write_bytes(data)
    new = store(tmp_path)
    new.open()
    new.close()
    assert before.with_name("outbox.db.damaged").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all " * 500])
def test_a_file_that_says_nothing_is_put_out_of_the_way(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outbox.db").write_bytes(content)
    new = store(tmp_path)
    assert new.open() == Counters(1, 0, 0)
    assert new.fill().alarms == 0
    new.close()
    assert (tmp_path / "outbox.db.damaged").read_bytes() == content


def test_a_file_that_another_program_holds_is_left_alone(
    tmp_path: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.outbox.earlier.PATIENCE_S", 0.0)
    with sqlite3.connect(before, isolation_level=None) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        new = store(tmp_path)
        with pytest.raises(StoreError, match="locked"):
            new.open()
        other.execute("ROLLBACK")
    other.close()
    assert new.open().session == 4
    new.close()
