"""What concerns the guard in ``answering``: tasks, the post, readers and people, patrols."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.config.schema.base import AbsolutePath, Id, Label, Section, in_order
from agent.config.schema.devices import Says
from agent.config.schema.rules import Window
from agent.config.schema.sla import Limit
from agent.core.answers import Answer, Helper
from contract.topics import ID_PATTERN


class TaskConfig(Section):
    """Tasks of the station: after which times the guard is reminded, and by what."""

    accept_s: Annotated[Limit, Field(description="not accepted for so long: a reminder")] = 120.0
    arrive_s: Annotated[Limit, Field(description="accepted, not there for so long")] = 900.0
    outputs: Annotated[list[Id], Field(description="sirens or beacons that call the guard")] = []
    sound_s: Annotated[float, Field(gt=0, le=60)] = 2.0


class Shift(Section):
    """Who has to be at the post, and when."""

    who: Id
    windows: Annotated[list[Window], Field(description="none: always")] = []


class PostConfig(Section):
    """The guard's post: how often somebody has to prove being there, and by what."""

    where: Id = "gate"
    every_s: Annotated[Limit | None, Field(description="none: only when the station asks")] = None
    random: Annotated[
        bool, Field(description="between half and one and a half times every_s, not foreseeable")
    ] = True
    remind_s: Limit = 120.0
    absent_s: Limit = 300.0
    devices: Annotated[
        list[str],
        Field(description="answer buttons and readers that prove it, and 'command'; none: all"),
    ] = []
    outputs: Annotated[list[Id], Field(description="sirens or beacons that call the guard")] = []
    sound_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    roster: list[Shift] = []

    _remind_first = in_order("remind_s", "absent_s")


class PostPace(Section):
    """How often and how soon the post is asked while a profile holds."""

    every_s: Limit
    remind_s: Limit = 120.0
    absent_s: Limit = 300.0

    _remind_first = in_order("remind_s", "absent_s")


class ReaderConfig(Section):
    """A keypad or card reader that Linux sees as a keyboard."""

    device: Annotated[
        AbsolutePath, Field(description="by its id: /dev/input/by-id/...; grabbed for the gate")
    ]
    type: Literal["keypad", "card"]
    where: Id = "gate"
    says: Says = [Answer.PRESENT, Answer.ARRIVED]


class Person(Section):
    """Somebody who may answer by card or code; which, stands sealed in the data folder."""

    role: Annotated[Helper, Field(strict=False)] = Helper.GUARD


class PatrolPoint(Section):
    """A place that patrols pass, and what there proves it."""

    name: Label
    where: Id
    by: Annotated[
        list[str], Field(min_length=1, description="answer buttons, readers, or 'command'")
    ]


class PointTime(Section):
    """When a point is due, in seconds after the round's window has opened."""

    from_s: Annotated[float, Field(ge=0, le=86_400, description="before, it does not count")] = 0.0
    by_s: Annotated[Limit, Field(description="not passed by then: an alert at once")]

    _from_first = in_order("from_s", "by_s")


class PatrolRound(Section):
    """Points that somebody has to pass while each of the windows is open."""

    name: Label
    points: Annotated[list[Id], Field(min_length=1)]
    windows: Annotated[list[Window], Field(min_length=1)]
    ordered: Annotated[bool, Field(description="tell when the points are not passed in order")] = (
        True
    )
    times: Annotated[
        dict[Id, PointTime], Field(description="by points; none: while the round's window is open")
    ] = {}
    next: Annotated[
        str | None,
        Field(pattern=f"^{ID_PATTERN}/{ID_PATTERN}$", description="SITE/NODE that goes on"),
    ] = None
    next_within_s: Annotated[
        Limit, Field(description="nobody takes over there for so long: it is told here")
    ] = 900.0


class PatrolConfig(Section):
    """Patrol points of this gate and its rounds."""

    points: dict[Id, PatrolPoint] = {}
    rounds: dict[Id, PatrolRound] = {}
