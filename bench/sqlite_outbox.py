"""The outbox on SQLite (WAL, synchronous=FULL): what the segment log is measured against.

It does all that ``agent.core.ports.OutboxStore`` asks and passes the same contract suite. The
first version of the agent kept its outbox in it, so it also makes the files that tests import.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Counters, Entry, Fill, Lane, Limits

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    topic TEXT NOT NULL,
    body BLOB NOT NULL,
    accepted_utc_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_lane ON entry (lane, position);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
FREE_PAGES = 8
_SEQ_OF = {Lane.ALARM: "alarm_seq", Lane.EVENT: "event_seq"}


class SqliteStore:
    """One file, one connection. Opened in one thread, then used by one other."""

    def __init__(self, path: Path, *, after_damage: int = 1) -> None:
        """*after_damage* is the first session of a file that replaces a damaged one."""
        self._path = path
        self._after_damage = after_damage
        self._db: sqlite3.Connection | None = None
        self.moved_aside: Path | None = None

    def open(self) -> Counters:
        """Open or create the file, count the session up durably, and tell the counters."""
        self.close()
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                self.close()
                raise _translate(error, self._path) from error
            self.close()
            self._move_aside()
            with _errors(self._path):
                self._db = self._connect()
        with _errors(self._path):
            return self._count_session()

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:
        """Append and remove in one durable transaction. Appending an id twice changes nothing."""
        db = self._opened()
        rows = [(e.id, e.lane, e.seq, e.topic, e.body, e.accepted_utc_ns) for e in appended]
        last = {_SEQ_OF[e.lane]: e.seq for e in sorted(appended, key=lambda e: e.seq)}
        with _errors(self._path), db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT OR IGNORE INTO entry (id, lane, seq, topic, body, accepted_utc_ns)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            db.executemany("DELETE FROM entry WHERE id = ?", [(i,) for i in removed])
            db.executemany(
                "INSERT INTO counter VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                list(last.items()),
            )

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Up to *limit* entries of *lane* with positions above *after*, in order."""
        db = self._opened()
        with _errors(self._path):
            rows = db.execute(
                "SELECT position, id, seq, topic, body, accepted_utc_ns FROM entry"
                " WHERE lane = ? AND position > ? ORDER BY position LIMIT ?",
                (lane, after, limit),
            ).fetchall()
        return [(r[0], Entry(r[1], lane, r[2], r[3], r[4], r[5])) for r in rows]

    def fill(self) -> Fill:
        """How much is held."""
        db = self._opened()
        with _errors(self._path):
            counts = dict(db.execute("SELECT lane, count(*) FROM entry GROUP BY lane").fetchall())
            oldest = db.execute(
                "SELECT accepted_utc_ns FROM entry ORDER BY position LIMIT 1"
            ).fetchone()
        return Fill(
            counts.get(Lane.ALARM, 0), counts.get(Lane.EVENT, 0), oldest[0] if oldest else None
        )

    def evict(self, limits: Limits, now_utc_ns: int) -> int:
        """Delete events beyond *limits*, oldest first; how many went."""
        db = self._opened()
        surplus = max(self.fill().events - limits.max_events, 0)
        with _errors(self._path), db:
            db.execute("BEGIN IMMEDIATE")
            gone = db.execute(
                "DELETE FROM entry WHERE position IN (SELECT position FROM entry"
                " WHERE lane = ? ORDER BY position LIMIT ?)",
                (Lane.EVENT, surplus),
            ).rowcount
            gone += db.execute(
                "DELETE FROM entry WHERE lane = ? AND accepted_utc_ns < ?",
                (Lane.EVENT, now_utc_ns - limits.event_age_ns),
            ).rowcount
        return gone

    def has_room(self) -> bool:
        """Whether some pages are free."""
        db = self._opened()
        with _errors(self._path):
            names = ("max_page_count", "page_count", "freelist_count")
            most, held, free = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        return bool(most - held + free > FREE_PAGES)

    def close(self) -> None:
        """Close the file; a failing close has nothing left to lose."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=5.0, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA journal_size_limit = 1048576")
            db.execute("PRAGMA cache_size = -512")
            db.execute("PRAGMA temp_store = MEMORY")
            damage = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            db.executescript(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _count_session(self) -> Counters:
        db = self._opened()
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(
                "INSERT INTO counter VALUES ('session', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1",
                (1 if self.moved_aside is None else self._after_damage,),
            )
        values = dict(db.execute("SELECT name, value FROM counter").fetchall())
        return Counters(values["session"], values.get("alarm_seq", 0), values.get("event_seq", 0))

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            raise StoreError(f"{self._path} is not open")
        return self._db

    def _move_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged")
        try:
            for suffix in ("", "-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
        except OSError as error:
            raise StoreError(
                f"{self._path} is damaged and cannot be moved aside: {error}"
            ) from error
        self.moved_aside = aside


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error, path) from error


def _translate(error: sqlite3.Error, path: Path) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or errno.errorcode.get(getattr(error, "errno", 0)) == "ENOSPC":
        return StoreFullError(f"{path}: no room left: {error}")
    return StoreError(f"{path}: {error}")
