"""Whatever a broker sends after its welcome, the agent's connection takes it or ends; no error."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from itertools import islice
from typing import Any

import pytest

from agent.core.ports import Received
from agent.link.mqtt import Connection
from agent.link.session import LinkFault, Protocol
from agent.link.target import Handlers, Target, Will
from tests.tools.hostile import hostile

LOST_S = 20.0
A_CALL = 5
WELCOME = {"5": b"\x20\x03\0\0\0", "3.1.1": b"\x20\x02\0\0"}
ACK = b"gh/v1/cancheng/liya-garden/gate-1/ack"
COUNTS = pytest.mark.parametrize(
    "count", [1_000, pytest.param(100_000, marks=pytest.mark.soak)], ids=["short", "soak"]
)


def published(topic: bytes, *, five: bool, qos: int) -> bytes:
    """A PUBLISH with a small JSON body."""
    rest = (b"\0\x07" if qos else b"") + (b"\0" if five else b"") + b'{"alert_id":"x"}'
    body = len(topic).to_bytes(2, "big") + topic + rest
    return bytes([0x30 | qos << 1, len(body)]) + body


def packets(protocol: Protocol) -> list[bytes]:
    """What brokers say: PUBLISH, SUBACK, PUBACK, PUBREC, PUBREL, PINGRESP, DISCONNECT, CONNACK."""
    five = protocol == "5"
    common = [b"\x90\x03\0\1\1", b"\x40\x02\0\1", b"\x50\x02\0\1", b"\x62\x02\0\1", b"\xd0\0"]
    more = [b"\xe0\x02\x8e\0", b"\x90\x04\0\1\0\1", b"\x20\x06\0\0\x03\x21\0\x14"] if five else []
    not_utf8 = published(b"\xff" + ACK, five=five, qos=1)
    return [*(published(ACK, five=five, qos=qos) for qos in (0, 1)), not_utf8, *common, *more]


@COUNTS
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_talks_nonsense_loses_us_and_nothing_else(
    protocol: Protocol, count: int
) -> None:
    heard, lost, errors = asyncio.run(played(protocol, count))
    assert errors == []
    assert lost.total() == count // A_CALL
    assert heard


async def played(
    protocol: Protocol, count: int
) -> tuple[list[Received], Counter[LinkFault], list[Any]]:
    """One connection after the other, each told a few changed packets and then hung up on."""
    loop, errors = asyncio.get_running_loop(), list[Any]()
    loop.set_exception_handler(lambda _, context: errors.append(context))
    broker, heard, lost = Broker(protocol, count), list[Received](), Counter[LinkFault]()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target("127.0.0.1", port, protocol, "gate", 5, LOST_S, 60)
    ends: asyncio.Queue[LinkFault] = asyncio.Queue()
    handlers = Handlers(heard.append, lambda: None, lambda fault, _: ends.put_nowait(fault))
    async with server:
        for _ in range(count // A_CALL):
            connection = Connection(target, Will("x", b""), handlers)
            await connection.open()
            broker.may_speak.set()
            lost[await asyncio.wait_for(ends.get(), LOST_S)] += 1
            connection.close()
    return heard, lost, errors


class Broker:
    """Welcomes one caller after the other; once it is in, says a few packets and hangs up."""

    def __init__(self, protocol: Protocol, count: int) -> None:
        self._welcome = WELCOME[protocol]
        self._said = hostile(packets(protocol), count)
        self.may_speak = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller."""
        with suppress(OSError):
            await reader.read(4096)
            writer.write(self._welcome)
            await self.may_speak.wait()
            self.may_speak.clear()
            for packet in islice(self._said, A_CALL):
                writer.write(packet)
            await writer.drain()
        writer.close()
