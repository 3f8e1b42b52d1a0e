"""A whole core that is told nonsense from every side: it goes on, and no pin moves."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import psutil
import pytest

from agent.border.channel import MAX_DATAGRAM
from agent.core.ports import Received
from contract.words import Role
from tests.support.core import Person, Site, SyncedClock
from tests.support.parsers import EXAMPLES, PART, parsers
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, TRUSTED, command, listed, to_bytes, watchlist
from tests.tools.hostile import hostile, says_the_same

CLOCK = SyncedClock()
COUNTS = pytest.mark.parametrize(
    "count", [1_500, pytest.param(200_000, marks=pytest.mark.soak)], ids=["short", "soak"]
)
VISION = next(parser.seeds for parser in parsers() if parser.name == "from-vision")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    trusted = tmp_path / "trusted-keys.json"
    trusted.write_bytes(TRUSTED.to_json())
    made = Site(tmp_path)
    made.changes = (("pin_factory: mock", f"pin_factory: mock\n  trusted_keys: {trusted}"),)
    return made


def order(counter: int) -> bytes:
    """The station opens the side door."""
    fields = {"name": "door.open", "args": {"door": "side"}, "counter": counter}
    return to_bytes(command(CLOCK, key=KEYS[Role.DOOR], cmd_id=f"cmd-{counter:08}", **fields))


def moves(person: Person) -> int:
    """How often any output's pin changed since it was opened."""
    outputs = person.core._panel._outputs
    assert outputs is not None
    return sum(len(device.pin.states) for device in outputs._pins.values())


def hear(person: Person, topic: str, payload: bytes, *, retained: bool = False) -> None:
    """What the link does with a message from the broker."""
    person.core._link._events.message(Received(topic, payload, retained))


@COUNTS
def test_no_message_that_was_changed_moves_a_pin(site: Site, count: int) -> None:
    async def story(person: Person) -> None:
        before, opened = moves(person), order(7)
        seeds = [opened, watchlist(CLOCK, [listed(CLOCK)]), PART, *EXAMPLES]
        topics = [
            ADDRESS.topic(*rest, drill=drill)
            for drill in (False, True)
            for rest in (("cmd", "door.open"), ("cmd", "wipe"), ("ack",), ("desired", "watchlist"),
                         ("desired", "watchlist", "1"), ("desired", "plates"), ("state",))
        ]  # fmt: skip
        for number, payload in enumerate(hostile(seeds, count)):
            if says_the_same(payload, opened):
                continue
            for topic in (topics[0], topics[number % len(topics)], ADDRESS.host_state()):
                hear(person, topic, payload, retained=number % 7 == 0)
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert moves(person) == before
        assert (await person.ask("watchlist.list"))["entries"] == []
        hear(person, topics[0], order(8))
        assert moves(person) > before
        await person.press()
        await person.until(lambda s: s["incidents"])

    site.live(story)


@COUNTS
def test_no_word_of_a_broken_vision_program_moves_a_pin(site: Site, count: int) -> None:
    async def story(person: Person) -> None:
        before, sock = moves(person), None
        for number, payload in enumerate(hostile(VISION, count)):
            if sock is None:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                sock.setblocking(False)
                sock.connect(str(site.run / "vision.sock"))
            try:
                say(sock, payload, number)
            except OSError:
                sock.close()
                sock = None
            await asyncio.sleep(0)
        if sock is not None:
            sock.close()
        assert moves(person) == before
        assert psutil.Process().num_fds() < 200
        await person.press()
        await person.until(lambda s: s["incidents"])

    site.live(story)


def say(sock: socket.socket, payload: bytes, number: int) -> None:
    """A datagram; some with a file beside it that is none, or is not sealed."""
    data = payload[: MAX_DATAGRAM + 1] or b" "
    if number % 5:
        sock.send(data)
        return
    beside = os.open("/dev/zero", os.O_RDONLY) if number % 2 else os.memfd_create("x")
    try:
        socket.send_fds(sock, [data], [beside] * (1 + number % 3))
    finally:
        os.close(beside)
