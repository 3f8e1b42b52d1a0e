"""Pictures of leads at the station: which there are, who took one out, and their end.

A picture is filed under its topic, as every paper is. It is destroyed when its lead is rejected and
after 30 days: its row is deleted, freed pages are zeroed (``secure_delete``), the write-ahead log
is emptied. A copy that a person exported is theirs to destroy; who took it is written down.

Here: rows. Not here: who may decide on leads (``station.leads``), receiving (``station.receive``).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

KEPT_NS = 30 * 86_400 * 1_000_000_000
TABLES = """
CREATE TABLE IF NOT EXISTS exports (
  n INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL,
  sha256 TEXT NOT NULL, by TEXT NOT NULL, at_ns INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS exports_stay BEFORE UPDATE ON exports
  BEGIN SELECT RAISE(ABORT, 'an export is never changed'); END;
CREATE TRIGGER IF NOT EXISTS exports_last BEFORE DELETE ON exports
  BEGIN SELECT RAISE(ABORT, 'an export is never deleted'); END;
"""
# Whether a picture of the lead in a row of ``messages`` is here.
HERE = (
    "EXISTS (SELECT 1 FROM papers WHERE papers.topic IN"
    " (source || '/evidence/' || id || '/1', source || '/drill/evidence/' || id || '/1'))"
)


def of_lead(db: sqlite3.Connection, source: str, alert_id: str) -> bytes | None:
    """The picture that belongs to a lead, None when none is here."""
    for low, high in _ranges(source, alert_id):
        row = db.execute("SELECT body FROM papers WHERE topic>? AND topic<?", (low, high))
        found = row.fetchone()
        if found is not None:
            return bytes(found[0])
    return None


def named(db: sqlite3.Connection, source: str, alert_id: str, n: int) -> str | None:
    """The SHA-256 that the alert says of its picture *n*, empty when none; None: no such alert."""
    row = db.execute(
        "SELECT body FROM messages WHERE source=? AND id=? AND channel='alert'", (source, alert_id)
    ).fetchone()
    return None if row is None else named_in(json.loads(bytes(row[0])), n)


def named_in(alert: dict[str, Any], n: int = 1) -> str:
    """The same of an alert's body."""
    found = [one["sha256"] for one in alert["data"]["evidence"] if one["n"] == n]
    return str(found[0]) if found else ""


def rejected(db: sqlite3.Connection, source: str, alert_id: str) -> bool:
    """Whether a person rejected the lead."""
    query = "SELECT 1 FROM verdicts WHERE source=? AND id=? AND verdict='reject'"
    return db.execute(query, (source, alert_id)).fetchone() is not None


def destroy(db: sqlite3.Connection, source: str, alert_id: str) -> None:
    """Delete every picture of a lead, within a transaction."""
    for span in _ranges(source, alert_id):
        db.execute("DELETE FROM papers WHERE topic>? AND topic<?", span)


def destroy_rejected(db: sqlite3.Connection, after: int) -> int:
    """Delete the pictures of all leads rejected by verdicts behind number *after*; the newest."""
    query = "SELECT n, source, id FROM verdicts WHERE n>? AND verdict='reject' ORDER BY n"
    for n, source, alert_id in db.execute(query, (after,)).fetchall():
        destroy(db, source, alert_id)
        after = n
    return after


def destroy_old(db: sqlite3.Connection, now_ns: int) -> int:
    """Delete the pictures that were kept for 30 days, within a transaction; how many."""
    return db.execute(
        "DELETE FROM papers WHERE received_ns<? AND topic LIKE '%/evidence/%'", (now_ns - KEPT_NS,)
    ).rowcount


def exported(
    db: sqlite3.Connection, source: str, alert_id: str, jpeg: bytes, by: str, at_ns: int
) -> None:
    """Write down who takes a picture out, within a transaction."""
    sha256 = hashlib.sha256(jpeg).hexdigest()
    db.execute(
        "INSERT INTO exports (source, id, sha256, by, at_ns) VALUES (?,?,?,?,?)",
        (source, alert_id, sha256, by, at_ns),
    )


def _ranges(source: str, alert_id: str) -> list[tuple[str, str]]:
    """Between which topics a lead's pictures lie; '0' is what follows '/'."""
    places = (f"{source}/evidence/{alert_id}", f"{source}/drill/evidence/{alert_id}")
    return [(f"{place}/", f"{place}0") for place in places]
