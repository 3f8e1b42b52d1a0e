"""Commands that a way of answering obeys: their arguments are checked, then it hears of them.

What comes of one is seen in what the way says (an alert, a report, a state); the result says that
it was taken on. Here: the deed. Not here: the ways (``agent.incidents``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.border.inbound import first_fault
from agent.core.clock import Clock, stamp
from agent.core.commands import Command, Ending, Finish, Plan
from agent.core.errors import RefusedError
from agent.core.events import Event, Ordered
from contract.words import Outcome, Refusal

Check = Callable[[Command], None]


class Order:
    """The deed of one command name."""

    def __init__(
        self,
        args: type[BaseModel],
        put: Callable[[Event], None],
        clock: Clock,
        *,
        in_drills: bool,
        check: Check = lambda _: None,
        taken: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """*args*: what the arguments must be. *check* raises RefusedError where it cannot be done.

        *taken* says, after a restart, whether the way knows of the command of that id.
        """
        self._args = args
        self._put = put
        self._clock = clock
        self._check = check
        self._taken = taken
        self.in_drills = in_drills

    def plan(self, command: Command) -> Plan:
        """Its arguments, well-formed, and something that can be done now."""
        try:
            args = self._args.model_validate(dict(command.args))
        except ValidationError as error:
            raise RefusedError(Refusal.MALFORMED, f"args: {first_fault(error)}") from error
        self._check(command)
        return {"cmd_id": command.cmd_id, "args": args.model_dump(mode="json")}

    def do(self, command: Command, plan: Plan, finish: Finish) -> None:
        """Hand it to the way."""
        args: Mapping[str, Any] = plan["args"]
        now = stamp(self._clock)
        self._put(
            Ordered(now, command.name, command.cmd_id, command.issuer, args, command.exercise)
        )
        finish(Ending(Outcome.DONE, "", {"taken": True}))

    def recall(self, plan: Plan) -> Ending:
        """The way knows of it, or it was lost with the life that took it."""
        if self._taken(str(plan["cmd_id"])):
            return Ending(Outcome.DONE, "", {"taken": True})
        return Ending(Outcome.FAILED, "the agent ended before it was taken on")
