"""What a person at the station does about an alert or a gate: durable orders for ``serve``.

Here: acks by stage, documents and commands to send, written to the queue of the same SQLite file,
and waiting until the serving process sent them or has the answer. Not here: the network.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.core.clock import format_utc
from agent.core.errors import CheckFailedError, StoreError
from contract.routes import route
from contract.words import Stage
from station.receive import ack_message
from station.tables import fetched, open_database
from station.values import Publish, gate_name
from station.waiting import awaited

SHORTEST_PREFIX = 4
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Found:
    """One stored alert and how far the station is with it."""

    source: str
    id: str
    topic: str
    stage: Stage
    by: str


@dataclass(frozen=True, slots=True)
class Order:
    """A queued message: ``n`` in the queue, or None when there was nothing to do."""

    n: int | None
    found: Found


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an order: ``refusal`` is the broker's reason when it would not carry it."""

    refusal: str | None


class Desk:
    """The orders' side of the station's file."""

    def __init__(
        self,
        path: Path,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """*now_ns* nanoseconds since 1970, *monotonic* and *sleep* seconds."""
        self._path = path
        self._now_ns = now_ns
        self._monotonic = monotonic
        self._sleep = sleep
        self._db = open_database(path)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def ack(self, prefix: str, stage: Stage, by: str, gate: str | None = None) -> Order:
        """Queue the ack of one alert, found by the start of its id.

        CheckFailedError: no such alert, several, or the stage would go back.
        """
        with self._writing():
            return self._ack(self._find(prefix, gate), stage, by)

    def _ack(self, found: Found, stage: Stage, by: str) -> Order:
        """Within a transaction: note the stage and queue its ack."""
        if stage.rank < found.stage.rank:
            raise CheckFailedError(
                f"{found.id} is already {found.stage.value} (by {found.by}); "
                f"a stage does not go back to {stage.value}"
            )
        if stage is found.stage:
            return Order(None, found)
        now_ns = self._now_ns()
        self._db.execute(
            "INSERT INTO acks (source, id, stage, by, at_ns) VALUES (?,?,?,?,?)",
            (found.source, found.id, stage.value, by, now_ns),
        )
        self._db.execute(
            "UPDATE messages SET stage=?, by=? WHERE source=? AND id=?",
            (stage.value, by, found.source, found.id),
        )
        way = route(found.topic)
        if way is None:
            raise StoreError(f"{self._path} holds an alert of topic {found.topic}")
        message = ack_message(way, found.id, stage=stage, by=by, at=format_utc(now_ns))
        return Order(self._queue(message), replace(found, stage=stage, by=by))

    def send(self, message: Publish) -> int:
        """Queue *message*; returns its number."""
        with self._writing():
            return self._queue(message)

    def send_filed(self, message: Publish, key: str) -> int:
        """Queue *message* and file it under its topic and *key*; returns its number."""
        with self._writing():
            row = (message.topic, key, message.payload, self._now_ns())
            self._db.execute("INSERT INTO papers VALUES (?,?,?,?)", row)
            return self._queue(message)

    def unfile(self, topic: str, key: str) -> None:
        """Forget what was filed; it was never sent."""
        with self._writing():
            self._db.execute("DELETE FROM papers WHERE topic=? AND key=?", (topic, key))

    def send_all(self, messages: Sequence[Publish], *, clear: str) -> int:
        """Queue *messages* as one, in order; returns the number of the last one.

        What earlier documents left on topics below *clear* and is not among them is cleared.
        """
        with self._writing():
            rows = self._db.execute(
                "SELECT topic, max(n), length(payload) FROM outgoing"
                " WHERE substr(topic,1,?)=? GROUP BY topic",
                (len(clear) + 1, f"{clear}/"),
            ).fetchall()
            kept = {message.topic for message in messages}
            last = 0
            for message in messages:
                last = self._queue(message)
            for topic, _, length in rows:
                if length and topic not in kept:
                    self._queue(Publish(topic, b"", retain=True))
            return last

    def wait(self, n: int, timeout_s: float) -> Sent | None:
        """Wait until the serving process sent order *n*; None when it did not in time."""

        def look() -> Sent | None:
            rows = self._read("SELECT sent_ns, refusal FROM outgoing WHERE n=?", (n,))
            if not rows:  # long ago: sent messages are not kept for ever
                return Sent(None)
            sent_ns, refusal = rows[0]
            return None if sent_ns is None else Sent(refusal)

        return awaited(look, timeout_s, self._monotonic, self._sleep)

    def withdraw(self, n: int) -> bool:
        """Take an order back; False when it was sent already."""
        with self._writing():
            query = "DELETE FROM outgoing WHERE n=? AND sent_ns IS NULL"
            return self._db.execute(query, (n,)).rowcount > 0

    def next_counter(self, gate: str) -> int:
        """The counter of the next command to *gate*; it is never given out again.

        Not below the milliseconds since 1970: a station whose file was lost still goes on upwards.
        """
        doc = f"cmd:{gate}"
        with self._writing():
            row = self._db.execute("SELECT max(version) FROM signed WHERE doc=?", (doc,)).fetchone()
            counter = max(int(row[0] or 0) + 1, self._now_ns() // 1_000_000)
            self._db.execute("DELETE FROM signed WHERE doc=?", (doc,))
            self._db.execute("INSERT INTO signed VALUES (?,?,?)", (doc, counter, self._now_ns()))
            return counter

    def beat(self, source: str) -> str | None:
        """The newest heartbeat of a gate, JSON; None before the first."""
        rows = self._read("SELECT beat FROM gates WHERE source=?", (source,))
        return rows[0][0] if rows else None

    def answer(self, topic: str, cmd_id: str, timeout_s: float) -> bytes | None:
        """Wait for a gate's result of a command, on *topic*; None when there is none in time."""

        def look() -> bytes | None:
            query = "SELECT body FROM papers WHERE topic=? AND key=?"
            rows = self._read(query, (topic, cmd_id))
            return bytes(rows[0][0]) if rows else None

        return awaited(look, timeout_s, self._monotonic, self._sleep)

    def papers(self, topic: str) -> list[bytes]:
        """What gates said on *topic*, oldest first."""
        query = "SELECT body FROM papers WHERE topic=? ORDER BY received_ns, rowid"
        return [bytes(body) for (body,) in self._read(query, (topic,))]

    def next_version(self, doc: str, wanted: int | None) -> int:
        """Take a version number for a document; it is never given out again.

        CheckFailedError when *wanted* is not above the last one.
        """
        with self._writing():
            row = self._db.execute("SELECT max(version) FROM signed WHERE doc=?", (doc,)).fetchone()
            last = int(row[0] or 0)
            version = last + 1 if wanted is None else wanted
            if version <= last:
                raise CheckFailedError(
                    f"version {version} of {doc} is not above the last signed one, {last}; "
                    "a gate would refuse it"
                )
            self._db.execute("INSERT INTO signed VALUES (?,?,?)", (doc, version, self._now_ns()))
            return version

    def _find(self, prefix: str, gate: str | None) -> Found:
        if len(prefix) < SHORTEST_PREFIX:
            raise CheckFailedError(f"give at least {SHORTEST_PREFIX} characters of the alert's id")
        rows = self._db.execute(
            "SELECT source, id, topic, stage, by FROM messages"
            " WHERE channel='alert' AND lower(substr(id,1,?))=? ORDER BY n DESC LIMIT 1000",
            (len(prefix), prefix.lower()),
        ).fetchall()
        if gate is not None:
            rows = [row for row in rows if row[0].endswith(f"/{gate}")]
        exact = [row for row in rows if row[1] == prefix]
        rows = exact or rows
        if not rows:
            raise CheckFailedError(f"no alert with an id that starts with {prefix}")
        if len(rows) > 1:
            listed = ", ".join(f"{row[1]} ({gate_name(row[0])})" for row in rows[:SHOWN])
            raise CheckFailedError(f"{len(rows)} alerts start with {prefix}: {listed}")
        source, message_id, topic, stage, by = rows[0]
        return Found(source, message_id, topic, Stage(stage), by)

    def _queue(self, message: Publish) -> int:
        cursor = self._db.execute(
            "INSERT INTO outgoing (topic, payload, retain, queued_ns) VALUES (?,?,?,?)",
            (message.topic, message.payload, message.retain, self._now_ns()),
        )
        return int(cursor.lastrowid or 0)

    def _read(self, query: str, values: tuple[object, ...]) -> list[Any]:
        return fetched(self._db, self._path, query, *values)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be written: {error}") from error
        finally:
            with suppress(sqlite3.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
