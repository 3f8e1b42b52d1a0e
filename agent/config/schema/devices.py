"""Sections ``inputs``, ``outputs`` and ``access``: what is wired to the gate.

Inputs are named after physical things. Every GPIO contact is wired between the line and ground
with the internal pull-up on, unless ``pull`` says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from agent.config.schema.base import Id, Label, Pin, Seconds, Section, in_order
from agent.core.answers import Answer, Helper


class _Input(Section):
    where: Id
    name: Label


class _Contact(_Input):
    pin: Pin
    pull: Literal["up", "down"] = "up"
    debounce_ms: Annotated[int, Field(ge=5, le=1000)] = 50


class PanicButton(_Contact):
    """One-key alarm. ``nc``: opening or cutting the line is a press, the safe way to wire it."""

    type: Literal["panic"]
    wiring: Literal["nc", "no"] = "nc"
    confirm_ms: Annotated[
        int, Field(ge=0, le=50, description="hold this long before it counts; for noisy lines")
    ] = 0


class MedicalButton(_Contact):
    """Calls medical help."""

    type: Literal["medical"]
    wiring: Literal["nc", "no"] = "no"


class AssistButton(_Contact):
    """Calls a colleague before it becomes an alarm."""

    type: Literal["assist"]
    wiring: Literal["nc", "no"] = "no"


class ResetKey(_Contact):
    """Key switch with which a person at the gate resets latched alarms."""

    type: Literal["reset"]
    wiring: Literal["nc", "no"] = "no"


class ExitButton(_Contact):
    """Request-to-exit beside a door."""

    type: Literal["exit"]
    wiring: Literal["nc", "no"] = "no"


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


Says = Annotated[
    list[Annotated[Answer, Field(strict=False)]],
    BeforeValidator(_listed),
    Field(min_length=1, description="the first that fits what waits"),
]


class AnswerButton(_Contact):
    """A person at the gate answers with it. ``who`` is told as the person; none: the button."""

    type: Literal["answer"]
    wiring: Literal["nc", "no"] = "no"
    says: Says
    who: Id | None = None
    helper: Annotated[Helper, Field(strict=False)] = Helper.GUARD


class DoorContact(_Contact):
    """Tells whether a door stands open. ``nc``: the contact is closed while the door is."""

    type: Literal["door"]
    wiring: Literal["nc", "no"] = "nc"


class VehicleLoop(_Contact):
    """Induction loop detector under the lane."""

    type: Literal["vehicle"]
    wiring: Literal["nc", "no"] = "no"


class TamperLoop(_Input):
    """Supervised line behind a window comparator with two open-collector outputs.

    ``cut_pin`` is pulled to ground while the line's resistance is too high (cut), ``short_pin``
    while it is too low (shorted). Both at once is a fault of the comparator.
    """

    type: Literal["tamper"]
    cut_pin: Pin
    short_pin: Pin
    debounce_ms: Annotated[int, Field(ge=5, le=1000)] = 50


Input = Annotated[
    PanicButton
    | MedicalButton
    | AssistButton
    | ResetKey
    | AnswerButton
    | ExitButton
    | DoorContact
    | VehicleLoop
    | TamperLoop,
    Field(discriminator="type"),
]


class _Output(Section):
    pin: Pin
    active: Literal["high", "low"] = "high"
    name: Label


class Siren(_Output):
    """Sounds for at most ``max_s`` a time."""

    type: Literal["siren"]
    max_s: Annotated[float, Field(gt=0, le=1800)] = 180.0


class Beacon(_Output):
    """Light; stays on until reset, at most ``max_s``."""

    type: Literal["beacon"]
    max_s: Seconds = 3600.0


class GateRelay(_Output):
    """Releases a door or barrier for one bounded pulse.

    ``safe_state`` is what the relay is set to at start, at stop and when a pulse ends: ``off``
    for a lock that is released by power (fail-secure), ``on`` for one that is held by power.
    """

    type: Literal["gate"]
    pulse_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    safe_state: Literal["off", "on"] = "off"


Output = Annotated[Siren | Beacon | GateRelay, Field(discriminator="type")]


class Door(Section):
    """Which contact, relay and exit button belong to one door."""

    contact: Id
    relay: Id | None = None
    exit: Id | None = None
    release_s: Annotated[
        float, Field(gt=0, le=120, description="how long after a release the door may open")
    ] = 10.0
    held_warn_s: Seconds = 30.0
    held_alarm_s: Seconds = 60.0

    _warn_before_alarm = in_order("held_warn_s", "held_alarm_s")


class Access(Section):
    """Doors of this gate."""

    doors: dict[Id, Door] = {}
