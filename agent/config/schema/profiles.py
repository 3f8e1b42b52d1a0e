"""Sections ``answering.profiles`` and ``answering.calendar``: what is different, and when."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from agent.config.schema.base import Id, Label, Section
from agent.config.schema.guard import PostPace, Shift
from agent.config.schema.rules import Window
from agent.config.schema.sla import SlaConfig


def _a_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_a_day)]


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
