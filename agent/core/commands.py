"""Commands as values: what was asked, how it ended, and what a part must offer to obey one.

Here: the frozen shapes and the port between the command gate and the parts that act. Not here: who
may command and how often (``agent.pipeline.commands``), the acts themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.core.alerts import drill_mark
from contract.words import CommandName, Outcome

Proof = Mapping[str, object]
Plan = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """A command whose signature, node and time hold. ``exercise``: it belongs to a drill."""

    cmd_id: str
    name: CommandName
    issuer: str
    args: Mapping[str, Any]
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a deed ended; ``reason`` is for people, ``proof`` what was seen of it."""

    outcome: Outcome
    reason: str = ""
    proof: Proof | None = None


Finish = Callable[[Ending], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command; the body of ``~/result``."""

    cmd_id: str
    outcome: Outcome
    reason: str = ""
    proof: Proof | None = None
    late_ms: int | None = None

    def as_json(self) -> dict[str, object]:
        """The fields as they travel and as they are kept."""
        return {
            "cmd_id": self.cmd_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "proof": None if self.proof is None else dict(self.proof),
            "late_ms": self.late_ms,
        }

    def body(self, *, drill: bool) -> bytes:
        """UTF-8 JSON; *drill* is the branch that it goes out on."""
        return json.dumps(
            {**self.as_json(), **drill_mark(drill=drill)}, ensure_ascii=False
        ).encode()


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was accepted, as the gate remembers it.

    ``plan`` is what the deed wants to be told after a restart, ``result`` how it ended, None while
    that is open; ``issuer`` who gave it, empty where an earlier version did not write that down.
    """

    cmd_id: str
    name: CommandName
    drill: bool
    accepted_utc: str
    plan: Plan = field(default_factory=dict)
    result: Result | None = None
    issuer: str = ""


class Deed(Protocol):
    """What a command of one name does. Runs on the loop and never blocks for long."""

    @property
    def in_drills(self) -> bool:
        """True when it may be done in a drill: then it must be harmless."""

    def plan(self, command: Command) -> Plan:
        """What will be done, in plain JSON; RefusedError when it cannot be. Nothing is done yet."""

    def do(self, command: Command, plan: Plan, finish: Finish) -> None:
        """Do it; the plan is on the disk by now. An exception means that nothing came of it.

        *finish* hears how it ended, now or later; only its first word counts.
        """

    def recall(self, plan: Plan, finish: Finish) -> None:
        """After a restart, of a deed whose end nobody saw: *finish* hears what can be said of it.

        What moves is never moved again; what may be repeated without harm may be finished.
        """
