"""What our link adds to a message's CPU, beside bare paho publishing the same bytes.

``python -m bench.link [--json] [--messages N] [--blocks N]``. Ours: ``agent.link`` on an asyncio
loop. Two peers: paho with the thread of its own loop (``loop_start``), as most programs run it, and
paho's own loop called from the publishing thread (``loop``), which needs least. All with QoS 1 and
MQTT 5 at the same mosquitto, and at most the link's window on the wire. CPU of the whole process
counts (its threads and the kernel's work for it), not time: each in turn sends a block while the
others rest. The difference is to the cheaper peer, by the median block of each.

*Single*: a message is sent when the one before it was acknowledged, as from a gate that says
something now and then. *Full window*: as when a backlog is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.config.schema.site import Link as LinkConfig
from agent.core.backoff import Backoff, BackoffPolicy
from agent.link.link import Link, LinkEvents, Retained
from agent.link.mqtt import WINDOW
from contract.topics import Address
from provisioning.demo.broker import DemoBroker

GOAL_US = 25.0
BODY = b"x" * 900
WAIT_S = 10.0
TOPIC = "bench/alert"


@dataclass(frozen=True, slots=True)
class Result:
    """CPU microseconds a message; ``more`` is ours beyond the cheaper peer."""

    window: int
    ours_us: float
    thread_us: float
    called_us: float
    more_us: float


class Ours:
    """Our link on an event loop of its own, which runs only while a block is sent."""

    def __init__(self, runner: asyncio.Runner, port: int) -> None:
        self._runner = runner
        self._acked = 0
        self._window = self._goal = self._sent = 0
        self._done: asyncio.Future[None] | None = None
        runner.run(self._connect(port))

    def send(self, count: int, window: int) -> None:
        """Publish *count* messages and wait for their acknowledgements."""
        self._runner.run(self._send(count, window))

    def close(self) -> None:
        """Say goodbye."""
        self._runner.run(self._close())

    async def _connect(self, port: int) -> None:
        config = LinkConfig.model_validate({"brokers": [{"host": "127.0.0.1", "port": port}]})
        up = asyncio.Event()
        events = LinkEvents(
            birth=list,
            will=lambda: Retained("bench/state", b"{}"),
            up=lambda _: up.set(),
            down=lambda _fault, _reason: None,
            steady=lambda: None,
            message=lambda _: None,
            freed=self._freed,
        )
        backoff = Backoff(BackoffPolicy(), lambda: 0.0)
        self._link = Link(config, Address("bench", "bench", "gate-1"), backoff, events)
        self._task = asyncio.get_running_loop().create_task(self._link.run())
        async with asyncio.timeout(WAIT_S):
            await up.wait()
        await asyncio.sleep(0.2)

    async def _close(self) -> None:
        self._link.stop()
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _send(self, count: int, window: int) -> None:
        self._acked, self._sent, self._goal, self._window = 0, 0, count, window
        self._done = asyncio.get_running_loop().create_future()
        self._fill()
        async with asyncio.timeout(WAIT_S):
            await self._done

    def _fill(self) -> None:
        link = self._link
        while self._sent < self._goal and self._sent - self._acked < self._window:
            if not (link.has_room() and link.publish(TOPIC, BODY)):
                break
            self._sent += 1

    def _freed(self) -> None:
        self._acked += 1
        if self._acked == self._goal and self._done is not None:
            self._done.set_result(None)
        self._fill()


class Bare:
    """paho alone, with its loop in a thread or called from ours."""

    def __init__(self, port: int, *, thread: bool) -> None:
        self._thread = thread
        self._acked = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        if thread:
            self._client.loop_start()
        deadline = time.monotonic() + WAIT_S
        while not self._client.is_connected():
            if time.monotonic() > deadline:
                raise TimeoutError("paho did not connect")
            self.rest(0.05)

    def rest(self, seconds: float) -> None:
        """Let *seconds* pass, with the loop turning."""
        if self._thread:
            time.sleep(seconds)
        else:
            self._client.loop(seconds)

    def send(self, count: int, window: int) -> None:
        """Publish *count* messages and wait for their acknowledgements."""
        if self._thread:
            self._send_beside(count, window)
        else:
            self._send_between(count, window)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        if self._thread:
            self._client.loop_stop()
        else:
            self._client.loop(0.1)

    def _send_beside(self, count: int, window: int) -> None:
        """It keeps to the window itself and sends on from its thread."""
        for _ in range(count // window):
            for _ in range(window):
                info = self._client.publish(TOPIC, BODY, qos=1)
            info.wait_for_publish(WAIT_S)

    def _send_between(self, count: int, window: int) -> None:
        self._acked = sent = 0
        deadline = time.monotonic() + WAIT_S
        while self._acked < count:
            while sent < count and sent - self._acked < window:
                self._client.publish(TOPIC, BODY, qos=1)
                sent += 1
            self._client.loop(1.0)
            if time.monotonic() > deadline:
                raise TimeoutError("no PUBACK")

    def _on_publish(self, _client: Any, _data: Any, _mid: int, _code: Any, _p: Any) -> None:
        self._acked += 1


def race(port: int, messages: int, blocks: int) -> list[Result]:
    """All three in turns: one message at a time, then full windows."""
    with asyncio.Runner() as runner:
        ours, thread, called = Ours(runner, port), Bare(port, thread=True), Bare(port, thread=False)
        senders: dict[str, Callable[[int, int], None]] = {
            "ours": ours.send,
            "thread": thread.send,
            "called": called.send,
        }
        try:
            return [_one(senders, window, messages, blocks) for window in (1, WINDOW)]
        finally:
            for part in (called, thread, ours):
                part.close()


def table(results: list[Result]) -> str:
    """For people."""
    lines = [
        f"{'window':8}{'ours':>8}{'paho, thread':>15}{'paho, called':>15}{'more':>8}{'goal':>8}"
    ]
    lines += [
        f"{r.window:<8}{r.ours_us:8.1f}{r.thread_us:15.1f}{r.called_us:15.1f}"
        f"{r.more_us:8.1f}{GOAL_US:8.0f}"
        for r in results
    ]
    return "\n".join(["CPU of a message with QoS 1, us", *lines])


def main() -> int:
    """Measure and print; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="bench.link", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--messages", type=int, default=500, help="in a block")
    parser.add_argument("--blocks", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        broker = DemoBroker(Path(folder) / "broker", Path(folder) / "log")
        broker.start()
        try:
            results = race(broker.port, options.messages, options.blocks)
        finally:
            broker.stop()
    print(json.dumps([asdict(r) for r in results], indent=1) if options.json else table(results))
    return 0 if all(r.more_us <= GOAL_US for r in results) else 1


def _one(
    senders: dict[str, Callable[[int, int], None]], window: int, messages: int, blocks: int
) -> Result:
    costs: dict[str, list[float]] = {name: [] for name in senders}
    for block in range(blocks + 1):
        for name, send in senders.items():
            before = time.process_time_ns()
            send(messages, window)
            if block:  # the first is for warming up
                costs[name].append((time.process_time_ns() - before) / 1000 / messages)
    ours, thread, called = (statistics.median(costs[name]) for name in ("ours", "thread", "called"))
    return Result(window, ours, thread, called, ours - min(thread, called))


if __name__ == "__main__":
    sys.exit(main())
