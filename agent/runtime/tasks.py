"""Background tasks of the core, kept running: one that raises is logged, noted and restarted.

A task marked vital takes the program down instead: systemd restarts it whole in a second, which is
better than a gate whose dispatcher is dead.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import Clock, stamp
from agent.core.events import ComponentState
from agent.core.health import HealthBoard

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]


class Tasks:
    """Starts, restarts and stops background tasks."""

    def __init__(self, health: HealthBoard, clock: Clock) -> None:
        self._health = health
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, name: str, work: Work, *, vital: bool = False) -> None:
        """Run *work* until :meth:`stop`."""
        run = self._vital(name, work) if vital else self._restarted(name, work)
        self._tasks.append(asyncio.create_task(run, name=name))

    async def stop(self) -> None:
        """Cancel everything, last started first."""
        for task in reversed(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _vital(self, name: str, work: Work) -> None:
        try:
            await work()
        except Exception as error:
            log.exception("%s failed; the program ends", name)
            if not self.fatal.done():
                self.fatal.set_exception(error)

    async def _restarted(self, name: str, work: Work) -> None:
        backoff = Backoff(BackoffPolicy(), random.random)
        while True:
            try:
                await work()
            except Exception as error:
                log.exception("%s failed; it is started again", name)
                reason = f"{type(error).__name__}: {error}"
                self._health.note(name, ComponentState.DEGRADED, reason)
                self._health.raise_issue("task-failed", name, reason, stamp(self._clock))
                await asyncio.sleep(backoff.failed())
            else:
                return
