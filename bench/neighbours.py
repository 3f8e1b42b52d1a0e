"""50 neighbours answer one call: from each answer to the station's roll-call.

Ours: each neighbour is the agent's own link and its own words (``agent.link``,
``agent.incidents.words``) on one loop; all answer the moment they hear the call, and the answer
counts when it stands durably in the file of a running ``station serve``, from which the roll-call
is read. The bare path, in turns with it: as many bare connections hear the same call and answer it
in the same bytes, to a bare paho client in a process of its own, which stores nothing; and to one
that first appends each answer to SQLite, as durably as the station does.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

from agent.config.schema.site import Link as LinkConfig
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import format_utc
from agent.core.decisions import Tell
from agent.core.ports import Received
from agent.incidents.words import Words
from agent.link.link import Link, LinkEvents, Retained
from bench import wire
from bench.neighbours_watch import (
    BARE,
    HOST,
    LOOK_S,
    READY,
    WAIT_S,
    Watcher,
    look_at_broker,
    look_at_file,
)
from contract.topics import ROOT, Address
from provisioning.demo.broker import DemoBroker
from provisioning.demo.children import Child, gatehouse
from station import keys

NEIGHBOURS, GOAL = 50, 2.0
AREA = f"{ROOT}/bench/area/east"
BARE_CALL = "bare/call"
SETTLE_S = 1.0
KEEPALIVE_S = 60


@dataclass(frozen=True, slots=True)
class Roll:
    """Milliseconds from answer to receipt (bare) and to the roll-call (ours)."""

    neighbours: int
    calls: int
    bare_p50_ms: float
    bare_p95_ms: float
    stored_p50_ms: float
    stored_p95_ms: float
    ours_p50_ms: float
    ours_p95_ms: float
    ratio: float
    missing: int


class Neighbour:
    """One neighbour on the agent's own link. ``answered`` is when it answered which call."""

    def __init__(self, number: int, port: int) -> None:
        self.address = Address("bench", f"site-{number}", "gate-1")
        self.answered: dict[str, int] = {}
        self.up = False
        config = LinkConfig.model_validate({"brokers": [{"host": HOST, "port": port}]})
        events = LinkEvents(
            birth=list,
            will=lambda: Retained(self.address.topic("state"), _example("state.will")),
            up=self._up,
            down=lambda _fault, _reason: None,
            steady=lambda: None,
            message=self._heard,
            freed=lambda: None,
        )
        self._link = Link(config, self.address, Backoff(BackoffPolicy(), lambda: 0.0), events)
        self._words = Words(self.address, self._link.publish, time.monotonic_ns)
        self._task = asyncio.get_running_loop().create_task(self._link.run())

    async def close(self) -> None:
        """Say goodbye."""
        self._link.stop()
        self._task.cancel()
        await asyncio.wait({self._task})

    def _up(self, _where: str) -> None:
        self._link.follow(f"{AREA}/call")
        self.up = True

    def _heard(self, message: Received) -> None:
        if message.topic != f"{AREA}/call":
            return
        call_id = str(json.loads(message.payload)["call_id"])
        self.answered[call_id] = time.monotonic_ns()
        self._words.tell(Tell((), _answer(call_id), area="east"))


class Bare(asyncio.Protocol):
    """A bare connection: says what it is told, hears one topic."""

    def __init__(self, name: str, topic: str) -> None:
        self.hears: Callable[[bytes], None] = lambda _: None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._name, self._topic = name, topic
        self._reader, self._mid = wire.Reader(), 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are, and subscribe."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(wire.connect(self._name, KEEPALIVE_S, None))
        if self._topic:
            transport.write(wire.subscribe([self._topic], 65_535))

    def data_received(self, data: bytes) -> None:
        """Packets from the broker."""
        for kind, flags, body in self._reader.feed(data):
            if kind == wire.CONNACK:
                self.ready.set_result(None)
            elif kind == wire.PUBLISH:
                self._published(wire.message(flags, body))

    def say(self, topic: str, payload: bytes) -> None:
        """One message with QoS 1."""
        assert self._transport is not None
        self._mid = self._mid % 65_535 + 1
        self._transport.write(wire.publish(topic, payload, self._mid))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _published(self, message: wire.Message) -> None:
        self.hears(message.payload)
        if message.mid and self._transport is not None:
            self._transport.write(wire.puback(message.mid))


async def _listening(port: int) -> None:
    """Wait until the station listens."""
    words: list[bytes] = []
    ears = await _bare(port, "ears", f"{ROOT}/bench/host/state")
    ears.hears = words.append
    await _until(lambda: bool(words) and bool(json.loads(words[-1])["online"]))
    ears.close()


