"""Fifty neighbours answer one call: from each answer to the station's roll-call.

``python -m bench.calls [--json] [--neighbours N] [--rounds N]``. Ours: MQTT clients in the gates'
places answer a call at once; the station stores each answer durably, and a reader of its file sees
it in the roll. The floor: the same clients publish the same bytes to a bare MQTT client on the same
broker, which stores nothing. Both in turns. The 95th percentile may be twice the floor's.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.core.clock import format_utc
from bench.press import Receiver
from contract.words import Role
from provisioning.demo.broker import DemoBroker
from provisioning.demo.children import Child, gatehouse
from station import keys
from station.area_calls import Call, make_call
from station.desk import Desk
from station.rollcall import Rolls

AREA, STATION = "north", "bench"
WAIT_S = 30.0
LOOK_S = 0.001
MOST = 2.0


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds from an answer to who hears it, 95th percentile of all rounds."""

    neighbours: int
    rounds: int
    floor_p50_ms: float
    floor_p95_ms: float
    ours_p50_ms: float
    ours_p95_ms: float
    ratio: float


class Neighbours:
    """Clients in the gates' places."""

    def __init__(self, port: int, count: int) -> None:
        self._clients = [self._client(port, number) for number in range(count)]

    def answer(self, head: str, call_id: str) -> dict[str, int]:
        """Everybody answers at once, under *head*; monotonic ns of each by name."""
        sent = {}
        for number, client in enumerate(self._clients):
            body = {"call_id": call_id, "state": "coming", "eta_s": 60, "who": f"n-{number}"}
            name = f"n-{number}/gate-1"
            payload = json.dumps({**body, "at": format_utc(time.time_ns())})
            sent[name] = time.monotonic_ns()
            client.publish(f"{head}/{name}", payload, qos=1)
        return sent

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()

    def _client(self, port: int, number: int) -> paho.Client:
        name = f"{STATION}.n-{number}.gate-1"
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        client.connect("127.0.0.1", port)
        client.loop_start()
        return client


def called(made: keys.Station, call_id: str) -> None:
    """Call the area and wait until the broker has it."""
    key = keys.role_key(made, Role.CONFIG)
    message = make_call(Call(AREA, "Help", "支援"), call_id, made.id, time.time_ns(), key)
    with closing(Desk(made.database, time.time_ns)) as desk:
        if desk.wait(desk.send_filed(message, call_id), WAIT_S) is None:
            raise RuntimeError("the call was not sent")


def ours(made: keys.Station, rolls: Rolls, neighbours: Neighbours, call_id: str) -> list[float]:
    """One round: ms from each answer to the look that first shows it."""
    called(made, call_id)
    sent = neighbours.answer(f"gh/v1/{STATION}/area/{AREA}/respond", call_id)
    seen: dict[str, int] = {}
    until = time.monotonic() + WAIT_S
    with closing(sqlite3.connect(f"{made.database.as_uri()}?mode=ro", uri=True)) as file:
        known = -1
        while len(seen) < len(sent):
            if time.monotonic() > until:
                raise RuntimeError(f"{len(seen)} of {len(sent)} answers were stored")
            changes = file.execute("PRAGMA data_version").fetchone()[0]
            if changes == known:
                time.sleep(LOOK_S)
                continue
            known = changes
            standing = rolls.one(call_id).standing
            now_ns = time.monotonic_ns()
            seen = dict.fromkeys(standing, now_ns) | seen
    return [(seen[name] - at_ns) / 1e6 for name, at_ns in sent.items()]


def floor(receiver: Receiver, neighbours: Neighbours, call_id: str) -> list[float]:
    """One round: ms from each answer to its receipt by a client that does nothing else."""
    sent = neighbours.answer(f"floor/{AREA}", call_id)
    times = []
    for _ in sent:
        at_ns, body = receiver.next()
        times.append((at_ns - sent[f"{json.loads(body)['who']}/gate-1"]) / 1e6)
    return times


def measure(folder: Path, count: int, rounds: int) -> Result:
    """All rounds, ours and the floor in turns; the first of each warms up."""
    made = keys.init(folder / "station", STATION, "bench")
    with ExitStack() as stack:
        broker = DemoBroker(folder / "broker", folder / "log")
        broker.start()
        stack.callback(broker.stop)
        serve = ("serve", "--dir", str(made.folder), "--broker", f"127.0.0.1:{broker.port}")
        station = Child("station", gatehouse("station", *serve), folder / "log")
        station.start()
        stack.callback(station.stop)
        neighbours = Neighbours(broker.port, count)
        stack.callback(neighbours.close)
        receiver = Receiver(broker.port, "floor/#")
        stack.callback(receiver.close)
        rolls = stack.enter_context(closing(Rolls(made.database, STATION)))
        bare, stored = [], []
        for number in range(rounds + 1):
            high = ours(made, rolls, neighbours, f"call-{number}")
            low = floor(receiver, neighbours, f"floor-{number}")
            if number:
                bare += low
                stored += high
    low_cuts, high_cuts = (statistics.quantiles(times, n=20) for times in (bare, stored))
    return Result(
        count,
        rounds,
        round(low_cuts[9], 2),
        round(low_cuts[18], 2),
        round(high_cuts[9], 2),
        round(high_cuts[18], 2),
        round(high_cuts[18] / low_cuts[18], 2),
    )


def main() -> int:
    """Measure and tell; 1 when the station is slower than it may be."""
    parser = argparse.ArgumentParser(prog="bench.calls", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--neighbours", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.neighbours, options.rounds)
    if options.json:
        print(json.dumps(asdict(result)))
    else:
        for name, value in asdict(result).items():
            print(f"{name:<14} {value}")
    return 0 if result.ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
