"""Doors opened on command: the deed behind ``door.open``.

Pulses the door's relay once, releases the forced-open rule, and tells what the door's contact saw.
The relay's own bound ends the pulse (``devices.outputs``), and so does a guard in another process
(``devices.guard``); here the end is only waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.access.opening import Opening, contact_word
from agent.border.inbound import first_fault
from agent.config.schema.devices import Door, GateRelay, Output
from agent.core.clock import Clock, stamp
from agent.core.commands import Command, Ending, Finish, Plan
from agent.core.decisions import Drive
from agent.core.errors import DeviceError, RefusedError
from agent.core.events import DoorReleased, Event, InputChanged, InputState
from contract.words import Outcome, Refusal

log = logging.getLogger(__name__)

AFTER_PULSE_S = 0.1


class Wiring(Protocol):
    """Relays and contacts, as an opening needs them; ``devices.panel`` has it."""

    def drive(self, name: str, drive: Drive, for_s: float | None = None) -> None:
        """Drive an output or raise DeviceError."""

    def driven(self) -> Mapping[str, bool]:
        """Which outputs are away from their safe state."""

    def state_of(self, name: str) -> InputState | None:
        """What an input says; None when it does not work."""


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    door: Annotated[str, Field(min_length=1, max_length=32)]
    reason: Annotated[str, Field(max_length=300)] = ""
    by: Annotated[str, Field(max_length=64)] = ""
    pulse_s: Annotated[float, Field(gt=0, le=10)] | None = None


class DoorDeed:
    """Opens doors. Runs on the loop; ``hear`` is told of every change of an input."""

    in_drills = False

    def __init__(
        self,
        doors: Mapping[str, Door],
        outputs: Mapping[str, Output],
        wiring: Wiring,
        clock: Clock,
        *,
        put: Callable[[Event], None],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """*put* takes the event of a release; *later* calls a function after so many seconds."""
        self._doors = doors
        self._outputs = outputs
        self._wiring = wiring
        self._clock = clock
        self._put = put
        self._later = later
        self._openings: list[tuple[Opening, Finish]] = []

    def plan(self, command: Command) -> Plan:
        """The door and how long its relay is pulsed: never longer than the relay's own bound."""
        try:
            args = _Args.model_validate(dict(command.args))
        except ValidationError as error:
            raise RefusedError(Refusal.MALFORMED, f"args: {first_fault(error)}") from error
        door = self._doors.get(args.door)
        if door is None:
            known = ", ".join(self._doors) or "none"
            raise RefusedError(Refusal.MALFORMED, f"there is no door '{args.door}' ({known})")
        relay = self._outputs.get(door.relay or "")
        if not isinstance(relay, GateRelay):
            raise RefusedError(Refusal.UNSUPPORTED, f"door '{args.door}' has no relay")
        if self._wiring.driven().get(door.relay or ""):
            raise RefusedError(Refusal.BUSY, f"door '{args.door}' is being opened")
        pulse_s = min(args.pulse_s or relay.pulse_s, relay.pulse_s)
        return {"door": args.door, "pulse_s": pulse_s}

    def do(self, command: Command, plan: Plan, finish: Finish) -> None:
        """One pulse; *finish* hears when the door opened, or nobody went through in time."""
        name, pulse_s = str(plan["door"]), float(plan["pulse_s"])
        door = self._doors[name]
        opening = Opening(name, pulse_s, self._wiring.state_of(door.contact))
        try:
            self._wiring.drive(door.relay or "", Drive.PULSE, pulse_s)
        except DeviceError as error:
            opening.relay_failed()
            finish(Ending(Outcome.FAILED, str(error)))
            return
        now = stamp(self._clock)
        opening.relay_on(now.monotonic_ns)
        log.info("door %s opened by command %s", name, command.cmd_id)
        self._openings.append((opening, finish))
        self._put(DoorReleased(now, name, "station", door.release_s, _told_of(command)))
        self._later(pulse_s + AFTER_PULSE_S, lambda: self._relay_off(opening, door))
        self._later(max(door.release_s, pulse_s + 2 * AFTER_PULSE_S), lambda: self._over(opening))

    def recall(self, plan: Plan, finish: Finish) -> None:
        """An opening that an earlier life began: where the door stands now. Nothing is driven."""
        door = self._doors.get(str(plan.get("door")))
        state = None if door is None else self._wiring.state_of(door.contact)
        seen_at = stamp(self._clock).utc
        proof = {**plan, "contact": contact_word(state), "seen_at": seen_at}
        finish(Ending(Outcome.UNKNOWN, "the agent ended before it was over", proof))

    def hear(self, event: InputChanged) -> None:
        """A door's contact says open."""
        if event.state is not InputState.OPEN:
            return
        for opening, _ in list(self._openings):
            if self._doors[opening.door].contact == event.device:
                opening.opened(event.at.monotonic_ns)
        self._tell_ended()

    def _relay_off(self, opening: Opening, door: Door) -> None:
        opening.relay_off(back=not self._wiring.driven().get(door.relay or "", False))
        self._tell_ended()

    def _over(self, opening: Opening) -> None:
        if not opening.ended:
            opening.over()
        self._tell_ended()

    def _tell_ended(self) -> None:
        ended = [(opening, finish) for opening, finish in self._openings if opening.ended]
        self._openings = [pair for pair in self._openings if not pair[0].ended]
        for opening, finish in ended:
            finish(Ending(Outcome.DONE, "", opening.proof()))


def _told_of(command: Command) -> dict[str, object]:
    """Who and why, for the event of the release."""
    told: dict[str, object] = {"issuer": command.issuer, "cmd_id": command.cmd_id}
    named = {name: str(command.args[name]) for name in ("by", "reason") if command.args.get(name)}
    return told | named
