"""Deeds that are over as soon as they are done: rebirth, selftest, face.off.

Here: their arguments, and what is said of them after a crash. What they call is given by the
composition root. ``door.open`` and ``wipe`` have files of their own (``agent.access.doors``,
``agent.pipeline.wiping``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.border.inbound import first_fault
from agent.core.commands import Command, Ending, Finish, Plan, Proof
from agent.core.errors import RefusedError, StoreError
from contract.words import Outcome, Refusal

_A = TypeVar("_A", bound=BaseModel)


class Args(BaseModel):
    """What every command may say: why, and who wants it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    reason: Annotated[str, Field(max_length=300)] = ""
    by: Annotated[str, Field(max_length=64)] = ""


class _FaceOff(Args):
    off: bool = True


@dataclass(frozen=True, slots=True)
class Telling:
    """A deed that changes nothing and proves something; any arguments will do."""

    does: Callable[[], Proof]
    in_drills: bool = True

    def plan(self, _: Command) -> Plan:
        """Nothing to remember."""
        return {}

    def do(self, _: Command, __: Plan, finish: Finish) -> None:
        """Do it."""
        finish(Ending(Outcome.DONE, "", self.does()))

    def recall(self, _: Plan, finish: Finish) -> None:
        """It left no trace."""
        finish(Ending(Outcome.UNKNOWN))


class FaceSwitch:
    """The station switches face work off, and on again where the site's own file allows it."""

    in_drills = False

    def __init__(
        self, is_off: Callable[[], bool], switch: Callable[[bool], None], *, fixed: bool
    ) -> None:
        """*switch* stores durably and applies, or raises StoreError; *fixed*: the file says off."""
        self._is_off = is_off
        self._switch = switch
        self._fixed = fixed

    def plan(self, command: Command) -> Plan:
        """Off or on."""
        off = read_args(_FaceOff, command).off
        if self._fixed and not off:
            detail = "the configuration of this gate switches faces off (privacy.face_off)"
            raise RefusedError(Refusal.UNSUPPORTED, detail)
        return {"off": off}

    def do(self, _: Command, plan: Plan, finish: Finish) -> None:
        """Switch."""
        try:
            self._switch(bool(plan["off"]))
        except StoreError as error:
            finish(Ending(Outcome.FAILED, str(error), {"face_off": self._is_off()}))
            return
        finish(Ending(Outcome.DONE, "", {"face_off": self._is_off()}))

    def recall(self, plan: Plan, finish: Finish) -> None:
        """The switch is durable: it tells by itself whether it was moved."""
        state = {"face_off": self._is_off()}
        if self._is_off() is bool(plan["off"]):
            finish(Ending(Outcome.DONE, "", state))
        else:
            finish(Ending(Outcome.FAILED, "the agent ended before it was done", state))


def read_args(model: type[_A], command: Command) -> _A:
    """The arguments of *command*; RefusedError names the first fault."""
    try:
        return model.model_validate(dict(command.args))
    except ValidationError as error:
        raise RefusedError(Refusal.MALFORMED, f"args: {first_fault(error)}") from error
