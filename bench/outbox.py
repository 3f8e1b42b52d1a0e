"""What the outbox costs the card: bytes that reach the device, time to append, time to open.

``python -m bench.outbox [--json] [--lives N]``. The segment log, the same sealed as a gate has it,
and the same port on SQLite (WAL, synchronous=FULL), one after the other, each on a loop-mounted
ext4 of its own (blocks of 4 kB). Bytes are what the loop device was given to write
(``/sys/block/loopN/stat``) until everything is synced, journal included. Without the right to mount
they are what the process had written (``/proc/self/io``): no journal. A life is one alert of 900
bytes, appended and, when the station has acked it, removed. Appends go to an empty store and to a
full one in turns. The exit code is 1 when a life costs more than it may, or when an append to a
full store of ours takes more than twice one to an empty store.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.core.ports import Entry, Lane, Limits, OutboxStore
from agent.outbox.sealed_store import SealedStore
from agent.outbox.segments.store import SegmentStore
from agent.vault import OUTBOX, Vault
from bench.device import Device, device, forget, run
from bench.sqlite_outbox import SqliteStore


def sealed(folder: Path) -> OutboxStore:
    """The segment log behind AES-256-GCM, with a key of its own, as a gate opens it."""
    vault = Vault(folder, lambda *told: print(*told, file=sys.stderr))
    vault.open()
    vault.finish(OUTBOX, str(vault.state()["key"]))
    inner = SegmentStore(folder / "outbox")
    return SealedStore(inner, vault.seal(OUTBOX), folder / "outbox.unreadable", print)


STORES: dict[str, Callable[[Path], OutboxStore]] = {
    "segment log": lambda folder: SegmentStore(folder / "outbox"),
    "sealed": sealed,
    "SQLite": lambda folder: SqliteStore(folder / "outbox.db"),
}
LIMIT_BYTES = 6000
LIMIT_RATIO = 2.0
HELD = 100_000
BODY_BYTES = 900
TOPIC = "gh/v1/cancheng/liya-garden/gate-1/alert"
MEASURES_A_DAY = 86_400 // 30
QUIET_S = 7.0
_KEEP = Limits(max_events=10 * HELD, event_age_ns=1 << 60)


@dataclass(frozen=True, slots=True)
class Result:
    """Bytes that reached the device, microseconds of an append, seconds of an opening."""

    store: str
    life_bytes: float
    grouped_life_bytes: float
    lone_life_bytes: float
    idle_bytes_a_day: int
    empty_p50_us: float
    empty_p99_us: float
    full_p50_us: float
    full_p99_us: float
    open_s: float
    resident_mb: float
    held_mb: float


class Measured:
    """One store on one device."""

    def __init__(self, name: str, disk: Device, lives: int) -> None:
        self._name = name
        self._disk = disk
        self._lives = lives
        self._number = 0
        self._store, self._full = (self._made(part) for part in ("empty", "full"))

    def result(self) -> Result:
        """All figures, from the empty store to the full one."""
        for _ in range(300):
            self._life(1)
        life = self._bytes(lambda: self._life(1), self._lives)
        grouped = self._bytes(lambda: self._life(5), self._lives // 5) / 5
        lone = self._lone_life()
        idle = self._bytes(self._measure, MEASURES_A_DAY)
        for _ in range(0, HELD, 250):
            self._full.write(self._entries(250, Lane.EVENT), [])
        empty, full = self._appends()
        for store in (self._store, self._full):
            store.close()
        open_s, resident_mb = self._opening()
        files = [file for file in (self._disk.folder / "full").rglob("*") if file.is_file()]
        held = sum(file.stat().st_size for file in files)
        return Result(
            self._name,
            life,
            grouped,
            lone,
            int(idle * MEASURES_A_DAY),
            *empty,
            *full,
            open_s,
            resident_mb,
            held / 1e6,
        )

    def _made(self, part: str) -> OutboxStore:
        folder = self._disk.folder / part
        folder.mkdir()
        store = STORES[self._name](folder)
        store.open()
        return store

    def _life(self, together: int) -> None:
        """So many alerts at once, from acceptance to the ack."""
        entries = self._entries(together, Lane.ALARM)
        self._store.write(entries, [])
        self._store.write([], [entry.id for entry in entries])

    def _lone_life(self) -> float:
        """An alert after which nothing happens until the file system has written its own."""

        def alone() -> None:
            time.sleep(QUIET_S)
            entries = self._entries(1, Lane.ALARM)
            self._store.write(entries, [])
            time.sleep(0.2)
            self._store.write([], [entries[0].id])
            time.sleep(QUIET_S)

        return self._bytes(alone, 3)

    def _measure(self) -> None:
        """What the agent asks every half minute."""
        self._store.evict(_KEEP, time.time_ns())
        self._store.fill()

    def _appends(self) -> list[tuple[float, float]]:
        """Median and 99th percentile of a durable append, empty and full."""
        times: list[list[float]] = [[], []]
        for entry in self._entries(1000, Lane.ALARM):
            for store, taken in zip((self._store, self._full), times, strict=True):
                start = time.perf_counter_ns()
                store.write([entry], [])
                taken.append((time.perf_counter_ns() - start) / 1e3)
            self._store.write([], [entry.id])
        cuts = [statistics.quantiles(taken, n=100) for taken in times]
        return [(cut[49], cut[98]) for cut in cuts]

    def _opening(self) -> tuple[float, float]:
        """Seconds to open what has to be read from the device, and megabytes that stay."""
        folder = self._disk.folder / "full"
        for file in folder.rglob("*"):
            if file.is_file():
                forget(file)
        code = _OPENING.format(name=self._name, folder=str(folder))
        said = run(sys.executable, "-c", code)
        seconds, megabytes = map(float, said.split())
        return seconds, megabytes

    def _bytes(self, work: Callable[[], None], times: int) -> float:
        before = self._disk.written()
        for _ in range(times):
            work()
        return (self._disk.written() - before) / times

    def _entries(self, count: int, lane: Lane) -> list[Entry]:
        first, self._number = self._number, self._number + count
        return [
            Entry(f"0197abcd-0000-7000-8000-{n:012d}", lane, n, TOPIC, os.urandom(BODY_BYTES), n)
            for n in range(first, first + count)
        ]


_OPENING = """
import time, psutil
from pathlib import Path
from bench.outbox import STORES
before = psutil.Process().memory_info().rss
store = STORES["{name}"](Path("{folder}"))
began = time.monotonic()
store.open()
print(time.monotonic() - began, (psutil.Process().memory_info().rss - before) / 1e6)
store.close()
"""


def table(results: list[Result]) -> str:
    """For people."""
    rows = [
        ("life of an alert, bytes", "life_bytes", LIMIT_BYTES),
        ("  five at a time, bytes each", "grouped_life_bytes", ""),
        ("  alone, with the file system's own", "lone_life_bytes", ""),
        ("idle, bytes a day", "idle_bytes_a_day", ""),
        ("append when empty, p50 us", "empty_p50_us", ""),
        ("  p99 us", "empty_p99_us", ""),
        (f"append at {HELD:,}, p50 us", "full_p50_us", ""),
        ("  p99 us", "full_p99_us", ""),
        (f"open at {HELD:,}, s", "open_s", ""),
        ("  memory for it, MB", "resident_mb", ""),
        ("  on the disk, MB", "held_mb", ""),
    ]
    head = f"{'outbox':38}" + "".join(f"{r.store:>14}" for r in results) + f"{'to reach':>10}"
    lines = [
        f"{name:38}" + "".join(_shown(getattr(r, field)) for r in results) + f"{goal!s:>10}"
        for name, field, goal in rows
    ]
    return "\n".join([head, *lines])


def main() -> int:
    """Measure and print; 1 when a life costs more than it may, or a full store is too slow."""
    parser = argparse.ArgumentParser(prog="bench.outbox", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lives", type=int, default=2000)
    options = parser.parse_args()
    results = []
    for name in STORES:
        with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as work, device(work) as disk:
            results.append(Measured(name, disk, options.lives).result())
    method = "loop device" if os.geteuid() == 0 else "process"
    if options.json:
        print(json.dumps({"bytes_by": method, "stores": [asdict(r) for r in results]}, indent=1))
    else:
        print(f"{table(results)}\nbytes counted by: {method}")
    return 0 if all(holds(result) for result in results if result.store != "SQLite") else 1


def holds(result: Result) -> bool:
    """Whether a store of ours keeps what is promised."""
    grown = result.full_p50_us / result.empty_p50_us
    return result.life_bytes <= LIMIT_BYTES and grown <= LIMIT_RATIO


def _shown(value: float) -> str:
    return f"{value:14,.0f}" if value >= 100 or value == 0 else f"{value:14.2f}"


if __name__ == "__main__":
    sys.exit(main())
