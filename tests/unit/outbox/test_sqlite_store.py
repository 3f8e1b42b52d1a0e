"""What is SQLite's alone; what every store does stands in ``tests/contract``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agent.core.errors import StoreError
from agent.outbox.sqlite_store import SqliteStore
from tests.support.samples import entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def test_a_commit_is_on_the_disk_when_it_returns(path: Path) -> None:
    store = SqliteStore(path)
    store.open()
    db = store._opened()
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_a_damaged_file_is_kept_aside_and_named(path: Path) -> None:
    path.write_bytes(b"not a database, but somebody's last alarms" * 100)
    store = SqliteStore(path)
    store.open()
    store.close()
    aside = path.with_name("outbox.db.damaged")
    assert store.moved_aside == aside
    assert aside.read_bytes().startswith(b"not a database")


def test_a_sound_file_is_never_moved(path: Path) -> None:
    store = SqliteStore(path)
    store.open()
    store.open()
    assert store.moved_aside is None
    assert not list(path.parent.glob("*.damaged"))
    store.close()


def test_the_log_of_a_damaged_file_does_not_meet_the_new_one(path: Path) -> None:
    path.write_bytes(b"x" * 4096)
    path.with_name("outbox.db-wal").write_bytes(b"y" * 4096)
    store = SqliteStore(path)
    store.open()
    store.write([entry(1)], [])
    store.close()
    again = SqliteStore(path)
    again.open()
    assert again.fill().alarms == 1
    again.close()


def test_a_file_that_cannot_be_opened_is_not_taken_for_damaged(path: Path) -> None:
    path.mkdir()
    store = SqliteStore(path)
    with pytest.raises(StoreError, match="unable to open"):
        store.open()
    assert path.is_dir()
    assert store.moved_aside is None


def test_a_file_that_another_program_holds_is_waited_for_and_not_moved(path: Path) -> None:
    first = SqliteStore(path)
    first.open()
    first.close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        store = ImpatientStore(path)
        with pytest.raises(StoreError, match="locked"):
            store.open()
        other.execute("ROLLBACK")
    other.close()
    assert store.moved_aside is None
    assert store.open().session == 2
    store.close()


class ImpatientStore(SqliteStore):
    """Does not wait five seconds for a lock."""

    def _connect(self) -> sqlite3.Connection:
        db = super()._connect()
        db.execute("PRAGMA busy_timeout = 0")
        return db
