"""Deeds that are over as soon as they are done: rebirth, selftest, face.off, wipe.

Here: their arguments, and what is said of them after a crash. What they call is given by the
composition root. ``door.open`` has a file of its own (``agent.access.doors``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.border.inbound import first_fault
from agent.core.commands import Command, Ending, Finish, Plan, Proof
from agent.core.errors import RefusedError, StoreError
from contract.words import Outcome, Refusal

_A = TypeVar("_A", bound=BaseModel)


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    reason: Annotated[str, Field(max_length=300)] = ""
    by: Annotated[str, Field(max_length=64)] = ""


class _FaceOff(_Args):
    off: bool = True


class _Wipe(_Args):
    confirm: Annotated[str, Field(max_length=98)]


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

    def recall(self, _: Plan) -> Ending:
        """It left no trace."""
        return Ending(Outcome.UNKNOWN)


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
        off = _read(_FaceOff, command).off
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

    def recall(self, plan: Plan) -> Ending:
        """The switch is durable: it tells by itself whether it was moved."""
        state = {"face_off": self._is_off()}
        if self._is_off() is bool(plan["off"]):
            return Ending(Outcome.DONE, "", state)
        return Ending(Outcome.FAILED, "the agent ended before it was done", state)


class Wipe:
    """The stores of this gate are emptied, named one by one; again after a crash, until they are.

    Emptying twice does no harm, so a wipe that was cut short is finished after the restart.
    """

    in_drills = False

    def __init__(self, node: str, stores: Mapping[str, Callable[[], None]]) -> None:
        """*node* is what a command must name to be meant; each store empties itself durably."""
        self._node = node
        self._stores = stores

    def plan(self, command: Command) -> Plan:
        """Only with the gate's own name as ``confirm``."""
        confirm = _read(_Wipe, command).confirm
        if confirm not in (self._node, self._node.rpartition(".")[2]):
            raise RefusedError(Refusal.MALFORMED, f"args: confirm: is not '{self._node}'")
        return {"stores": list(self._stores)}

    def do(self, _: Command, __: Plan, finish: Finish) -> None:
        """Empty all."""
        finish(self._wipe())

    def recall(self, _: Plan) -> Ending:
        """Finish it."""
        return self._wipe()

    def _wipe(self) -> Ending:
        wiped, failed = [], {}
        for name, empty in self._stores.items():
            try:
                empty()
                wiped.append(name)
            except (StoreError, OSError) as error:
                failed[name] = str(error)[:100]
        proof = {"wiped": wiped, "failed": failed}
        if failed:
            return Ending(Outcome.FAILED, f"not emptied: {', '.join(failed)}", proof)
        return Ending(Outcome.DONE, "", proof)


def _read(model: type[_A], command: Command) -> _A:
    try:
        return model.model_validate(dict(command.args))
    except ValidationError as error:
        raise RefusedError(Refusal.MALFORMED, f"args: {first_fault(error)}") from error
