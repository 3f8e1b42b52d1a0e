"""A whole core on folders of its own, and a person at the gate with the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from agent.app import Core
from agent.config.problems import Problem
from agent.core.ports import Lane
from agent.outbox.writer import Read
from agent.pipeline.local import ask
from agent.runtime.clock import SystemClock
from tests.support.samples import gate, gate_text

DEADLINE_S = 10.0
Status = dict[str, Any]
Story = Callable[["Person"], Coroutine[Any, Any, Any]]


class SyncedClock(SystemClock):
    """This machine's clock, trusted: a test machine may have no time source."""

    def offset_ms(self) -> float | None:
        """Nothing to correct."""
        return 0.0


class Person:
    """Somebody at the gate, with the command line."""

    def __init__(self, core: Core, run_dir: Path) -> None:
        self.core = core
        self._socket = run_dir / "control.sock"

    async def ask(self, op: str, **arguments: Any) -> Status:
        """Ask the agent."""
        return await asyncio.to_thread(ask, self._socket, op, **arguments)

    async def press(self, name: str = "panic-1") -> None:
        """Press a button for a while."""
        await self.ask("sim", verb="press", name=name, for_s=0.3)

    async def until(self, so: Callable[[Status], object]) -> Status:
        """Look at the status until *so*; AssertionError after ten seconds."""
        ends = time.monotonic() + DEADLINE_S
        while not so(status := await self.ask("status")):
            assert time.monotonic() < ends, status
            await asyncio.sleep(0.02)
        return status

    async def waiting(self) -> set[str]:
        """The ids of all that waits for the station, by the store: a status may be older."""
        ids: set[str] = set()
        for lane in Lane:
            found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self.core._outbox._writer.put(Read(lane, 0, 1000, found.set_result))
            ids |= {entry.id for _, entry in await found}
        return ids


class Site:
    """Folders of one gate, and the agent's lives on them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.run = folder / "data", folder / "run"
        self.broker = "{host: 127.0.0.1, port: 1}"
        self.changes: tuple[tuple[str, str], ...] = ()

    def write_config(self, path: Path) -> Path:
        """The gate's file at *path*, for commands."""
        path.write_text(gate_text(*self._replaced()), encoding="utf-8")
        return path

    def _replaced(self) -> list[tuple[str, str]]:
        return [
            ("/var/lib/gatehouse", str(self.data)),
            ("/run/gatehouse", str(self.run)),
            ("{host: 127.0.0.1, port: 1883}", self.broker),
            *self.changes,
        ]

    def live(self, story: Story, *problems: Problem) -> Any:
        """One life of the agent, with *story* in it."""

        async def whole() -> Any:
            core = Core(gate(*self._replaced()), problems, SyncedClock())
            await core.start()
            try:
                return await story(Person(core, self.run))
            finally:
                await core.stop()

        return asyncio.run(whole())
