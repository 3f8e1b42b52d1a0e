"""Between threads and the loop: calls posted to it, and blocking work beside it.

That work runs in threads that never hold up the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


def poster(loop: asyncio.AbstractEventLoop) -> Callable[[Callable[[], None]], None]:
    """Runs calls on *loop*, from any thread; silent when the loop is gone."""

    def post(call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(call)

    return post


def aside(work: Callable[[], _T], done: Callable[[Future[_T]], None]) -> None:
    """Run *work* in such a thread, and then *done* with its outcome on the running loop."""
    loop = asyncio.get_running_loop()
    outcome: Future[_T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as caught:  # noqa: BLE001 - handed to whoever asks for the outcome
            outcome.set_exception(caught)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(done, outcome)

    threading.Thread(target=run, name="aside", daemon=True).start()


async def in_daemon_thread(work: Callable[[], _T]) -> _T:
    """What *work* returns or raises; a resolver or a disk that hangs keeps only its own thread."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def succeed(result: _T) -> None:
        if not done.done():
            done.set_result(result)

    def fail(error: BaseException) -> None:
        if not done.done():
            done.set_exception(error)

    def run() -> None:
        with contextlib.suppress(RuntimeError):
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - handed to the waiting coroutine
                loop.call_soon_threadsafe(fail, error)
            else:
                loop.call_soon_threadsafe(succeed, result)

    threading.Thread(target=run, name="beside-the-loop", daemon=True).start()
    return await done
