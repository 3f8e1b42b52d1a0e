"""What persons at the station said of leads: who, what, why, when; never changed, only added to.

Each row carries the SHA-256 over the one before and itself, and the file's triggers refuse changes;
:func:`first_break` finds a row that was changed all the same. Here: rows of one table. Not here:
who may decide what (``station.leads``).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass

TABLES = """
CREATE TABLE IF NOT EXISTS verdicts (
  n INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL,
  verdict TEXT NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, at_ns INTEGER NOT NULL,
  chain TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS verdicts_of ON verdicts (source, id);
CREATE TRIGGER IF NOT EXISTS verdicts_stay BEFORE UPDATE ON verdicts
  BEGIN SELECT RAISE(ABORT, 'a verdict is never changed'); END;
CREATE TRIGGER IF NOT EXISTS verdicts_last BEFORE DELETE ON verdicts
  BEGIN SELECT RAISE(ABORT, 'a verdict is never deleted'); END;
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One person's word on one lead: ``verdict`` is confirm or reject."""

    source: str
    id: str
    verdict: str
    by: str
    reason: str
    at_ns: int


def add(db: sqlite3.Connection, said: Verdict) -> None:
    """Write it down, within a transaction."""
    row = db.execute("SELECT chain FROM verdicts ORDER BY n DESC LIMIT 1").fetchone()
    chain = _chain(row[0] if row else "", said)
    db.execute(
        "INSERT INTO verdicts (source, id, verdict, by, reason, at_ns, chain)"
        " VALUES (?,?,?,?,?,?,?)",
        (said.source, said.id, said.verdict, said.by, said.reason, said.at_ns, chain),
    )


def of_lead(db: sqlite3.Connection, source: str, alert_id: str) -> list[Verdict]:
    """What was said of one lead, in order."""
    rows = db.execute(
        "SELECT source, id, verdict, by, reason, at_ns FROM verdicts"
        " WHERE source=? AND id=? ORDER BY n",
        (source, alert_id),
    )
    return [Verdict(*row) for row in rows]


def first_break(db: sqlite3.Connection) -> int | None:
    """The number of the first row that is not what was written, None when all are."""
    before, expected = "", 1
    query = "SELECT n, source, id, verdict, by, reason, at_ns, chain FROM verdicts ORDER BY n"
    for n, *said, chain in db.execute(query):
        if n != expected or chain != _chain(before, Verdict(*said)):
            return int(expected)
        before, expected = chain, n + 1
    return None


def _chain(before: str, said: Verdict) -> str:
    words = [before, said.source, said.id, said.verdict, said.by, said.reason, said.at_ns]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()
