"""Work that blocks, beside the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")


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


async def in_daemon_thread(work: Callable[[], None]) -> None:
    """Run *work* in a thread that never holds up the end of the process (a resolver may hang)."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as caught:  # noqa: BLE001 - handed to the waiting coroutine
            error = caught
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, name="beside-the-loop", daemon=True).start()
    await done
