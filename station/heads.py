"""Heads of the gates' audit logs: what a gate once told, it has to be able to show later.

A log that was cut, or made anew, has another head. Online a step back or another hash is seen at
once; a chain that was made anew and is longer by now is found by ``gatehouse audit verify --heads``
with what is kept here. Here: judging a head (pure) and its rows. Not here: walking a log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping

from station.values import AuditFault, KeepHead, ToldHead, Write

HEADS_KEPT = 20_000
FAULTS_KEPT = 100
TABLES = """
CREATE TABLE IF NOT EXISTS audit_heads (
  k INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, n INTEGER NOT NULL,
  hash TEXT NOT NULL, at_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_heads_by_source ON audit_heads (source, k);
CREATE INDEX IF NOT EXISTS audit_heads_by_number ON audit_heads (source, n);
CREATE TABLE IF NOT EXISTS audit_faults (
  k INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, text TEXT NOT NULL,
  at_ns INTEGER NOT NULL, accepted_by TEXT, accepted_ns INTEGER
);
CREATE INDEX IF NOT EXISTS audit_faults_by_source ON audit_faults (source, k);
"""


def judge(
    source: str, told: ToldHead, last: ToldHead | None, known: Collection[str], now_ns: int
) -> tuple[tuple[Write, ...], str]:
    """What to write about a head, and what is wrong with it (empty: nothing).

    *last* is the one told before, *known* the hashes that were ever told for its number.
    """
    if last == told:
        return (), ""
    fault = ""
    if known and told.hash not in known:
        fault = f"record {told.n} of the audit log is another than the one told before"
    elif last is not None and told.n < last.n:
        fault = f"the audit log went back from record {last.n} to {told.n}"
    keep = KeepHead(source, told, now_ns)
    return ((keep, AuditFault(source, fault, now_ns)) if fault else (keep,)), fault


def last_head(db: sqlite3.Connection, source: str) -> ToldHead | None:
    """The head that a gate told last."""
    row = db.execute(
        "SELECT n, hash FROM audit_heads WHERE source=? ORDER BY k DESC LIMIT 1", (source,)
    ).fetchone()
    return None if row is None else ToldHead(*row)


def hashes_of(db: sqlite3.Connection, source: str, number: int) -> set[str]:
    """Every hash that a gate told for a record."""
    rows = db.execute("SELECT hash FROM audit_heads WHERE source=? AND n=?", (source, number))
    return {row[0] for row in rows}


def keep_head(db: sqlite3.Connection, head: KeepHead) -> None:
    """Keep a head; the oldest give way."""
    db.execute(
        "INSERT INTO audit_heads (source, n, hash, at_ns) VALUES (?,?,?,?)",
        (head.source, head.told.n, head.told.hash, head.at_ns),
    )
    _trim(db, "audit_heads", head.source, HEADS_KEPT)


def keep_fault(db: sqlite3.Connection, fault: AuditFault) -> None:
    """Keep what is wrong with a gate's log until a person accepts it."""
    db.execute(
        "INSERT INTO audit_faults (source, text, at_ns) VALUES (?,?,?)",
        (fault.source, fault.text, fault.at_ns),
    )
    _trim(db, "audit_faults", fault.source, FAULTS_KEPT)


def standing_faults(db: sqlite3.Connection) -> Mapping[str, str]:
    """The newest fault of each gate that nobody accepted yet; empty for a file without any."""
    found = db.execute("SELECT 1 FROM sqlite_master WHERE name='audit_faults'").fetchone()
    if found is None:
        return {}
    rows = db.execute("SELECT source, text FROM audit_faults WHERE accepted_ns IS NULL ORDER BY k")
    return dict(rows.fetchall())


def heads_of(db: sqlite3.Connection, source: str) -> list[ToldHead]:
    """Every head that is kept of a gate, oldest first."""
    rows = db.execute("SELECT n, hash FROM audit_heads WHERE source=? ORDER BY k", (source,))
    return [ToldHead(*row) for row in rows]


def accept_faults(db: sqlite3.Connection, source: str, by: str, now_ns: int) -> int:
    """A person answers for a gate's log as it is now; how many faults that settles."""
    return db.execute(
        "UPDATE audit_faults SET accepted_by=?, accepted_ns=?"
        " WHERE source=? AND accepted_ns IS NULL",
        (by, now_ns, source),
    ).rowcount


def _trim(db: sqlite3.Connection, table: str, source: str, kept: int) -> None:
    db.execute(
        f"DELETE FROM {table} WHERE source=? AND k <= (SELECT k FROM {table} WHERE source=?"  # noqa: S608 - table is ours
        " ORDER BY k DESC LIMIT 1 OFFSET ?)",
        (source, source, kept),
    )
