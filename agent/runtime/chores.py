"""Chores at a time of day, on the schedule library, each wrapped so that none starves the others.

``schedule`` compares wall-clock times and stops at the first raising job, so each job is wrapped,
and a wall clock that steps makes all jobs due again from now (``agent.core.events.ClockChanged``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import schedule

log = logging.getLogger(__name__)

CHECK_S = 20.0


class Chores:
    """Jobs by time of day. Nothing that has to be in time is done here."""

    def __init__(self) -> None:
        self._scheduler = schedule.Scheduler()
        self._jobs: list[tuple[str, str, Callable[[], object]]] = []

    def daily(self, at: str, name: str, job: Callable[[], object]) -> None:
        """Run *job* every day at *at* (HH:MM, local time)."""
        self._jobs.append((at, name, job))
        self._plan(at, name, job)

    def clock_stepped(self) -> None:
        """Plan everything anew by the clock as it is now."""
        self._scheduler.clear()
        for at, name, job in self._jobs:
            self._plan(at, name, job)

    async def run(self) -> None:
        """Run what is due, until cancelled."""
        while True:
            self._scheduler.run_pending()
            await asyncio.sleep(CHECK_S)

    def _plan(self, at: str, name: str, job: Callable[[], object]) -> None:
        def wrapped() -> None:
            try:
                job()
            except Exception:
                log.exception("chore %s failed", name)

        self._scheduler.every().day.at(at).do(wrapped)
