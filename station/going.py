"""Reads what goes on from the station's file: incidents that wait for help, and face leads.

Only what is new since the last look is read, so that a look costs little while nothing happens.
Here: rows. Not here: what they make (``station.incidents``).
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.core.clock import NS_PER_S, format_utc
from contract.routes import route
from contract.words import Stage, Status
from station.incidents import Incident, Incidents, Said
from station.pictures import HERE
from station.standing import WAITING, Standing, standing_of
from station.tables import LEAD_KINDS

FIRST_LOOK = 5000
LEADS = 50
BELIEVED_NS = 3600 * NS_PER_S
_MESSAGES = (
    "SELECT n, channel, source, id, kind, status, happened_ns, synced, received_ns, body, stage, by"
    " FROM messages WHERE n>? AND (channel='alert' OR kind='sla.arrived') ORDER BY n"
)
LEADS_QUERY = (
    f"SELECT n, source, id, kind, status, stage, by, happened_ns, {HERE}"  # noqa: S608 - ours
    f" FROM messages WHERE kind IN ({LEAD_KINDS}) ORDER BY n DESC LIMIT {LEADS}"
)


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A face lead. ``by``: who said how it stands, in order. ``picture``: one can be looked at."""

    source: str
    id: str
    kind: str
    status: Status
    happened_ns: int
    standing: Standing
    by: tuple[str, ...]
    picture: bool = False

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return self.standing in WAITING


class Going:
    """Looks at the file, from one look to the next."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._incidents = Incidents()
        self._message = max(0, self._newest("messages", "n") - FIRST_LOOK)
        self._ack = self._newest("acks", "n")
        self._paper = max(0, self._newest("papers", "rowid") - FIRST_LOOK)

    def incidents(self, now_ns: int) -> tuple[Incident, ...]:
        """Those that are not over, within a transaction."""
        for n, channel, *row in self._db.execute(_MESSAGES, (self._message,)).fetchall():
            self._message = n
            said = _said(row)
            (self._incidents.alert if channel == "alert" else self._incidents.arrived)(said)
        acks = (
            "SELECT n, source, id, stage, by FROM acks WHERE n>? AND stage<>'received' ORDER BY n"
        )
        for n, source, alert_id, stage, by in self._db.execute(acks, (self._ack,)).fetchall():
            self._ack = n
            self._incidents.acked(source, alert_id, Stage(stage), by)
        papers = "SELECT rowid, topic FROM papers WHERE rowid>? ORDER BY rowid"
        for n, topic in self._db.execute(papers, (self._paper,)).fetchall():
            self._paper = n
            way = route(topic)
            if way is not None and way.gate is not None and "/report/incident/" in topic:
                self._incidents.reported(way.gate.base, topic.rsplit("/", 1)[1])
        return self._incidents.open(now_ns)

    def leads(self) -> tuple[LeadRow, ...]:
        """The newest leads, newest first."""
        rows = self._db.execute(LEADS_QUERY).fetchall()
        if not rows:
            return ()
        said: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for source, alert_id, verdict, by in self._db.execute(
            "SELECT source, id, verdict, by FROM verdicts ORDER BY n DESC LIMIT 500"
        ).fetchall()[::-1]:
            said[source, alert_id].append((verdict, by))
        expired = expired_leads(self._db)
        found = []
        for _, source, alert_id, kind, status, stage, by, happened_ns, here in rows:
            words = said[source, alert_id]
            standing = standing_of(
                [verdict for verdict, _ in words],
                closed=stage == Stage.CLOSED,
                expired=(source, alert_id) in expired,
            )
            persons = (by,) if standing is Standing.CLOSED else tuple(who for _, who in words)
            told = (source, alert_id, kind, Status(status), happened_ns, standing, persons)
            found.append(LeadRow(*told, picture=bool(here)))
        return tuple(found)

    def _newest(self, table: str, number: str) -> int:
        query = f"SELECT max({number}) FROM {table}"  # noqa: S608 - ours
        return int(self._db.execute(query).fetchone()[0] or 0)


def expired_leads(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """Leads that their gates waited for long enough for: gate and alert, of the newest ones."""
    query = "SELECT source, body FROM messages WHERE kind='lead.expired' ORDER BY n DESC LIMIT 200"
    rows = db.execute(query).fetchall()
    return {(s, str(json.loads(b)["data"].get("details", {}).get("alert"))) for s, b in rows}


def lead_json(lead: LeadRow) -> dict[str, object]:
    """A lead for programs."""
    return {
        "id": lead.id,
        "source": lead.source,
        "kind": lead.kind,
        "status": lead.status.value,
        "happened_at": format_utc(lead.happened_ns),
        "standing": lead.standing.value,
        "by": list(lead.by),
        "picture": lead.picture,
    }


def _said(row: Sequence[Any]) -> Said:
    """From the columns behind channel. A gate's clock counts where somebody vouches for it."""
    source, message_id, kind, status, happened_ns, synced, received_ns, body, stage, by = row
    value = json.loads(bytes(body))
    believed = synced and 0 <= received_ns - happened_ns < BELIEVED_NS
    return Said(
        source,
        message_id,
        kind,
        Status(status),
        happened_ns if believed else received_ns,
        received_ns,
        value.get("msgtype", ""),
        value.get("incident", ""),
        value["data"],
        Stage(stage),
        by,
    )
