"""What the core costs when nothing happens: memory, start, idle CPU, bytes written.

``python -m bench.core [--json] [--seconds S]``. Start is from the birth of the process to systemd's
READY (panic is live), by the command of its unit, compiled as ``gatehouse units --install`` does;
the floor is the same interpreter importing the same third-party packages.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.gate import Gate, gate, notify_socket, wait_linked
from provisioning.bytecode import precompile

STARTS = 5
_FLOOR = """
import asyncio, ssl, sqlite3, paho.mqtt.client, gpiozero, pydantic, yaml, tinydb, schedule, typer
import cryptography.hazmat.primitives.asymmetric.ed25519
print(open("/proc/self/status").read())
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Megabytes, seconds, percent of one core, bytes a day."""

    resident_mb: float
    floor_resident_mb: float
    start_s: float
    floor_start_s: float
    idle_cpu_percent: float
    written_mb_a_day: float


def start_s(made: Gate) -> float:
    """Seconds from the birth of the agent to READY; the agent runs on."""
    with notify_socket(made.folder) as sock:
        began = time.monotonic()
        made.start_unit("agent", "-OO", "-X", "no_debug_ranges", "-P", "-m", "agent.main")
        while b"READY=1" not in sock.recv(4096):
            pass
        return time.monotonic() - began


def measure(folder: Path, seconds: float) -> Result:
    """Several starts, then a quiet time."""
    precompile(Path(sys.executable))
    floors = [_floor() for _ in range(STARTS)]
    with gate(folder) as made:
        starts = []
        for _ in range(STARTS):
            starts.append(start_s(made))
            made.children["agent"].stop()
        start_s(made)
        wait_linked(made)
        time.sleep(3)
        process = psutil.Process(made.pid("agent"))
        before, written = process.cpu_times(), process.io_counters().write_bytes
        time.sleep(seconds)
        after = process.cpu_times()
        cpu = (after.user + after.system - before.user - before.system) / seconds * 100
        day = (process.io_counters().write_bytes - written) / seconds * 86_400 / 1e6
        resident = process.memory_info().rss / 1e6
    return Result(
        resident,
        statistics.median(mb for _, mb in floors),
        statistics.median(starts),
        statistics.median(s for s, _ in floors),
        cpu,
        day,
    )


def table(result: Result) -> str:
    """For people."""
    rows = [
        ("resident memory, MB", result.resident_mb, result.floor_resident_mb, 60),
        ("start to panic live, s", result.start_s, result.floor_start_s, 2),
        ("idle CPU, % of a core", result.idle_cpu_percent, 0.0, 1),
        ("written when idle, MB a day", result.written_mb_a_day, 0.0, 50),
    ]
    lines = [f"{'core':34}{'ours':>10}{'floor':>10}{'to reach':>10}"]
    lines += [f"{name:34}{ours:10.2f}{floor:10.2f}{goal:10}" for name, ours, floor, goal in rows]
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.core", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        result = measure(Path(folder), options.seconds)
    print(json.dumps(asdict(result), indent=1) if options.json else table(result))
    return 0


def _floor() -> tuple[float, float]:
    """Seconds and resident megabytes of the imports alone."""
    began = time.monotonic()
    command = [sys.executable, "-OO", "-X", "no_debug_ranges", "-P", "-c", _FLOOR]
    status = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.monotonic() - began, int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
