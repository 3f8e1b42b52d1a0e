"""Sections ``answering.profiles`` and ``answering.calendar``: what is different, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from agent.config.schema.base import Id, Label, Seconds, Section, in_order
from agent.config.schema.guard import PostPace, Shift
from agent.config.schema.rules import Window
from agent.config.schema.sla import SlaConfig
from agent.config.schema.when import Within


def _a_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_a_day)]


class DoorLimits(Section):
    """How long a door may stand open while a profile holds."""

    held_warn_s: Seconds
    held_alarm_s: Seconds

    _warn_before_alarm = in_order("held_warn_s", "held_alarm_s")


class RuleLimits(Section):
    """Limits of a rule of the site's own (``type: custom``) while a profile holds."""

    at_least: Annotated[int, Field(ge=2, le=1000)] | None = None
    within_s: Within | None = None
    for_s: Within | None = None

    @property
    def given(self) -> Mapping[str, float]:
        """Those that are named."""
        return {name: value for name, value in self if value is not None}

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.given:
            raise ValueError("give 'at_least', 'within_s' or 'for_s'")
        return self


class Profile(Section):
    """What is different while this profile holds; what is not named is as everywhere else."""

    name: Label
    rank: Annotated[
        int, Field(ge=0, le=99, description="how strict; the highest where the time is not known")
    ]
    heartbeat_s: Annotated[float | None, Field(ge=1, le=3600)] = None
    sla: SlaConfig | None = None
    post: PostPace | None = None
    roster: list[Shift] | None = None
    doors: Annotated[dict[Id, DoorLimits], Field(description="instead of the door's own")] = {}
    rules: Annotated[dict[Id, RuleLimits], Field(description="by the names of custom rules")] = {}


class CalendarWindow(Window):
    """A profile at a time of day on some days."""

    profile: Id


class CalendarDates(Section):
    """A profile on whole days; comes before the weekly windows."""

    profile: Id
    first: Date
    last: Date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError("'first' must not be after 'last'")
        return self


class Calendar(Section):
    """Which profile holds when, by the gate's local time."""

    weekly: list[CalendarWindow] = []
    dates: list[CalendarDates] = []
