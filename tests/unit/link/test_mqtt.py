"""How a connection writes: at once, and behind a full socket when the loop says it may."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

import pytest

from agent.link.mqtt import Connection
from agent.link.session import LinkFault
from agent.link.target import Handlers, Target, Will
from bench import wire

LARGE = b"x" * 4_000_000
CONNACK = b"\x20\x02\x00\x00"


class Broker:
    """Takes one connection, and reads only when it is told to."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, to its end."""
        self._writer = writer
        packets = wire.Reader()
        while data := await reader.read(65536):
            for kind, flags, body in packets.feed(data):
                if kind == 1:
                    writer.write(CONNACK)
                elif kind == wire.PUBLISH:
                    message = wire.message(flags, body)
                    self.heard.append(message.payload)
                    writer.write(wire.puback(message.mid))
            await self._may_read.wait()
        writer.close()

    def pause(self) -> None:
        self._may_read.clear()

    def go_on(self) -> None:
        self._may_read.set()

    def reset(self) -> None:
        """Cut the connection without a word."""
        assert self._writer is not None
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Heard:
    """What the connection told."""

    def __init__(self) -> None:
        self.freed = 0
        self.lost: list[LinkFault] = []
        self.subscribed: list[tuple[str, str]] = []

    def one_freed(self) -> None:
        self.freed += 1

    def gone(self, fault: LinkFault, _reason: str) -> None:
        self.lost.append(fault)

    def answered(self, topic: str, refusal: str) -> None:
        self.subscribed.append((topic, refusal))


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, Broker, Heard]]:
    broker, heard = Broker(), Heard()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target("127.0.0.1", port, "3.1.1", "gate", 30, 5.0, 0)
    handlers = Handlers(lambda _: None, heard.one_freed, heard.gone, heard.answered)
    connection = Connection(target, Will("t", b"{}"), handlers)
    await connection.open()
    try:
        yield connection, broker, heard
    finally:
        connection.close()
        broker.go_on()
        server.close()
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.01)


def watched(connection: Connection) -> int:
    """What the loop watches the connection's socket for."""
    loop: Any = asyncio.get_running_loop()
    selector: BaseSelector = loop._selector
    return selector.get_key(connection._sock).events


def test_a_message_is_on_the_wire_when_publish_returns() -> None:
    async def story() -> None:
        async with connected() as (connection, broker, heard):
            await until(lambda: watched(connection) == EVENT_READ)
            assert connection.publish("t", b"one")
            assert not connection._client.want_write()
            assert watched(connection) == EVENT_READ
            await until(lambda: heard.freed == 1)
            assert broker.heard == [b"one"]

    asyncio.run(story())


def test_what_the_socket_does_not_take_follows_in_order_and_the_loop_rests_afterwards() -> None:
    async def story() -> None:
        async with connected() as (connection, broker, heard):
            broker.pause()
            assert connection.publish("t", b"first")
            assert connection.publish("t", LARGE)
            assert connection.publish("t", b"last")
            assert watched(connection) == EVENT_READ | EVENT_WRITE
            broker.go_on()
            await until(lambda: heard.freed == 3)
            assert broker.heard == [b"first", LARGE, b"last"]
            assert watched(connection) == EVENT_READ
            assert connection.unacked == 0

    asyncio.run(story())


def test_a_publish_that_drains_the_queue_ends_the_watch_for_room() -> None:
    async def story() -> None:
        async with connected() as (connection, broker, heard):
            connection.subscribe(("a",))
            assert watched(connection) == EVENT_READ | EVENT_WRITE
            assert connection.publish("t", b"one")
            assert watched(connection) == EVENT_READ
            await until(lambda: heard.freed == 1)
            assert broker.heard == [b"one"]

    asyncio.run(story())


@pytest.mark.parametrize("size", [10, len(LARGE)])
def test_a_connection_that_is_found_dead_while_writing_is_told_once(size: int) -> None:
    async def story() -> None:
        async with connected() as (connection, broker, heard):
            loop: Any = asyncio.get_running_loop()
            loop.remove_reader(connection._sock)  # so that only writing can find it
            broker.reset()
            await asyncio.sleep(0.05)
            assert not connection.publish("t", b"x" * size)
            assert not connection.up
            assert connection.unacked == 0
            await asyncio.sleep(0)
            assert heard.lost == [LinkFault.CLOSED]
            assert not connection.publish("t", b"late")

    asyncio.run(story())
