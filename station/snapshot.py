"""The station's file read by a process that only looks: gates, alerts, what is missing.

Read-only, in one transaction, by polling; ``station watch`` needs no MQTT client of its own. Not
here: how it looks (``station.view``).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agent.core.clock import NS_PER_S
from agent.core.errors import StoreError
from station.board import (
    Alert,
    Fact,
    GateRow,
    Malformed,
    Snapshot,
    alert_of,
    fact_of,
    gate_row,
    malformed_of,
)
from station.going import Going
from station.heads import standing_faults
from station.rollcall import Rolls
from station.runs import Run
from station.tables import fetched, open_for_reading
from station.work import work_of

SERVING_S = 15
_ALERT = (
    "SELECT n, source, id, status, kind, severity, seq, replayed, happened_ns, synced,"
    " received_ns, body, faults, copies, stage, by FROM messages WHERE channel='alert'"
)
WORK_NS = 2 * 86_400 * NS_PER_S
_WORK = (
    "SELECT topic, body, received_ns FROM papers"
    " WHERE rowid > (SELECT max(rowid) FROM papers) - 20000 AND received_ns>?"
    " AND (topic LIKE '%/task/%/status' OR topic LIKE '%/post')"
)


class Reader:
    """The looking side of the station's file."""

    def __init__(
        self,
        path: Path,
        station: str,
        name: str,
        members: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """*members*: gates of each area, where known."""
        self._path, self._station, self._name = path, station, name
        self._db = open_for_reading(path)
        self._rolls = Rolls(path, station, members)
        self._going = Going(self._db)

    def close(self) -> None:
        """Give the file back."""
        self._rolls.close()
        self._db.close()

    def changes(self) -> int:
        """A number that differs after anybody wrote."""
        return int(self._rows("PRAGMA data_version")[0][0])

    def snapshot(self, now_ns: int, limit: int) -> Snapshot:
        """Now, with the newest *limit* alerts."""
        self._rows("BEGIN")
        try:
            return self._snapshot(now_ns, limit)
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from error
        finally:
            self._rows("COMMIT")

    def alerts_after(self, n: int, limit: int) -> list[Alert]:
        """Alerts stored after number *n*, oldest first."""
        rows = self._rows(f"{_ALERT} AND n>? ORDER BY n LIMIT ?", n, limit)
        return [alert_of(row) for row in rows]

    def facts_after(self, n: int, limit: int) -> list[Fact]:
        """Events stored after number *n*, oldest first."""
        rows = self._rows(
            "SELECT n, source, id, status, kind, seq, replayed, happened_ns, received_ns, body"
            " FROM messages WHERE channel='event' AND n>? ORDER BY n LIMIT ?",
            n,
            limit,
        )
        return [fact_of(row) for row in rows]

    def acks_after(self, n: int) -> list[tuple[int, str, str, str, str]]:
        """Stages that people set after number *n*: n, source, id, stage, by."""
        return self._rows(
            "SELECT n, source, id, stage, by FROM acks WHERE n>? AND stage<>'received' ORDER BY n",
            n,
        )

    def malformed_after(self, n: int) -> list[Malformed]:
        """Messages refused after number *n*, oldest first."""
        query = "SELECT n, topic, problems, received_ns FROM malformed WHERE n>? ORDER BY n"
        return [malformed_of(row) for row in self._rows(query, n)]

    def last_numbers(self) -> tuple[int, int, int]:
        """The newest numbers of alerts, acks and malformed messages."""
        alerts = self._rows("SELECT max(n) FROM messages")
        acks = self._rows("SELECT max(n) FROM acks")
        refused = self._rows("SELECT max(n) FROM malformed")
        return alerts[0][0] or 0, acks[0][0] or 0, refused[0][0] or 0

    def _snapshot(self, now_ns: int, limit: int) -> Snapshot:
        totals = dict(self._rows("SELECT channel, count(*) FROM messages GROUP BY channel"))
        unseen = self._rows(
            "SELECT count(*) FROM messages WHERE channel='alert' AND stage='received'"
        )
        newest_alerts = self._rows(f"{_ALERT} ORDER BY n DESC LIMIT ?", limit)
        newest = self._rows(
            "SELECT n, topic, problems, received_ns FROM malformed ORDER BY n DESC LIMIT 1"
        )
        listening, why = self._host(now_ns)
        return Snapshot(
            station=self._station,
            name=self._name,
            now_ns=now_ns,
            listening=listening,
            not_listening=why,
            gates=self._gates(now_ns),
            alerts=tuple(alert_of(row) for row in newest_alerts),
            alerts_total=totals.get("alert", 0),
            unseen=unseen[0][0],
            events_total=totals.get("event", 0),
            malformed_total=int(self._rows("SELECT total(count) FROM malformed_counts")[0][0]),
            malformed=malformed_of(newest[0]) if newest else None,
            queued=self._rows("SELECT count(*) FROM outgoing WHERE sent_ns IS NULL")[0][0],
            work=work_of(self._rows(_WORK, now_ns - WORK_NS), now_ns),
            rolls=tuple(self._rolls.going(now_ns)),
            incidents=self._going.incidents(now_ns),
            leads=self._going.leads(),
        )

    def _host(self, now_ns: int) -> tuple[bool, str]:
        rows = self._rows("SELECT connected, reason, at_ns FROM host")
        if not rows:
            return False, "station serve was never started"
        connected, reason, at_ns = rows[0]
        if not connected:
            return False, str(reason)
        if abs(now_ns - at_ns) > SERVING_S * NS_PER_S:
            return False, "station serve does not run"
        return True, ""

    def _gates(self, now_ns: int) -> tuple[GateRow, ...]:
        runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
        for source, channel, first, last in self._rows("SELECT * FROM runs"):
            runs[source, channel].append(Run(first, last))
        malformed = dict(self._rows("SELECT source, count FROM malformed_counts"))
        reused = dict(self._rows("SELECT source, total(count) FROM reused GROUP BY source"))
        faults = standing_faults(self._db)
        rows = self._rows("SELECT * FROM gates ORDER BY source")
        return tuple(gate_row(row, now_ns, runs, malformed, reused, faults) for row in rows)

    def _rows(self, query: str, *values: object) -> list[Any]:
        return fetched(self._db, self._path, query, *values)
