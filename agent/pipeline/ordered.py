"""Commands that a way of answering obeys: arguments checked, handed over, kept, and only then done.

What comes of one is seen in what the way says later (an alert, a report, a state); the result says
that it was taken on durably. Here: the deed. Not here: the ways (``agent.incidents``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from agent.border.inbound import first_fault
from agent.core.answers import Ordered
from agent.core.clock import Clock, stamp
from agent.core.commands import Command, Ending, Finish, Plan
from agent.core.errors import RefusedError
from agent.core.events import Event
from agent.incidents.way import Obeys, Way
from contract.words import Outcome, Refusal

TAKEN = Ending(Outcome.DONE, "", {"taken": True})


class Order:
    """The deed of one command name, done by *way*."""

    def __init__(
        self,
        way: Way[Any],
        obeys: Obeys,
        act: Callable[[Event], None],
        kept: Callable[[Callable[[], None]], None],
        clock: Clock,
    ) -> None:
        """*act* has an event dispatched before it returns; *kept* calls back when it is durable."""
        self._way = way
        self._args = obeys.args
        self._act = act
        self._kept = kept
        self._clock = clock
        self.in_drills = obeys.in_drills

    def plan(self, command: Command) -> Plan:
        """Its arguments, well-formed, of something that can be done now."""
        try:
            args = self._args.model_validate(dict(command.args))
        except ValidationError as error:
            raise RefusedError(Refusal.MALFORMED, f"args: {first_fault(error)}") from error
        plan: Mapping[str, Any] = {"cmd_id": command.cmd_id, "args": args.model_dump(mode="json")}
        self._way.permit(self._ordered(command, plan))
        return plan

    def do(self, command: Command, plan: Plan, finish: Finish) -> None:
        """Hand it to the way; it is done when the way has kept it."""
        self._act(self._ordered(command, plan))
        self._kept(lambda: finish(TAKEN))

    def recall(self, plan: Plan, finish: Finish) -> None:
        """The way knows of it, or it was lost with the life that took it."""
        took = self._way.took(str(plan["cmd_id"]))
        lost = Ending(Outcome.FAILED, "the agent ended before it was taken on")
        finish(TAKEN if took else lost)

    def _ordered(self, command: Command, plan: Plan) -> Ordered:
        now = stamp(self._clock)
        return Ordered(
            now, command.name, command.cmd_id, command.issuer, plan["args"], command.exercise
        )
