"""A city's gates on one broker and one station: ``python -m bench.fleet [--minutes M] [--json]``.

7,019 is the count of units of a real city. They connect within seconds and beat for M minutes; then
every gate raises an alarm at once; then the broker restarts. Broker, station and simulated gates
share this machine. Asked for is: no heartbeat lost, every alarm stored and acked, and after the
restart all gates back, spread over 30 s or more. The exit code is 1 when one of these fails.

Who runs as many gates has to give mosquitto that many open files (``LimitNOFILE`` in its unit; the
usual 1024 end it at a thousand gates) and a queue that takes a few messages of each
(``max_queued_messages``, by default 1000; ``gatehouse station`` writes 100,000).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles

from bench.fleet_gates import HOST, Gate, fleet
from bench.fleet_report import ALARM, Beats, Phase, Result, table
from bench.fleet_watch import Listener, Meter, StationFile
from provisioning.demo.children import Child, gatehouse
from station import keys

CONNECTS_PER_S = 500
ALL_UP_S = 120.0
ACKED_S = 120.0
SETTLE_S = 3.0
DOWN_S = 2.0
LOOK_S = 2.0
SPARE_FILES = 200
MOSQUITTO = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class City:
    """Broker, station and gates; the phases call each other's order from :meth:`story`."""

    def __init__(self, folder: Path, agents: int, seconds: float, heartbeat_s: float) -> None:
        self._agents, self._seconds, self._heartbeat_s = agents, seconds, heartbeat_s
        self._port = _free_port()
        self._broker = Child("broker", _mosquitto(folder, self._port), folder / "log")
        made = keys.init(folder / "station", "bench", "bench")
        serve = ("serve", "--dir", str(made.folder), "--broker", f"{HOST}:{self._port}", "--json")
        self._station = Child("station", gatehouse("station", *serve), folder / "log")
        self._file = StationFile(made.database)
        self._phases: list[Phase] = []
        self._gates: list[Gate] = []

    async def story(self) -> Result:
        """All of it."""
        try:
            return await self._story()
        finally:
            for gate in self._gates:
                gate.stop()
            self._station.stop()
            self._broker.stop()

    async def _story(self) -> Result:
        await self._start()
        watching = asyncio.create_task(self._watch())
        await self._phase("connect", self._connect)
        await self._phase("beat", lambda: asyncio.sleep(self._seconds))
        await self._phase(ALARM, self._alarm)
        before = await self._heartbeats()
        dropped, files = self._listener.dropped, self._meters[0].files
        await self._phase("restart", self._restart)
        listens_s = self._listens_s
        back = [gate.figures.connected[-1] - listens_s for gate in self._gates if gate.up]
        after = await self._heartbeats()
        watching.cancel()
        stored, copies = await asyncio.to_thread(self._file.alerts)
        waits = [g.figures.acked - g.figures.alerted for g in self._gates if g.figures.acked]
        cuts = quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99
        return Result(
            agents=self._agents,
            phases=self._phases,
            before=before,
            after=after,
            dropped_by_broker=dropped,
            alarms_stored=stored,
            alarms_acked=len(waits),
            sendings=sum(gate.figures.sendings for gate in self._gates),
            copies=copies,
            ack_p50_s=cuts[49],
            ack_p99_s=cuts[98],
            ack_last_s=max(waits, default=0.0),
            back=len(back),
            back_first_s=min(back, default=0.0),
            back_last_s=max(back, default=0.0),
            back_busiest_second=max(Counter(int(s) for s in back).values(), default=0),
            broker_files=files,
        )

    # -- the phases -------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._broker.start()
        await _until(lambda: _listens(self._port), ALL_UP_S)
        self._listener = Listener()
        await self._listener.connect(self._port)
        self._station.start()
        await _until(lambda: self._listener.station_listens, ALL_UP_S)
        assert self._broker.pid is not None
        assert self._station.pid is not None
        pids = (self._broker.pid, self._station.pid, os.getpid())
        self._meters = [Meter(pid) for pid in pids]

    async def _connect(self) -> None:
        self._gates = fleet(self._agents, self._port, self._heartbeat_s)
        for number, gate in enumerate(self._gates):
            gate.start()
            if number % (CONNECTS_PER_S // 10) == 0:
                await asyncio.sleep(0.1)
        await _until(lambda: all(gate.up for gate in self._gates), ALL_UP_S)

    async def _alarm(self) -> None:
        for gate in self._gates:
            gate.alarm()
        await _until(lambda: all(gate.figures.acked for gate in self._gates), ACKED_S)

    async def _restart(self) -> None:
        await asyncio.to_thread(self._broker.stop)
        await asyncio.sleep(DOWN_S)
        self._broker.start()
        assert self._broker.pid is not None
        self._meters[0] = Meter(self._broker.pid)
        await _until(lambda: _listens(self._port), ALL_UP_S)
        self._listens_s = time.monotonic()
        await self._listener.connect(self._port)
        await _until(lambda: all(gate.up for gate in self._gates), ALL_UP_S)

    async def _phase(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        for meter in self._meters:
            meter.lap()
        began_s = time.monotonic()
        await work()
        seconds = time.monotonic() - began_s
        broker, station, gates = (meter.lap() for meter in self._meters)
        self._phases.append(Phase(name, seconds, broker, station, gates))
        print(f"{name}: {seconds:.1f} s", file=sys.stderr, flush=True)

    # -- heartbeats -------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.to_thread(self._file.look)
            self._listener.ping()
            self._station.check()
            await asyncio.sleep(min(LOOK_S, self._heartbeat_s / 4))

    async def _heartbeats(self) -> Beats:
        """What became of every heartbeat sent until now."""
        sent = {gate.address.base: gate.figures.beats for gate in self._gates}
        await asyncio.sleep(SETTLE_S)
        await asyncio.to_thread(self._file.look)
        heard, newest = self._listener.heard, self._file.newest
        lost = sum(n - sum(seq <= n for seq in heard[base]) for base, n in sent.items())
        behind = sum(max(n - newest.get(base, 0), 0) for base, n in sent.items())
        return Beats(sum(sent.values()), lost, self._file.skipped + behind)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.fleet", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--agents", type=int, default=7019)
    parser.add_argument("--minutes", type=float, default=1.5, help="how long the gates only beat")
    parser.add_argument("--heartbeat-s", type=float, default=60.0)
    options = parser.parse_args()
    _raise_file_limit(options.agents + SPARE_FILES)
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        city = City(Path(folder), options.agents, options.minutes * 60, options.heartbeat_s)
        result = asyncio.run(city.story())
    print(json.dumps(asdict(result), indent=1) if options.json else table(result))
    return 0 if result.holds else 1


async def _until(so: Callable[[], bool], within_s: float) -> None:
    """Wait until it is so, or no longer: the figures then say what is missing."""
    until = time.monotonic() + within_s
    while not so() and time.monotonic() < until:  # noqa: ASYNC110 - counters, not events
        await asyncio.sleep(0.05)


def _raise_file_limit(wanted: int) -> None:
    """Ours, which broker and station inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"the limit of open files is {hard}; {wanted} are needed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _mosquitto(folder: Path, port: int) -> list[str]:
    """The command, with a configuration as ``gatehouse station`` writes it, but for TLS."""
    program = shutil.which("mosquitto", path=MOSQUITTO)
    if program is None:
        raise SystemExit("mosquitto is not installed: apt-get install mosquitto")
    store = folder / "store"
    store.mkdir(mode=0o700)
    path = folder / "mosquitto.conf"
    lines = (
        f"listener {port} {HOST}",
        "allow_anonymous true",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {store}/",
        "autosave_interval 30",
        "max_queued_messages 100000",
        "log_type error",
        *(["user root"] if os.geteuid() == 0 else []),
    )
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return [program, "-c", str(path)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.2):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
