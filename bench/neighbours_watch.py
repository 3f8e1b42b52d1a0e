"""Who notes what arrives for ``bench.neighbours``, each in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import time
from collections.abc import Callable, Collection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

BARE = "bare/respond"
HOST = "127.0.0.1"
READY = "ready"
WAIT_S = 30.0
LOOK_S = 0.0002


class Watcher:
    """A process of its own that tells what it sees, and when; ``seen`` is what it told so far."""

    def __init__(self, look: Callable[[Any, Connection], None], at: object) -> None:
        """*look* runs there, for ever, on *at*; its first word is that it looks."""
        self.seen: dict[Any, int] = {}
        context = multiprocessing.get_context("spawn")
        self._news, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=look, args=(at, theirs), daemon=True)
        self._process.start()

    def has(self, wanted: Collection[Any]) -> bool:
        """Whether it saw all these."""
        while self._news.poll():
            what, at_ns = self._news.recv()
            self.seen.setdefault(what, at_ns)
        return all(what in self.seen for what in wanted)

    def stop(self) -> None:
        """Look no more."""
        self._process.kill()
        self._process.join(WAIT_S)


def look_at_file(path: Path, news: Connection) -> None:
    """Topic and call of every answer in the station's file, when it first stood there."""
    last = 0
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    query = "SELECT rowid, topic, body FROM papers WHERE rowid>? AND topic LIKE '%/respond/%'"
    news.send((READY, time.monotonic_ns()))
    while True:
        rows = database.execute(query, (last,)).fetchall()
        now_ns = time.monotonic_ns()
        for rowid, topic, body in rows:
            last = max(last, rowid)
            news.send(((topic, json.loads(body)["call_id"]), now_ns))
        time.sleep(LOOK_S)


def look_at_broker(where: tuple[int, Path | None], news: Connection) -> None:
    """Every message of the bare path, when a bare paho client received it.

    With a path it first appends each to SQLite, with synchronous=FULL, as ``bench.press`` does.
    """
    port, path = where
    database = None if path is None else _table(path)

    def on_message(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if database is not None:
            database.execute("INSERT INTO entry (body) VALUES (?)", (message.payload,))
        news.send((message.payload, time.monotonic_ns()))

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda *_: news.send((READY, time.monotonic_ns()))
    client.connect(HOST, port)
    client.subscribe(BARE, 1)
    client.loop_forever()


def _table(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, body BLOB)")
    return database
