"""A command gate on a folder, with deeds that write down what they were told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.core.clock import ManualClock
from agent.core.commands import Command, Deed, Ending, Finish, Plan, Result
from agent.pipeline.command_checks import Checks, Trust
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.commands import CommandGate
from agent.pipeline.nonces import Nonces
from contract.signing import TrustedKeys
from contract.words import CommandName, Outcome, Refusal
from tests.support.audit import Recorder
from tests.support.samples import ADDRESS
from tests.support.signed import TRUSTED, to_bytes

NAMES = (CommandName.REBIRTH, CommandName.SELFTEST, CommandName.DRILL_START)


@dataclass(slots=True)
class NotingDeed:
    """Does whatever it is asked: notes the arguments. ``break`` among them makes it fail."""

    done: list[Mapping[str, Any]]
    in_drills: bool = True
    recalled: list[Plan] = field(default_factory=list)

    def plan(self, command: Command) -> Plan:
        """The arguments."""
        return dict(command.args)

    def do(self, _: Command, plan: Plan, finish: Finish) -> None:
        """Note them."""
        if plan.get("break"):
            raise ZeroDivisionError("broken")
        self.done.append(plan)
        finish(Ending(Outcome.DONE, "", {"reborn": True}))

    def recall(self, plan: Plan, finish: Finish) -> None:
        """Nothing is known."""
        self.recalled.append(plan)
        finish(Ending(Outcome.UNKNOWN, "", {"seen": "nothing"}))


class Desk:
    """A command gate with its journal; ``told`` are the results and their branches."""

    def __init__(
        self,
        path: Path,
        clock: ManualClock,
        deeds: Mapping[CommandName, Deed],
        keys: TrustedKeys | None = TRUSTED,
    ) -> None:
        numbers = itertools.count(1)
        self.told: list[tuple[Result, bool]] = []
        self.nonces = Nonces(clock, lambda: f"nonce-{next(numbers):018}")
        self.journal = CommandJournal(path)
        checks = Checks(Trust(keys, ADDRESS), clock, self.nonces, self.journal)
        self.audit = Recorder()
        self.gate = CommandGate(checks, self.journal, deeds, clock, self._tell, self.audit)

    def handle(
        self,
        value: Mapping[str, Any] | bytes,
        *,
        topic: str = "",
        retained: bool = False,
        drill: bool = False,
    ) -> Result:
        """Give a command to the topic of its own name; the newest result."""
        payload = value if isinstance(value, bytes) else to_bytes(value)
        name = "rebirth" if isinstance(value, bytes) else str(value.get("name"))
        self.gate.handle(topic or name, payload, retained=retained, drill=drill)
        return self.told[-1][0]

    def _tell(self, result: Result, *, drill: bool) -> None:
        self.told.append((result, drill))


class SeeingDeed(NotingDeed):
    """Notes besides what stood on the disk when it was done."""

    def __init__(self, path: Path) -> None:
        super().__init__([])
        self._path = path
        self.stored: list[dict[str, Any]] = []

    def do(self, command: Command, plan: Plan, finish: Finish) -> None:
        """Look at the disk, then note."""
        self.stored.append(json.loads(self._path.read_bytes()))
        super().do(command, plan, finish)


class Bench(Desk):
    """A command gate whose operations write down what they were told."""

    def __init__(self, path: Path, clock: ManualClock, keys: TrustedKeys | None = TRUSTED) -> None:
        self.path, self.deed = path, SeeingDeed(path)
        deeds: dict[CommandName, Deed] = dict.fromkeys(NAMES, self.deed)
        super().__init__(path, clock, deeds, keys)

    @property
    def done(self) -> list[Mapping[str, Any]]:
        """What was done."""
        return self.deed.done


def refused(result: Result) -> Refusal:
    """Why it was refused; it must be."""
    assert result.outcome is Outcome.REFUSED
    return Refusal(result.reason.split(":")[0])