async def measure_roll(folder: Path, neighbours: int, calls: int) -> Roll:
    """A broker, a station, the neighbours; bare and ours in turns."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - before anything runs
    broker = DemoBroker(folder / "broker", folder / "log")
    broker.start()
    made = keys.init(folder / "station", "bench", "bench")
    serve = ("serve", "--dir", str(made.folder), "--broker", f"{HOST}:{broker.port}", "--json")
    station = Child("station", gatehouse("station", *serve), folder / "log")
    station.start()
    try:
        await _listening(broker.port)
        return await _measure(made.database, broker.port, neighbours, calls)
    finally:
        station.stop()
        broker.stop()


async def _measure(database: Path, port: int, neighbours: int, calls: int) -> Roll:
    rolls = Watcher(look_at_file, database)
    receiver = Watcher(look_at_broker, (port, None))
    storing = Watcher(look_at_broker, (port, database.with_name("bare.db")))
    area = [Neighbour(number, port) for number in range(neighbours)]
    senders = [await _bare(port, f"bare-{number}", BARE_CALL) for number in range(neighbours)]
    caller = await _bare(port, "caller")
    ours_ms: list[float] = []
    bare_ms: list[float] = []
    stored_ms: list[float] = []
    try:
        for watcher in (rolls, receiver, storing):
            await _until(partial(watcher.has, {READY}))
        await _until(lambda: all(one.up for one in area))
        await asyncio.sleep(SETTLE_S)
        for number in range(calls):
            bare, stored = await _bare_round(number, caller, senders, (receiver, storing))
            bare_ms += bare
            stored_ms += stored
            ours_ms += await _our_round(f"call-{number}", caller, area, rolls)
    finally:
        for part in (rolls, receiver, storing):
            part.stop()
        for one in (*senders, caller):
            one.close()
        await asyncio.gather(*(neighbour.close() for neighbour in area))
    missing = neighbours * calls - len(ours_ms)
    cuts = [statistics.quantiles(times, n=20) for times in (bare_ms, stored_ms, ours_ms)]
    (b50, b95), (s50, s95), (o50, o95) = [(cut[9], cut[18]) for cut in cuts]
    return Roll(neighbours, calls, b50, b95, s50, s95, o50, o95, o95 / b95, missing)


async def _our_round(
    call_id: str, caller: Bare, area: Sequence[Neighbour], rolls: Watcher
) -> list[float]:
    """One call; milliseconds of each answer that reached the roll-call in time."""
    wanted = {(one.address.respond("east"), call_id): one for one in area}
    caller.say(f"{AREA}/call", _example("area-call", call_id=call_id))
    with suppress(TimeoutError):
        await _until(lambda: rolls.has(wanted))
    return [
        (rolls.seen[key] - one.answered[call_id]) / 1e6
        for key, one in wanted.items()
        if key in rolls.seen
    ]


async def _bare_round(
    number: int, caller: Bare, senders: Sequence[Bare], receivers: Sequence[Watcher]
) -> list[list[float]]:
    """One bare call; milliseconds of each bare answer, to each of the receivers."""
    sent: dict[bytes, int] = {}
    for place, sender in enumerate(senders):
        sender.hears = partial(_answer_barely, sender, f"{number}-{place}", sent)
    caller.say(BARE_CALL, _example("area-call", call_id=str(number)))
    await _until(lambda: len(sent) == len(senders))
    for receiver in receivers:
        await _until(partial(receiver.has, sent))
    return [[(r.seen[body] - at_ns) / 1e6 for body, at_ns in sent.items()] for r in receivers]


def _answer_barely(sender: Bare, call_id: str, sent: dict[bytes, int], _call: bytes) -> None:
    at_ns = time.monotonic_ns()
    payload = json.dumps(_answer(call_id)).encode()
    sender.say(BARE, payload)
    sent[payload] = at_ns


async def _bare(port: int, name: str, topic: str = "") -> Bare:
    """A bare connection that is up, and hears *topic*."""
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(lambda: Bare(name, topic), HOST, port)
    async with asyncio.timeout(WAIT_S):
        await made.ready
    return made


async def _until(so: Callable[[], bool]) -> None:
    """Wait until *so*; TimeoutError when it takes too long."""
    async with asyncio.timeout(WAIT_S):
        while not so():  # noqa: ASYNC110 - asked, not told
            await asyncio.sleep(LOOK_S)


def _answer(call_id: str) -> dict[str, object]:
    now = format_utc(time.time_ns())
    return {"call_id": call_id, "state": "coming", "eta_s": 90, "who": "guard-5", "at": now}


def _example(name: str, **changes: object) -> bytes:
    """An example of the contract with some fields changed."""
    file = resources.files("contract") / "examples" / f"{name}.json"
    return json.dumps({**json.loads(file.read_bytes()), **changes}, ensure_ascii=False).encode()
