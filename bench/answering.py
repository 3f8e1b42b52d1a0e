"""What answering costs: 200 incidents open at once on one gate, and 50 neighbours at one call.

``python -m bench.answering [--json] [--presses N] [--calls N]``. *Open incidents*: a running agent
with ten medical buttons under five rules each, all pressed and left alone, so that each of the 50
incidents breaks all three limits of 1-3-5: 200 in all. Beside it, in the same life of the agent,
the same figures with one incident open. *Neighbours*: see ``bench.neighbours``. The exit code is 1
when the roll-call takes more than twice the bare broker path.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from agent.pipeline.local import ask
from bench.gate import Gate, gate, wait_linked
from bench.neighbours import GOAL, NEIGHBOURS, Roll, measure_roll
from bench.press import Receiver

BUTTONS, RULES, PROBES = 10, 5, 10
OPEN = 4 * BUTTONS * RULES
LIMITS_S = {"self_help_s": 5.0, "mutual_help_s": 6.0, "reinforcement_s": 7.0}
REST_S = 2.1
QUIET_S = 10.0
WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """So many incidents open. ``press``: from the edge to the station's place, milliseconds.

    ``press_cpu_ms``: CPU of the agent for a press, its alert, its ack and its reset; ``idle_cpu``
    percent of a core while nothing happens (a heartbeat every ten seconds).
    """

    incidents: int
    press_p50_ms: float
    press_p95_ms: float
    press_cpu_ms: float
    idle_cpu: float
    resident_mb: float


class Station:
    """Hears every alert and fact of the gate and acks it."""

    def __init__(self, made: Gate) -> None:
        self._made = made
        self._receiver = Receiver(made.broker.port, f"{made.address}/+")

    def next(self, device: str) -> tuple[int, dict[str, Any]]:
        """When the next alert of *device* came, and the alert; others are acked on the way."""
        while True:
            at_ns, alert = self._acked(*self._receiver.next())
            if alert.get("subject") == device and "severity" in alert["data"]:
                return at_ns, alert

    def catch_up(self) -> None:
        """Ack what came meanwhile."""
        while not self._receiver.received.empty():
            self._acked(*self._receiver.next())

    def close(self) -> None:
        """Hang up."""
        self._receiver.close()

    def _acked(self, at_ns: int, body: bytes) -> tuple[int, dict[str, Any]]:
        alert: dict[str, Any] = json.loads(body)
        if "specversion" in alert:
            self._receiver.ack(f"{self._made.address}/ack", alert["id"])
        return at_ns, alert


def measure_open(folder: Path, presses: int) -> list[Load]:
    """One incident, then 200."""
    with _running(folder) as (made, station):
        _press(made, "one")
        station.next("one")
        few = _load(made, station, presses)
        for number in range(BUTTONS):
            _press(made, f"load-{number}")
        _drain(made, station)
        many = _load(made, station, presses)
    return [few, many]


def table(loads: list[Load], roll: Roll) -> str:
    """For people."""
    head = f"{'open':>6}{'press p50':>11}{'p95':>8}{'CPU a press':>13}{'idle CPU':>10}{'MB':>8}"
    lines = ["incidents open at once on one gate; ms, % of a core", head]
    lines += [
        f"{load.incidents:6}{load.press_p50_ms:11.2f}{load.press_p95_ms:8.2f}"
        f"{load.press_cpu_ms:13.2f}{load.idle_cpu:10.2f}{load.resident_mb:8.1f}"
        for load in loads
    ]
    lines += [
        "",
        f"{roll.neighbours} neighbours answer {roll.calls} calls; ms from answer to roll-call",
        f"{'':14}{'p50':>8}{'p95':>8}",
        f"{'bare broker':14}{roll.bare_p50_ms:8.2f}{roll.bare_p95_ms:8.2f}",
        f"{'bare, stored':14}{roll.stored_p50_ms:8.2f}{roll.stored_p95_ms:8.2f}",
        f"{'roll-call':14}{roll.ours_p50_ms:8.2f}{roll.ours_p95_ms:8.2f}",
        f"p95 ratio {roll.ratio:.2f}, to reach {GOAL:g}; {roll.missing} answers missing",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="bench.answering", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--presses", type=int, default=40)
    parser.add_argument("--calls", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        loads = measure_open(Path(folder) / "gate", options.presses)
        roll = asyncio.run(measure_roll(Path(folder) / "area", NEIGHBOURS, options.calls))
    if options.json:
        print(
            json.dumps({"open": [asdict(load) for load in loads], "roll": asdict(roll)}, indent=1)
        )
    else:
        print(table(loads, roll))
    return 0 if roll.ratio <= GOAL and not roll.missing else 1


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Gate, Station]]:
    """The gate with its agent, and somebody in the station's place."""
    types = {f"load-{n}": "medical" for n in range(BUTTONS)} | {"one": "assist"}
    types |= {f"probe-{n}": "panic" for n in range(PROBES)}
    inputs = {
        name: {"type": kind, "pin": pin, "where": "bench", "name": "bench"}
        for pin, (name, kind) in enumerate(types.items(), start=2)
    }
    rules = [{"type": "medical", "name": f"rule-{n}"} for n in range(RULES)]
    with gate(folder, inputs=inputs, rules=rules, answering={"sla": LIMITS_S}) as made:
        made.start("agent", "run")
        wait_linked(made)
        station = Station(made)
        try:
            yield made, station
        finally:
            station.close()


def _load(made: Gate, station: Station, presses: int) -> Load:
    """What presses of further buttons take and cost; each is reset before the next."""
    process = psutil.Process(made.pid("agent"))
    incidents = len(ask(made.control, "status")["incidents"])
    idle_from = _cpu_s(process)
    time.sleep(QUIET_S)
    idle_s, times_ms, cpu_s = _cpu_s(process) - idle_from, [], []
    for number in range(presses):
        name, before = f"probe-{number % PROBES}", _cpu_s(process)
        began = time.monotonic()
        _press(made, name)
        at_ns, alert = station.next(name)
        times_ms.append((at_ns - alert["data"]["at"]["monotonic_ns"]) / 1e6)
        ask(made.control, "reset", name=name)
        cpu_s.append(_cpu_s(process) - before)
        time.sleep(max(0.0, began + REST_S / PROBES - time.monotonic()))
    cuts = statistics.quantiles(times_ms, n=20)
    return Load(
        incidents,
        statistics.median(times_ms),
        cuts[18],
        statistics.mean(cpu_s) * 1e3,
        idle_s / QUIET_S * 100,
        process.memory_info().rss / 1e6,
    )


def _press(made: Gate, name: str) -> None:
    ask(made.control, "sim", verb="press", name=name, for_s=0.1)


def _drain(made: Gate, station: Station) -> None:
    """Ack until every limit is broken and nothing waits for the station."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status = ask(made.control, "status")
        if len(status["incidents"]) >= OPEN and status["outbox"]["pending"] == 0:
            return
        station.catch_up()
        time.sleep(0.1)
    raise RuntimeError(f"{len(status['incidents'])} of {OPEN} incidents are open")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    sys.exit(main())
