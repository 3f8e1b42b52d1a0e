"""Simulated gates for ``bench.fleet``: thousands of connections in one process.

Each behaves on the wire as the agent does: will, birth, subscriptions, heartbeats with jitter, an
alert that is sent again until the station's own ack, and the link's own policy of coming back
(``agent.link.session``). What it says are the contract's examples with its own names. Behind the
wire there is nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import format_utc
from agent.link.link import STEADY_S
from agent.link.session import LinkFault, Session, Signal
from agent.outbox.lane import RESEND_AFTER_S, RESEND_EVERY_S
from agent.pipeline.announcer import JITTER
from bench import wire
from contract.topics import Address

KEEPALIVE_S = 30
HOST = "127.0.0.1"
_ACKED = re.compile(rb'"alert_id":"([^"]+)"')


@dataclass(slots=True)
class Figures:
    """What happened to one gate; times are monotonic seconds, 0 while it has not happened."""

    connected: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    beats: int = 0
    sendings: int = 0
    alerted: float = 0.0
    acked: float = 0.0


class Gate(asyncio.Protocol):
    """One gate, over all its connections."""

    def __init__(self, address: Address, number: int, port: int, heartbeat_s: float) -> None:
        self.address = address
        self.figures = Figures()
        self._number = number
        self._port = port
        self._heartbeat_s = heartbeat_s
        self._session = Session(1, "3.1.1", Backoff(BackoffPolicy(), random.random))
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = wire.Reader()
        self._dialling: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._alert: tuple[str, bytes] | None = None
        self._mid = 0
        self._stopped = False

    # -- the connection ---------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and come back for ever."""
        self._session.signal(Signal.START)
        self._dial()

    @property
    def up(self) -> bool:
        """True from the broker's CONNACK to the end."""
        return len(self.figures.connected) > len(self.figures.lost)

    def stop(self) -> None:
        """Hang up for good."""
        self._stopped = True
        self._forget(*self._timers)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._reader = transport, wire.Reader()
        will = (self.address.topic("state"), self._state(online=False))
        self._write(wire.connect(self.address.client_id, KEEPALIVE_S, will))

    def data_received(self, data: bytes) -> None:
        """Packets from the broker."""
        for kind, flags, body in self._reader.feed(data):
            if kind == wire.CONNACK:
                self._welcome(body[1])
            elif kind == wire.PUBLISH:
                self._heard(wire.message(flags, body))

    def connection_lost(self, _error: Exception | None) -> None:
        """Wait as the agent's link would, then come back."""
        self._transport = None
        self._forget("beat", "ping", "resend", "steady")
        if self._stopped:
            return
        if not self.up:
            self._failed()
            return
        self.figures.lost.append(time.monotonic())
        _, wait_s = self._session.lost(LinkFault.CLOSED)
        spread_s = self._session.spread_s()
        self._later("retry", wait_s + (0.0 if self._alert else spread_s), self._retry)

    def _dial(self) -> None:
        self._dialling = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: self, HOST, self._port)
        except OSError:
            self._failed()

    def _failed(self) -> None:
        self._later("retry", self._session.failed(LinkFault.UNREACHABLE), self._retry)

    def _retry(self) -> None:
        self._session.signal(Signal.RETRY)
        self._dial()

    def _welcome(self, code: int) -> None:
        if code:
            raise RuntimeError(f"the broker refuses {self.address.client_id} with code {code}")
        self._session.accepted()
        self.figures.connected.append(time.monotonic())
        self._publish("state", self._state(online=True), retain=True)
        self._publish("meta", _example("meta", session=1), retain=True)
        self._write(wire.subscribe(self.address.subscriptions(), self._next()))
        self._beat()
        self._ping()
        self._later("steady", STEADY_S, self._session.steady)
        if self._alert is not None:
            self._send(0)

    # -- what it says and hears -------------------------------------------------------------------

    def alarm(self) -> None:
        """One alert now, sent again until the station has it."""
        alert_id = f"{time.time_ns() // 1_000_000:012x}"
        alert_id = f"{alert_id[:8]}-{alert_id[8:]}-7000-8000-{self._number:012x}"
        about = {"id": alert_id, "incident": alert_id, "source": self.address.base}
        self._alert = alert_id, _example("alert.panic", session=1, seq=1, **about)
        self.figures.alerted = time.monotonic()
        if self.up:
            self._send(0)

    def _send(self, times: int) -> None:
        if self._alert is None:
            return
        self.figures.sendings += 1
        self._publish("alert", self._alert[1])
        wait_s = RESEND_AFTER_S[times] if times < len(RESEND_AFTER_S) else RESEND_EVERY_S
        self._later("resend", wait_s, lambda: self._send(times + 1))

    def _heard(self, message: wire.Message) -> None:
        if message.mid:
            self._write(wire.puback(message.mid))
        found = _ACKED.search(message.payload) if message.topic.endswith("/ack") else None
        if found and self._alert is not None and found[1].decode() == self._alert[0]:
            self.figures.acked, self._alert = time.monotonic(), None
            self._forget("resend")

    def _beat(self) -> None:
        self.figures.beats += 1
        due = format_utc(time.time_ns() + round(self._heartbeat_s * 1e9))
        count = {"seq": self.figures.beats, "session": 1}
        body = _example("hb", period_s=self._heartbeat_s, next_due=due, **count)
        self._write(wire.publish(self.address.topic("hb"), body, 0))
        wait_s = self._heartbeat_s * random.uniform(1 - JITTER, 1.0)  # noqa: S311 - jitter
        self._later("beat", wait_s, self._beat)

    def _ping(self) -> None:
        self._write(wire.PING)
        self._later("ping", KEEPALIVE_S, self._ping)

    def _state(self, *, online: bool) -> bytes:
        return _example("state.online", online=online, session=1)

    def _publish(self, rest: str, body: bytes, *, retain: bool = False) -> None:
        self._write(wire.publish(self.address.topic(rest), body, self._next(), retain=retain))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _next(self) -> int:
        self._mid = self._mid % 65_535 + 1
        return self._mid

    def _later(self, name: str, wait_s: float, what: Callable[[], None]) -> None:
        self._timers[name] = self._loop.call_later(wait_s, what)

    def _forget(self, *names: str) -> None:
        for name in names:
            if name in self._timers:
                self._timers.pop(name).cancel()


def fleet(count: int, port: int, heartbeat_s: float) -> list[Gate]:
    """*count* gates of one station, ten to a site. Called on the loop."""
    return [
        Gate(Address("bench", f"site-{n // 10}", f"gate-{n % 10}"), n, port, heartbeat_s)
        for n in range(count)
    ]


def _example(name: str, **changes: Any) -> bytes:
    """An example of the contract with some fields of its top level changed."""
    return json.dumps(_EXAMPLES[name] | changes, ensure_ascii=False).encode()


_EXAMPLES = {
    name: json.loads((resources.files("contract") / "examples" / f"{name}.json").read_bytes())
    for name in ("alert.panic", "hb", "meta", "state.online")
}
