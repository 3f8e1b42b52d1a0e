"""Keypads and card readers of the gate: opened, grabbed, read, and opened again when they went.

Grabbed (EVIOCGRAB) so that nothing else reads what is typed: no console, no login. A device that
cannot be grabbed is not used: no such device, none of the input layer, or somebody else has it. On
simulated pins a reader may be a named pipe that carries the same bytes. What the bytes mean stands
in ``devices.keying``.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import Clock
from agent.core.errors import DeviceError
from devices.keying import EVENT, Entry, Keying

log = logging.getLogger(__name__)

EVIOCGRAB = 0x40044590  # linux/input.h: _IOW('E', 0x90, int)
AT_ONCE = 64 * EVENT.size
Typed = Callable[[str, Entry], None]
Told = Callable[[str, str | None], None]
Grab = Callable[[int], None]


def grab(descriptor: int) -> None:
    """Have an input device for ourselves until it is closed; OSError when the kernel refuses."""
    fcntl.ioctl(descriptor, EVIOCGRAB, 1)


class Reader:
    """One reader: ``run`` opens it and reads until it is gone or the task is cancelled."""

    def __init__(
        self,
        name: str,
        path: Path,
        clock: Clock,
        typed: Typed,
        *,
        pipes: bool = False,
        grab: Grab = grab,
    ) -> None:
        """*typed* takes whole entries; *pipes*: a named pipe will do; *grab* gets it alone."""
        self._name = name
        self._path = path
        self._clock = clock
        self._typed = typed
        self._pipes = pipes
        self._grab = grab

    async def run(self, opened: Callable[[], None]) -> None:
        """DeviceError when it cannot be opened or grabbed, or when it is gone."""
        descriptor = self._open()
        try:
            opened()
            await self._read(descriptor)
        except OSError as error:
            raise DeviceError(f"{self._path} is gone: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            is_pipe = self._pipes and stat.S_ISFIFO(self._path.stat().st_mode)
            # A pipe is opened for writing too, so that it has no end when its writer goes.
            mode = os.O_RDWR if is_pipe else os.O_RDONLY
            descriptor = os.open(self._path, mode | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DeviceError(f"{self._path} cannot be opened: {error.strerror}") from error
        if is_pipe:
            return descriptor
        try:
            self._grab(descriptor)
        except OSError as error:
            os.close(descriptor)
            text = f"{self._path} cannot be had for the gate alone: {error.strerror}"
            raise DeviceError(text) from error
        return descriptor

    async def _read(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        keying = Keying()

        def readable() -> None:
            try:
                data = os.read(descriptor, AT_ONCE)
                if not data:
                    raise OSError(0, "it ended")
            except BlockingIOError:
                return
            except OSError as error:
                loop.remove_reader(descriptor)
                if not gone.done():
                    gone.set_exception(error)
                return
            for entry in keying.feed(data, self._clock.monotonic_ns()):
                self._typed(self._name, entry)

        loop.add_reader(descriptor, readable)
        try:
            await gone
        finally:
            loop.remove_reader(descriptor)


async def keep_open(
    reader: Reader,
    name: str,
    told: Told,
    uniform: Callable[[], float],
    policy: BackoffPolicy | None = None,
) -> None:
    """Run *reader* for ever, with a back-off; *told* hears its name and why not, None: it works."""
    backoff = Backoff(policy or BackoffPolicy(), uniform)

    def opened() -> None:
        backoff.succeeded()
        told(name, None)

    while True:
        try:
            await reader.run(opened)
        except DeviceError as error:
            told(name, str(error))
        await asyncio.sleep(backoff.failed())


def readers_of(
    devices: Mapping[str, Path], clock: Clock, typed: Typed, *, pipes: bool
) -> Mapping[str, Reader]:
    """Readers by name."""
    return {n: Reader(n, path, clock, typed, pipes=pipes) for n, path in devices.items()}
