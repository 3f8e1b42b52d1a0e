"""The way to the station: connects, announces the gate, stays connected, tells who wants to know.

Here: the task that runs ``session``'s decisions on ``mqtt``'s connections. Not here: what the
messages mean (``agent.pipeline.control``) or which wait (``agent.outbox``).
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.config.schema.site import Broker
from agent.config.schema.site import Link as LinkConfig
from agent.core.backoff import Backoff
from agent.core.errors import ConfigError
from agent.core.ports import Received
from agent.core.secret import Secret
from agent.files.tls import client_context
from agent.link.mqtt import WINDOW, Connection
from agent.link.session import LinkFault, Phase, Session, Signal
from agent.link.target import ConnectError, Handlers, Target, Will
from contract.topics import Address

log = logging.getLogger(__name__)

PUBACK_S = 10.0
FLUSH_S = 10.0
FLUSH_POLL_S = 0.05
STEADY_S = 30.0
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Retained:
    """A message that stands at the broker: what it is about, and its body."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkEvents:
    """Who hears of the link, all on the loop; ``waiting`` answers whether there is work for it.

    ``subscribed`` hears of each topic why the broker refuses it, empty where it does not, or where
    nobody wants it any more.
    """

    birth: Callable[[], Sequence[Retained]]
    will: Callable[[], Retained]
    up: Callable[[str], None]
    down: Callable[[LinkFault, str], None]
    steady: Callable[[], None]
    message: Callable[[Received], None]
    freed: Callable[[], None]
    waiting: Callable[[], bool] = lambda: False
    subscribed: Callable[[str, str], None] = lambda _topic, _refusal: None


