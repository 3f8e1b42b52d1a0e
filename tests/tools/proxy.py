"""A TCP relay between a gate and its broker that can be a bad network.

Here: what goes wrong above the packets, on any machine: silence without a reset, one deaf
direction, a link that goes and comes. Not here: lost packets, slow lines (``tests.tools.netns``).

While a direction is held, its bytes are neither read nor passed on, and an end of stream is not
told either: the other side learns nothing, as behind a cable that was pulled. What was held goes on
when it is released, as TCP's own repetitions would.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from enum import Enum
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
CHUNK = 4096
ENDED_S = 10.0


class Way(Enum):
    """A direction through the relay."""

    UP = "gate to broker"
    DOWN = "broker to gate"


BOTH = (Way.UP, Way.DOWN)


class Proxy:
    """A relay to ``host:port``. A context manager; listens on ``port`` within it.

    *listener* is a listening socket of another network namespace to be used instead.
    """

    def __init__(self, host: str, port: int, *, listener: socket.socket | None = None) -> None:
        self._target = host, port
        self._listener = listener or socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._open: dict[Way, asyncio.Event] = {}
        self._streams: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connects = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._begin())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ENDED_S)
        self._loop.close()

    def hold(self, *ways: Way) -> None:
        """Pass nothing on these ways any more, on connections old and new, and tell nobody."""
        self._run(self._set(ways or BOTH, free=False))

    def release(self) -> None:
        """Pass everything on again, what was held first."""
        self._run(self._set(BOTH, free=True))

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        self._run(self._cut())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(ENDED_S)

    async def _begin(self) -> None:
        self._open = {way: asyncio.Event() for way in Way}
        await self._set(BOTH, free=True)
        self._server = await asyncio.start_server(self._serve, sock=self._listener, limit=CHUNK)

    async def _end(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._cut()

    async def _set(self, ways: tuple[Way, ...], *, free: bool) -> None:
        for way in ways:
            self._open[way].set() if free else self._open[way].clear()

    async def _cut(self) -> None:
        for stream in list(self._streams):
            stream.transport.abort()
        self._streams.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._tasks.add(task)
        self.connects += 1
        streams = {writer}
        self._streams.add(writer)
        try:
            await self._open[Way.UP].wait()
            peer_reader, peer = await asyncio.open_connection(*self._target, limit=CHUNK)
            streams.add(peer)
            self._streams.add(peer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(Way.UP, reader, peer))
                both.create_task(self._pump(Way.DOWN, peer_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for stream in streams:
                self._streams.discard(stream)
                stream.close()

    async def _pump(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open[way].wait()
                writer.write(data)
                await writer.drain()
            await self._open[way].wait()
        with contextlib.suppress(OSError):
            writer.close()


class Deaf:
    """Something that is no broker: takes connections and bytes, never answers. Counts the bytes."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="deaf", daemon=True)
        self.heard = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(ENDED_S)
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listener.accept()
                with taken:
                    while data := taken.recv(CHUNK):
                        self.heard += len(data)
