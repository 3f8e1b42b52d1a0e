"""The core's end of the border, listening on a real socket, and programs that connect to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from agent.border.channel import Channel, ChannelClosedError, Packet, connect
from agent.border.messages import Beat, FromVision, Hello, encode
from agent.core.clock import ManualClock
from agent.core.events import Event
from agent.pipeline.vision_port import VisionPort
from agent.pipeline.vision_watch import VisionWatch
from tests.support.samples import at


class Bench:
    """A port that listens, and what became of everything it heard."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.path = path
        self.events: list[Event] = []
        self.hellos: list[Hello] = []
        self.beats: list[Beat] = []
        self.gone = 0
        self.offered: list[tuple[str, bytes]] = []
        self.refusal = ""
        self.channels: list[Channel] = []
        self.port = VisionPort(
            path,
            None,
            VisionWatch(["north"], at(clock)),
            clock=clock,
            put=self.events.append,
            on_hello=self.hellos.append,
            on_beat=self.beats.append,
            on_gone=self._left,
            offer=self._offer,
        )

    def _left(self) -> None:
        self.gone += 1

    def _offer(self, name: str, jpeg: bytes) -> str:
        self.offered.append((name, jpeg))
        return self.refusal

    async def vision(self, *said: FromVision) -> Channel:
        """A vision program that connected and said this."""
        channel = connect(self.path)
        self.channels.append(channel)
        for message in said:
            channel.send(encode(message))
        await turns()
        return channel


async def turns() -> None:
    """Give the loop time to read what is there."""
    for _ in range(10):
        await asyncio.sleep(0)


Story = Callable[[Bench], Coroutine[Any, Any, None]]
Play = Callable[[Story], Bench]


def heard(channel: Channel) -> Packet:
    """The next message; there must be one."""
    packet = channel.receive()
    assert packet is not None
    return packet


def hung_up(channel: Channel) -> bool:
    """True when the other end is closed."""
    try:
        while channel.receive() is not None:
            pass
    except ChannelClosedError:
        return True
    return False


def player(folder: Path, clock: ManualClock) -> Play:
    """Opens a port, plays a story, closes it."""

    def run(story: Story) -> Bench:
        async def whole() -> Bench:
            bench = Bench(folder / "vision.sock", clock)
            bench.port.open()
            try:
                await story(bench)
            finally:
                bench.port.close()
                for channel in bench.channels:
                    channel.close()
            return bench

        return asyncio.run(whole())

    return run
