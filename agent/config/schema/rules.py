"""Section ``rules``: which events become alerts, when, how loudly.

A rule that is not mentioned runs with its defaults; ``panic`` cannot be switched off.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from agent.config.schema.base import Id, Seconds, Section
from agent.config.schema.when import Condition

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
SeverityName = Literal["critical", "major", "minor", "warning"]


class Window(Section):
    """A time of day on some days, by the gate's local time; may pass midnight."""

    days: Annotated[list[Day], Field(min_length=1)] = list(DAYS)
    start: TimeOfDay
    end: TimeOfDay


class _Rule(Section):
    name: Id | None = None
    enabled: bool = True
    windows: Annotated[list[Window], Field(description="none: always")] = []
    outputs: Annotated[list[Id], Field(description="sirens and beacons to switch on")] = []
    cooldown_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    severity: SeverityName | None = None


class PanicRule(Section):
    """Every panic button is an alarm at any time: no windows, no switch."""

    type: Literal["panic"]
    name: Id | None = None
    outputs: list[Id] = []


class ButtonRule(_Rule):
    """Medical and assist buttons, and tamper loops."""

    type: Literal["medical", "assist", "tamper"]
    devices: Annotated[list[Id], Field(description="none: all of the kind")] = []


class DoorRule(_Rule):
    """A door forced open, or held open longer than its limits."""

    type: Literal["door.forced", "door.held"]
    doors: Annotated[list[Id], Field(description="none: all")] = []


class WatchlistRule(_Rule):
    """A face lead from a camera."""

    type: Literal["watchlist.face"]
    cameras: Annotated[list[Id], Field(description="none: all")] = []
    cooldown_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0


class CameraRule(_Rule):
    """A camera that is lost, frozen or dark."""

    type: Literal["camera.lost", "camera.blind"]
    cameras: Annotated[list[Id], Field(description="none: all")] = []


class SelfRule(_Rule):
    """The agent's own storage, clock and link; ``grace_s`` is how long it may last unsaid."""

    type: Literal["storage.degraded", "clock.unsynced", "link.degraded"]
    grace_s: Seconds | None = None


AlertName = Literal[
    "panic", "duress", "medical", "assist", "tamper", "door.forced", "door.held",
    "vehicle.locked_exit", "intrusion", "loiter", "crowd", "tailgate",
]  # fmt: skip


class Sentence(Section):
    """What an alert says, in both languages."""

    en: Annotated[str, Field(min_length=1, max_length=200)]
    zh: Annotated[str, Field(min_length=1, max_length=200)]


class CustomRule(_Rule):
    """A rule of the site's own: what has to happen, and which alert that is."""

    type: Literal["custom"]
    name: Id
    when: Condition
    alert: Annotated[AlertName, Field(description="the kind of the alert")]
    text: Sentence


Rule = Annotated[
    PanicRule | ButtonRule | DoorRule | WatchlistRule | CameraRule | SelfRule | CustomRule,
    Field(discriminator="type"),
]
