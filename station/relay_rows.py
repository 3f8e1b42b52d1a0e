"""Rows of relay patrols in the station's file. Not here: deciding (``station.relays``)."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple
from typing import Any

from station.values import Relay, RelayState

KEPT = 1000
TABLES = """
CREATE TABLE IF NOT EXISTS relays (
  task_id TEXT PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, en TEXT NOT NULL,
  zh TEXT NOT NULL, within_s REAL NOT NULL, due_ns INTEGER NOT NULL, drill INTEGER NOT NULL,
  state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS relays_asked ON relays (due_ns) WHERE state='asked';
"""
_KEEP = "INSERT OR REPLACE INTO relays VALUES (?,?,?,?,?,?,?,?,?)"


class RelayRows:
    """Relays of the file that *db* has open."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def relay(self, task_id: str) -> Relay | None:
        """The relay of that task."""
        found = self._rows("task_id=?", task_id)
        return found[0] if found else None

    def waiting(self, source: str) -> int:
        """How many relays of a gate nobody has taken yet."""
        return len(self._rows("state='asked' AND source=?", source))

    def over(self, now_ns: int) -> list[Relay]:
        """Relays that nobody took in their window."""
        return self._rows("state='asked' AND due_ns<=?", now_ns)

    def keep(self, relay: Relay) -> None:
        """How it stands from now on; the oldest that are over give way."""
        self._db.execute(_KEEP, astuple(relay))
        self._db.execute(
            "DELETE FROM relays WHERE state<>'asked' AND task_id NOT IN"
            " (SELECT task_id FROM relays ORDER BY due_ns DESC LIMIT ?)",
            (KEPT,),
        )

    def _rows(self, where: str, value: object) -> list[Relay]:
        query = f"SELECT * FROM relays WHERE {where} ORDER BY due_ns"  # noqa: S608 - where is ours
        return [_relay(row) for row in self._db.execute(query, (value,))]


def _relay(row: tuple[Any, ...]) -> Relay:
    task_id, source, to, en, zh, within_s, due_ns, drill, state = row
    return Relay(
        task_id, source, to, en, zh, within_s, due_ns, drill=bool(drill), state=RelayState(state)
    )
