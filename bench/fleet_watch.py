"""What ``bench.fleet`` looks at while it runs: heartbeats that arrived, the station's file, costs.

Here: measuring. Not here: the simulated gates (``bench.fleet_gates``), the order of events.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench import wire
from bench.fleet_gates import HOST, KEEPALIVE_S

HOST_STATE = "gh/v1/bench/host/state"
DROPPED = "$SYS/broker/publish/messages/dropped"
_SEQ = re.compile(rb'"seq": ?(\d+)')


class Listener(asyncio.Protocol):
    """A bare subscriber to every heartbeat: what the broker delivers, whoever else is slow."""

    def __init__(self) -> None:
        self.heard: dict[str, set[int]] = defaultdict(set)
        self.dropped = 0
        self.station_listens = False
        self._reader = wire.Reader()
        self._transport: asyncio.Transport | None = None

    async def connect(self, port: int) -> None:
        """Connect and subscribe, for the first time or again."""
        self._reader, self.station_listens = wire.Reader(), False
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are and what we want."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(wire.connect("bench.listener", 10 * KEEPALIVE_S, None))
        wanted = ("gh/v1/bench/+/+/hb", HOST_STATE, DROPPED)
        transport.write(wire.subscribe(wanted, 1))

    def data_received(self, data: bytes) -> None:
        """Count."""
        for kind, flags, body in self._reader.feed(data):
            if kind == wire.PUBLISH:
                self._count(wire.message(flags, body))

    def ping(self) -> None:
        """Stay connected."""
        if self._transport is not None:
            self._transport.write(wire.PING)

    def _count(self, message: wire.Message) -> None:
        if message.topic == DROPPED:
            self.dropped = int(message.payload)
        elif message.topic == HOST_STATE:
            self.station_listens = b"true" in message.payload
        elif found := _SEQ.search(message.payload):
            self.heard[message.topic.removesuffix("/hb")].add(int(found[1]))


class StationFile:
    """What the station stored. Heartbeats are not kept one by one, so they are looked at often."""

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.as_uri()}?mode=ro"
        self.newest: dict[str, int] = {}
        self.skipped = 0

    def look(self) -> None:
        """Note the newest heartbeat of every gate; one that is passed over counts as lost."""
        query = "SELECT source, json_extract(beat, '$.seq') FROM gates WHERE beat IS NOT NULL"
        for source, seq in self._rows(query):
            before = self.newest.get(source, 0)
            self.skipped += max(seq - before - 1, 0)
            self.newest[source] = seq

    def alerts(self) -> tuple[int, int]:
        """How many are stored, and how many copies came."""
        ((count, copies),) = self._rows("SELECT count(*), total(copies) FROM messages")
        return int(count), int(copies) - int(count)

    def _rows(self, query: str) -> list[tuple[Any, Any]]:
        with closing(sqlite3.connect(self._uri, uri=True, timeout=30)) as database:
            return database.execute(query).fetchall()


@dataclass(frozen=True, slots=True)
class Cost:
    """Over one phase: percent of one core, and resident megabytes at its end."""

    cpu_percent: float
    resident_mb: float


class Meter:
    """The cost of one process from lap to lap."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._at_s, self._cpu_s = time.monotonic(), self._spent_s()

    def lap(self) -> Cost:
        """Since the last lap."""
        at_s, cpu_s = time.monotonic(), self._spent_s()
        share = (cpu_s - self._cpu_s) / max(at_s - self._at_s, 1e-3) * 100
        self._at_s, self._cpu_s = at_s, cpu_s
        return Cost(share, self._process.memory_info().rss / 1e6)

    @property
    def files(self) -> int:
        """How many descriptors it has open."""
        return self._process.num_fds()

    def _spent_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system
