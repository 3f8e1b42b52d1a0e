"""From a press to the station: the whole agent beside the least that any agent has to do.

``python -m bench.press [--json] [--presses N]``. Ours: a simulated pin falls, and the alert is
received by an MQTT client on the same broker. The floor: a bare paho client that appends the same
bytes to SQLite (WAL, synchronous=FULL) and publishes them. Both in turns, on the same disk and
broker, first with an idle machine, then with the vision program on twelve cameras, which takes
both cores.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sqlite3
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from bench.camera import make
from bench.gate import Gate, gate, wait_linked

GAP_S = 0.15
WAIT_S = 10.0
CAMERAS = 12


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds from cause to receipt."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Result:
    """One state of the machine. ``cores`` is how many cores vision kept busy."""

    machine: str
    presses: int
    floor: Times
    ours: Times
    ratio: float
    cores: float


class Receiver:
    """The station's place: an MQTT client that notes when what arrives."""

    def __init__(self, port: int, topic: str) -> None:
        self.received: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topic, 1)

    def next(self) -> tuple[int, bytes]:
        """Monotonic ns of the next receipt, and the body."""
        return self.received.get(timeout=WAIT_S)

    def ack(self, topic: str, alert_id: str) -> None:
        """Say that the alert is received, so that it is not sent again."""
        body = {"alert_id": alert_id, "stage": "received", "by": "bench", "at": ""}
        self._client.publish(topic, json.dumps(body), qos=1)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.received.put((time.monotonic_ns(), bytes(message.payload)))


class Floor:
    """The least: append durably, publish."""

    def __init__(self, port: int, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, body BLOB)")
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, topic: str, body: bytes) -> int:
        """Do it; monotonic ns of its start."""
        start = time.monotonic_ns()
        self._db.execute("INSERT INTO entry (body) VALUES (?)", (body,))
        self._client.publish(topic, body, qos=1)
        return start

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()
        self._db.close()


def race(made: Gate, presses: int, machine: str, cores: float) -> Result:
    """Press and floor in turns."""
    port = made.broker.port
    station = Receiver(port, f"{made.address}/alert")
    peer = Receiver(port, "floor/alert")
    floor = Floor(port, Path(tempfile.mkdtemp(dir=made.folder)))
    ours_ms, floor_ms, body = [], [], b"x" * 900
    try:
        for number in range(presses):
            start = floor.send("floor/alert", body)
            at, _ = peer.next()
            floor_ms.append((at - start) / 1e6)
            name = made.press(number)
            at, body = station.next()
            alert = json.loads(body)
            station.ack(f"{made.address}/ack", alert["id"])
            if alert["subject"] != name:
                raise RuntimeError(f"expected {name}, got {alert['subject']}")
            ours_ms.append((at - alert["data"]["at"]["monotonic_ns"]) / 1e6)
            time.sleep(GAP_S)
    finally:
        for part in (floor, peer, station):
            part.close()
    ours, bare = _times(ours_ms), _times(floor_ms)
    return Result(machine, presses, bare, ours, ours.p50_ms / bare.p50_ms, cores)


def measure(folder: Path, presses: int) -> list[Result]:
    """Idle, then with vision on both cores."""
    results = []
    with gate(folder / "idle") as made:
        made.start("agent", "run")
        wait_linked(made)
        results.append(race(made, presses, "idle", 0.0))
    walker = make(folder, 20)["walker"]
    source = {"type": "file", "path": str(walker)}
    camera = {"source": source, "where": "bench", "name": "bench", "fps": 30.0}
    cameras = {f"cam-{n}": camera for n in range(CAMERAS)}
    with gate(folder / "busy", cameras=cameras) as made:
        made.start("agent", "run")
        wait_linked(made)
        made.start("vision", "vision")
        time.sleep(8)
        busy_from = _cpu_s(made.pid("vision")), time.monotonic()
        result = race(made, presses, "vision on both cores", 0.0)
        cores = (_cpu_s(made.pid("vision")) - busy_from[0]) / (time.monotonic() - busy_from[1])
        results.append(Result(**{**asdict(result), "floor": result.floor, "ours": result.ours,
                                 "cores": cores}))  # fmt: skip
    return results


def table(results: list[Result]) -> str:
    """For people."""
    lines = [f"{'machine':24}{'floor p50':>10}{'p99':>8}{'press p50':>11}{'p99':>8}{'ratio':>7}"]
    lines += [
        f"{r.machine:24}{r.floor.p50_ms:10.2f}{r.floor.p99_ms:8.2f}{r.ours.p50_ms:11.2f}"
        f"{r.ours.p99_ms:8.2f}{r.ratio:7.2f}"
        + (f"  (vision uses {r.cores:.1f} cores)" if r.cores else "")
        for r in results
    ]
    return "\n".join(["press to receipt, ms", *lines])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.press", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--presses", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        os.chdir(folder)
        results = measure(Path(folder), options.presses)
    print(json.dumps([asdict(r) for r in results], indent=1) if options.json else table(results))
    return 0


def _times(values: list[float]) -> Times:
    cuts = statistics.quantiles(values, n=100)
    return Times(cuts[49], cuts[98])


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children so far."""
    process = psutil.Process(pid)
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


if __name__ == "__main__":
    sys.exit(main())
