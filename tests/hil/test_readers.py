"""The grab of a reader, on a keyboard that the kernel makes for us (``/dev/uinput``).

Needs root and the module ``uinput``: ``pytest -m hil tests/hil/test_readers.py``.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import DeviceError
from devices.keying import EV_KEY, EVENT, KEYS, Entry
from devices.readers import EVIOCGRAB, Reader
from tests.tools.keys import ENTER, STAR, typed
from tests.tools.program import until

UINPUT = Path("/dev/uinput")
UI_DEV_CREATE, UI_DEV_DESTROY = 0x5501, 0x5502
UI_DEV_SETUP, UI_SET_EVBIT, UI_SET_KEYBIT = 0x405C5503, 0x40045564, 0x40045565
NAME_BYTES = 64
UI_GET_SYSNAME = 0x8000552C | NAME_BYTES << 16
SETUP = struct.Struct("=4H80sI")
BUS_VIRTUAL = 6

pytestmark = [
    pytest.mark.hil,
    pytest.mark.skipif(not UINPUT.exists(), reason="there is no /dev/uinput"),
]


class Keyboard:
    """A keyboard of the kernel's; ``path`` is its event device."""

    def __init__(self) -> None:
        self._descriptor = os.open(UINPUT, os.O_WRONLY | os.O_NONBLOCK)
        fcntl.ioctl(self._descriptor, UI_SET_EVBIT, EV_KEY)
        for code in (*KEYS, ENTER, STAR):
            fcntl.ioctl(self._descriptor, UI_SET_KEYBIT, code)
        setup = SETUP.pack(BUS_VIRTUAL, 1, 1, 1, b"gatehouse test keyboard", 0)
        fcntl.ioctl(self._descriptor, UI_DEV_SETUP, setup)
        fcntl.ioctl(self._descriptor, UI_DEV_CREATE)
        name = bytearray(NAME_BYTES)
        fcntl.ioctl(self._descriptor, UI_GET_SYSNAME, name)
        folder = Path("/sys/devices/virtual/input") / name.split(b"\0")[0].decode()
        (event,) = until(lambda: list(folder.glob("event*")), 5)
        self.path = Path("/dev/input") / event.name
        until(self.path.exists, 5)

    def type(self, text: str) -> None:
        os.write(self._descriptor, typed(f"{text}\n"))

    def unplug(self) -> None:
        if self._descriptor >= 0:
            fcntl.ioctl(self._descriptor, UI_DEV_DESTROY)
            os.close(self._descriptor)
            self._descriptor = -1


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    made = Keyboard()
    yield made
    made.unplug()


def test_a_grabbed_keyboard_is_ours_alone_until_it_is_pulled_out(keyboard: Keyboard) -> None:
    found: list[Entry] = []

    async def run(other: int) -> None:
        open_, came = asyncio.Event(), asyncio.Event()

        def take(_: str, entry: Entry) -> None:
            found.append(entry)
            came.set()

        reader = Reader("pad-1", keyboard.path, ManualClock(), take)
        task = asyncio.create_task(reader.run(open_.set))
        await asyncio.wait_for(open_.wait(), 10)
        with pytest.raises(OSError) as refused:
            fcntl.ioctl(other, EVIOCGRAB, 1)
        assert refused.value.errno == errno.EBUSY
        keyboard.type("5*2580")
        await asyncio.wait_for(came.wait(), 10)
        with pytest.raises(BlockingIOError):
            os.read(other, EVENT.size)
        keyboard.unplug()
        with pytest.raises(DeviceError, match="is gone"):
            await asyncio.wait_for(task, 10)

    other = os.open(keyboard.path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        asyncio.run(run(other))
    finally:
        os.close(other)
    (entry,) = found
    assert (entry.text.reveal(), entry.digit) == ("2580", 5)
