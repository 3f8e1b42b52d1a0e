"""What the station received, durably: the side of the SQLite file that ``station serve`` writes.

A batch of messages is one transaction; when :meth:`Store.batch` has returned without an error, all
of it survives a power cut. Not here: deciding (``station.receive``), other processes
(``station.desk``, ``station.snapshot``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agent.core.errors import StoreError
from contract.words import Stage
from station import heads, pictures, run_rows
from station.relay_rows import RelayRows
from station.tables import empty_log, open_database
from station.values import (
    AuditFault,
    CountAgain,
    File,
    Gate,
    Item,
    Keep,
    KeepHead,
    KeepRelay,
    Note,
    Publish,
    Queue,
    Refuse,
    ToldHead,
    Write,
)

_GATE_COLUMNS = tuple(field.name for field in fields(Gate))
MALFORMED_KEPT = 1000
SENT_KEPT = 10_000
SENT_BYTES_KEPT = 16_384
HOUR_NS = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Queued:
    """A message of the durable queue; ``n`` orders them."""

    n: int
    message: Publish


class Store:
    """The writing side. One per data folder, used by one thread."""

    def __init__(self, path: Path, station: str) -> None:
        self._path = path
        self._station = station
        self._cut = False
        self._queued = 0
        self._rejected = 0
        self._old_due_ns = 0
        self._db = open_database(path)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def reopen(self) -> None:
        """After a disk error: what a failed fsync left behind is not to be trusted."""
        self._db.close()
        self._db = open_database(self._path)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction: everything written within is durable afterwards, or nothing is.

        StoreError when the disk refuses.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
            self._cut = self._cut and not empty_log(self._db)
        except (sqlite3.IntegrityError, sqlite3.DataError):
            self._roll_back()
            raise
        except sqlite3.DatabaseError as error:
            self._roll_back()
            raise StoreError(f"{self._path} cannot be written: {error}") from error
        except BaseException:
            self._roll_back()
            raise

    def has(self, source: str, message_id: str) -> bool:
        """True when the alert or event of that key is stored."""
        found = self._db.execute(
            "SELECT 1 FROM messages WHERE source=? AND id=?", (source, message_id)
        )
        return found.fetchone() is not None

    def gate(self, source: str) -> Gate | None:
        """What is known of a gate."""
        row = self._db.execute("SELECT * FROM gates WHERE source=?", (source,)).fetchone()
        return None if row is None else gate_of(row)

    def last_head(self, source: str) -> ToldHead | None:
        """The head of its audit log that a gate told last."""
        return heads.last_head(self._db, source)

    def head_hashes(self, source: str, number: int) -> set[str]:
        """Every hash that a gate told for a record of its audit log."""
        return heads.hashes_of(self._db, source, number)

    def named_picture(self, source: str, alert_id: str, n: int) -> str | None:
        """The SHA-256 that an alert says of its picture, empty when none; None: no such alert."""
        return pictures.named(self._db, source, alert_id, n)

    def rejected(self, source: str, alert_id: str) -> bool:
        """Whether a person rejected that lead."""
        return pictures.rejected(self._db, source, alert_id)

    def forget_pictures(self, now_ns: int) -> None:
        """Destroy pictures of leads rejected since the last call, and old ones. Within a batch."""
        newest = pictures.destroy_rejected(self._db, self._rejected)
        old = pictures.destroy_old(self._db, now_ns) if now_ns >= self._old_due_ns else 0
        self._cut |= newest > self._rejected or old > 0
        self._rejected = newest
        if now_ns >= self._old_due_ns:
            self._old_due_ns = now_ns + HOUR_NS

    @property
    def relays(self) -> RelayRows:
        """Relay patrols."""
        return RelayRows(self._db)

    def apply(self, writes: Iterable[Write]) -> None:
        """Carry out *writes* within a batch."""
        for write in writes:
            match write:
                case Keep(item):
                    self._keep(item)
                case CountAgain(source, message_id):
                    self._db.execute(
                        "UPDATE messages SET copies=copies+1 WHERE source=? AND id=?",
                        (source, message_id),
                    )
                case Note(gate):
                    self._note(gate)
                case File(topic, key, body, received_ns):
                    self._db.execute(
                        "INSERT OR REPLACE INTO papers SELECT ?1,?2,?3,?4 WHERE NOT EXISTS"
                        " (SELECT 1 FROM papers WHERE topic=?1 AND key=?2 AND body=?3)",
                        (topic, key, body, received_ns),
                    )
                case Refuse():
                    self._refuse(write)
                case _:
                    self._apply_more(write)

    def _apply_more(self, write: KeepHead | AuditFault | KeepRelay | Queue) -> None:
        match write:
            case KeepHead():
                heads.keep_head(self._db, write)
            case AuditFault():
                heads.keep_fault(self._db, write)
            case KeepRelay(relay):
                self.relays.keep(relay)
            case Queue():
                self._queue(write)

    def outgoing(self, after: int, limit: int) -> list[Queued]:
        """Unsent messages of the durable queue behind number *after*, in order."""
        with self._reading():
            rows = self._db.execute(
                "SELECT n, topic, payload, retain FROM outgoing WHERE sent_ns IS NULL AND n>?"
                " ORDER BY n LIMIT ?",
                (after, limit),
            ).fetchall()
        return [Queued(n, Publish(t, bytes(p), retain=bool(r))) for n, t, p, r in rows]

    def sent(self, refusals: Mapping[int, str | None], at_ns: int) -> None:
        """The broker has these, or refused them with a reason. Within a batch."""
        rows = [(at_ns, reason, n) for n, reason in refusals.items()]
        self._db.executemany("UPDATE outgoing SET sent_ns=?, refusal=? WHERE n=?", rows)
        cut = self._db.executemany(
            "UPDATE outgoing SET payload=substr(payload,1,64) WHERE n=? AND length(payload)>64"
            " AND (length(payload)>? OR topic LIKE '%/cmd/track.start'"
            " OR topic LIKE '%/cmd/search.start')",
            [(n, SENT_BYTES_KEPT) for n in refusals],
        )
        self._cut |= cut.rowcount > 0
        self._db.execute(
            "DELETE FROM outgoing WHERE sent_ns IS NOT NULL"
            " AND n <= (SELECT max(n) FROM outgoing) - ?",
            (SENT_KEPT,),
        )

    def changes(self) -> tuple[int, int]:
        """Differs after another process wrote, or this one queued something."""
        with self._reading():
            return int(self._db.execute("PRAGMA data_version").fetchone()[0]), self._queued

    def host(self, broker: str, *, connected: bool, reason: str, at_ns: int) -> None:
        """Say for ``watch`` how serving goes. Within a batch."""
        self._db.execute(
            "INSERT OR REPLACE INTO host VALUES (1,?,?,?,?)", (broker, connected, reason, at_ns)
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _keep(self, item: Item) -> None:
        self._db.execute(
            "INSERT INTO messages (source, id, channel, topic, status, kind, severity, session,"
            " seq, replayed, happened_ns, synced, received_ns, body, faults, by)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                item.source,
                item.id,
                item.channel.value,
                item.topic,
                item.status.value,
                item.kind,
                item.severity,
                item.session,
                item.seq,
                item.replayed,
                item.happened_ns,
                item.synced,
                item.received_ns,
                item.body,
                "\n".join(item.faults),
                self._station,
            ),
        )
        self._db.execute(
            "INSERT INTO acks (source, id, stage, by, at_ns) VALUES (?,?,?,?,?)",
            (item.source, item.id, Stage.RECEIVED.value, self._station, item.received_ns),
        )
        run_rows.place_item(self._db, item)

    def _queue(self, write: Queue) -> None:
        self._db.execute(
            "INSERT INTO outgoing (topic, payload, retain, queued_ns) VALUES (?,?,?,?)",
            (write.message.topic, write.message.payload, write.message.retain, write.at_ns),
        )
        self._queued += 1

    def _note(self, gate: Gate) -> None:
        boots, beats = json.dumps(gate.boots), json.dumps(gate.beats)
        about = (gate.session, gate.state, gate.state_ns, gate.meta, gate.meta_ns)
        alive = (gate.beat, gate.beat_ns, gate.heard_ns)
        self._db.execute(
            "INSERT OR REPLACE INTO gates VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (gate.source, *about, *alive, boots, beats, gate.stale, gate.doubled_ns),
        )

    def _refuse(self, refused: Refuse) -> None:
        self._db.execute(
            "INSERT INTO malformed (source, topic, head, size, problems, received_ns)"
            " VALUES (?,?,?,?,?,?)",
            (
                refused.source,
                refused.topic,
                refused.head,
                refused.size,
                "\n".join(refused.problems),
                refused.received_ns,
            ),
        )
        self._db.execute(
            "DELETE FROM malformed WHERE n <= (SELECT max(n) FROM malformed) - ?",
            (MALFORMED_KEPT,),
        )
        self._db.execute(
            "INSERT INTO malformed_counts VALUES (?,1)"
            " ON CONFLICT (source) DO UPDATE SET count=count+1",
            (refused.source,),
        )


def gate_of(row: Sequence[Any]) -> Gate:
    """A row of the table ``gates`` as a value."""
    named: dict[str, Any] = dict(zip(_GATE_COLUMNS, row, strict=True))
    trails = {name: tuple(json.loads(named[name])) for name in ("boots", "beats")}
    return Gate(**named | trails)
