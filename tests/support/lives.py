"""A gate whose agent dies at a chosen moment, and lives again on the same folder.

Everything that leaves a trace (a write to the disk, a relay driven, a message published, a timer
that fires) is a step; ``Fate`` ends the life before or after one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.access.doors import DoorDeed
from agent.core.clock import ManualClock
from agent.core.commands import Result
from agent.core.decisions import Drive
from agent.core.events import DoorReleased, Event, InputChanged, InputState
from agent.files.atomic import write_atomic
from agent.pipeline.command_checks import Checks, Trust
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.commands import CommandGate
from agent.pipeline.nonces import Nonces
from agent.pipeline.results import Results
from contract.words import CommandName
from devices.panel import Panel
from tests.support.samples import ADDRESS, gate
from tests.support.signed import TRUSTED
from tests.support.timers import Timers

LOCK = 23


class Died(BaseException):
    """The process is gone; nobody catches this."""


@dataclass(slots=True)
class Fate:
    """Counts steps; the life ends at number ``at``, before the step or right after it."""

    at: int | None = None
    after: bool = False
    steps: list[str] = field(default_factory=list)

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Do *act*, or die."""
        mine = self.at == len(self.steps)
        self.steps.append(name)
        if mine and not self.after:
            raise Died(f"before {name}")
        done = act()
        if mine:
            raise Died(f"after {name}")
        return done


class Life:
    """One life: real pins (mock), real doors, real signatures, a real file."""

    def __init__(self, folder: Path, clock: ManualClock, fate: Fate) -> None:
        self._fate = fate
        self.clock = clock
        self.timers = Timers(clock)
        self.events: list[Event] = []
        self.published: list[tuple[str, bytes]] = []
        self.linked = True
        config = gate()
        self.panel = Panel(
            config,
            work_dir=folder,
            clock=clock,
            post=lambda call: call(),
            later=self.timers.later,
            emit=self._emit,
        )
        self.doors = DoorDeed(
            config.access.doors,
            config.outputs,
            self,
            clock,
            put=self.events.append,
            later=self._later,
        )
        self.panel.open()
        journal = CommandJournal(folder / "commands.json", self._write)
        self.results = Results(ADDRESS, journal, self._publish, self._later)
        self.nonces = Nonces(clock, lambda: "n" * 24)
        checks = Checks(Trust(TRUSTED, ADDRESS), clock, self.nonces, journal)
        deeds = {CommandName.DOOR_OPEN: self.doors}
        self.gate = CommandGate(checks, journal, deeds, clock, self._tell)
        self.told: list[Result] = []

    def begin(self) -> None:
        """What a start does: end what was left open, connect, say what was not heard."""
        self.gate.resume()
        self.results.link_up()

    def hear(
        self,
        payload: bytes,
        name: str = "door.open",
        *,
        retained: bool = False,
        drill: bool = False,
    ) -> None:
        """A command from the broker."""
        self.gate.handle(name, payload, retained=retained, drill=drill)

    def open_door(self) -> None:
        """Somebody goes through."""
        if self.panel.simulated is not None:
            self.panel.simulated.open("door-1")
            self.timers.wait(0.1)

    @property
    def actuations(self) -> int:
        """How often the lock's line left its safe level."""
        factory = self.panel._factory
        if factory is None:
            return 0
        return sum(bool(was.state) for was in factory.pin(LOCK).states)

    @property
    def released(self) -> list[DoorReleased]:
        """The releases that rules were told of."""
        return [event for event in self.events if isinstance(event, DoorReleased)]

    def drive(self, name: str, drive: Drive, for_s: float | None = None) -> None:
        """The relay, as the deed sees it."""
        self._fate.step("relay on", lambda: self.panel.drive(name, drive, for_s))

    def driven(self) -> dict[str, bool]:
        """Which outputs are away from their safe state."""
        return self.panel.driven()

    def state_of(self, name: str) -> InputState | None:
        """What an input says."""
        return self.panel.state_of(name)

    def _emit(self, event: InputChanged) -> None:
        self.events.append(event)
        self.doors.hear(event)

    def _later(self, seconds: float, call: Callable[[], None]) -> object:
        return self.timers.later(seconds, lambda: self._fate.step("timer", call))

    def _write(self, path: Path, data: bytes) -> None:
        self._fate.step("write", lambda: write_atomic(path, data))

    def _publish(self, topic: str, body: bytes) -> bool:
        if not self.linked:
            return False
        self._fate.step("publish", lambda: self.published.append((topic, body)))
        return True

    def _tell(self, result: Result, *, drill: bool) -> None:
        self.told.append(result)
        self.results(result, drill=drill)