class Link:
    """Keeps one connection. ``publish`` and ``has_room`` are what the outbox needs.

    ``fault`` is why the link is down, None while it is up; ``connections`` counts them.
    """

    def __init__(
        self, config: LinkConfig, address: Address, backoff: Backoff, events: LinkEvents
    ) -> None:
        self._config = config
        self._address = address
        self._events = events
        self._session = Session(len(config.brokers), config.protocol, backoff)
        self._connection: Connection | None = None
        self._leaving = asyncio.Event()
        self._turning = False
        self.fault: LinkFault | None = None
        self.connections = 0

    @property
    def up(self) -> bool:
        """True while the broker carries."""
        return self._session.phase is Phase.UP

    def has_room(self) -> bool:
        """True while the link is up and its send window is not full."""
        connection = self._connection
        if connection is None or self._leaving.is_set():
            return False
        return connection.up and connection.unacked < WINDOW

    def publish(self, topic: str, body: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Put a message on the wire; False while the link is down."""
        connection = self._connection
        return connection is not None and connection.publish(topic, body, qos=qos, retain=retain)

    def reconnect(self) -> None:
        """Connect anew, with TLS files as they are now, once what is on the wire is acknowledged.

        Nothing more is taken for this connection; what comes meanwhile waits in the outbox.
        """
        if self._connection is not None:
            self._leaving.set()

    def elsewhere(self) -> bool:
        """Connect to the next address; False where there is none, or no connection to leave.

        The will is published at this one: we are gone from it.
        """
        if self._connection is None or len(self._config.brokers) < 2:
            return False
        self._session.turn()
        self._turning = True
        self._leaving.set()
        return True

    def follow(self, topic: str) -> None:
        """Subscribe to one more topic; nothing while the link is down."""
        if self._connection is not None:
            self._connection.subscribe((topic,))

    def unfollow(self, topic: str) -> None:
        """Unsubscribe from it; nothing while the link is down."""
        if self._connection is not None:
            self._connection.unsubscribe(topic)
        self._events.subscribed(topic, "")

    async def run(self) -> None:
        """Connect and reconnect until cancelled; may be called again when it raised."""
        self._begin()
        while True:
            wait_s = await self._live_once()
            await asyncio.sleep(wait_s)
            await self._stand_back()
            self._session.signal(Signal.RETRY)

    async def _stand_back(self) -> None:
        """Let others come back first, until something has to be sent."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._session.spread_s()
        while loop.time() < until and not self._events.waiting():  # noqa: ASYNC110 - asked, not told
            await asyncio.sleep(min(until - loop.time(), LOOK_S))

    def _begin(self) -> None:
        """Start, or go on where an error of our own left off."""
        match self._session.phase:
            case Phase.CONNECTING:
                self._session.failed(LinkFault.UNREACHABLE)
                self._session.signal(Signal.RETRY)
            case Phase.UP:
                self._session.lost(LinkFault.CLOSED)
                self._session.signal(Signal.RETRY)
            case Phase.WAITING:
                self._session.signal(Signal.RETRY)
            case _:
                self._session.signal(Signal.START)

    def stop(self) -> None:
        """Say goodbye: the state that stands at the broker is then our word, not the will's."""
        self._session.signal(Signal.STOP)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(graceful=True)

    async def _live_once(self) -> float:
        """One connection from attempt to end; seconds to wait before the next."""
        attempt = self._session.attempt()
        broker = self._config.brokers[attempt.address]
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[tuple[LinkFault, str]] = loop.create_future()
        try:
            target = self._target(broker, attempt.protocol)
            connection = Connection(target, self._will(), self._handlers(lost))
            await connection.open()
        except (ConnectError, ConfigError) as error:
            fault = error.fault if isinstance(error, ConnectError) else LinkFault.TLS
            self.fault = fault
            self._events.down(fault, str(error))
            return self._session.failed(fault)
        self._session.accepted()
        self._leaving.clear()
        self._turning = False
        self._connection, self.fault = connection, None
        self.connections += 1
        try:
            self._announce(connection, f"{broker.host}:{broker.port}, MQTT {attempt.protocol}")
            fault, reason = await self._until_lost(connection, lost)
        finally:
            self._connection = None
            connection.close(graceful=self._leaving.is_set() and not self._turning)
        if fault is LinkFault.RENEWED:
            wait_s = self._session.left()
        else:
            fault, wait_s = self._session.lost(fault)
        self.fault = fault
        self._events.down(fault, reason)
        return wait_s

    def _announce(self, connection: Connection, where: str) -> None:
        for message in self._events.birth():
            connection.publish(message.topic, message.payload, retain=True)
        connection.subscribe(self._address.subscriptions())
        log.info("link up: %s", where)
        self._events.up(where)

    async def _until_lost(
        self, connection: Connection, lost: asyncio.Future[tuple[LinkFault, str]]
    ) -> tuple[LinkFault, str]:
        loop = asyncio.get_running_loop()
        steady_at = loop.time() + STEADY_S
        leaving = loop.create_task(self._leaving.wait())
        either: set[asyncio.Future[Any]] = {lost, leaving}
        try:
            while True:
                await asyncio.wait(either, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                if lost.done():
                    return lost.result()
                if leaving.done():
                    return await self._flushed(connection, lost)
                if connection.oldest_unacked_s() > PUBACK_S:
                    return LinkFault.SILENT, f"no PUBACK for {PUBACK_S:.0f} s"
                if loop.time() > steady_at:
                    steady_at = math.inf
                    self._session.steady()
                    self._events.steady()
        finally:
            leaving.cancel()

    async def _flushed(
        self, connection: Connection, lost: asyncio.Future[tuple[LinkFault, str]]
    ) -> tuple[LinkFault, str]:
        """Wait until the broker has acknowledged everything, or for as long as it may take."""
        until_s = asyncio.get_running_loop().time() + FLUSH_S
        while connection.unacked and asyncio.get_running_loop().time() < until_s:
            await asyncio.wait({lost}, timeout=FLUSH_POLL_S)
            if lost.done():
                return lost.result()
        return LinkFault.RENEWED, "connecting anew"

    def _handlers(self, lost: asyncio.Future[tuple[LinkFault, str]]) -> Handlers:
        def on_lost(fault: LinkFault, reason: str) -> None:
            if not lost.done():
                lost.set_result((fault, reason))

        return Handlers(self._events.message, self._events.freed, on_lost, self._events.subscribed)

    def _will(self) -> Will:
        will = self._events.will()
        return Will(will.topic, will.payload)

    def _target(self, broker: Broker, protocol: str) -> Target:
        config = self._config
        password = None
        if config.password_file is not None:
            try:
                password = Secret(config.password_file.read_text(encoding="utf-8").strip())
            except OSError as error:
                raise ConfigError(f"link.password_file: {error}") from error
            except UnicodeDecodeError:
                raise ConfigError("link.password_file: is no UTF-8 text") from None
        return Target(
            host=broker.host,
            port=broker.port,
            protocol="3.1.1" if protocol == "3.1.1" else "5",
            client_id=self._address.client_id,
            keepalive_s=config.keepalive_s,
            connect_timeout_s=config.connect_timeout_s,
            session_expiry_s=config.session_expiry_s,
            tls=_tls(broker),
            username=config.username,
            password=password,
        )


def _tls(broker: Broker) -> ssl.SSLContext | None:
    """The broker's TLS files as they are now; ConfigError names the broker."""
    tls = broker.tls
    if tls is None:
        return None
    try:
        return client_context(tls.ca_file, tls.cert_file, tls.key_file)
    except ConfigError as error:
        raise ConfigError(f"link.brokers: tls files of {broker.host}: {error}") from error
