"""Section ``answering``: how one call is answered by many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.config.schema.base import AbsolutePath, Id, KindName, Label, Section
from agent.config.schema.devices import Says
from agent.config.schema.escalation import AssistConfig, EscalationConfig
from agent.config.schema.rules import SeverityName, Window
from agent.core.events import Answer, Helper
from contract.topics import ID_PATTERN
from contract.words import Kind

GRAVE = (Kind.PANIC, Kind.DURESS, Kind.MEDICAL)
Limit = Annotated[float, Field(gt=0, le=86_400)]


def _a_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_a_day)]


class SlaConfig(Section):
    """1-3-5: within which times help has to be there, seconds after the cause."""

    kinds: Annotated[list[KindName], Field(description="which alerts start a clock")] = list(GRAVE)
    self_help_s: Limit = 60.0
    mutual_help_s: Limit = 180.0
    reinforcement_s: Limit = 300.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.self_help_s < self.mutual_help_s < self.reinforcement_s:
            raise ValueError("self_help_s, mutual_help_s and reinforcement_s must grow")
        return self

    @property
    def limits(self) -> Mapping[int, float]:
        """Seconds by stage."""
        return {1: self.self_help_s, 3: self.mutual_help_s, 5: self.reinforcement_s}


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

    @model_validator(mode="after")
    def _remind_first(self) -> Self:
        if self.remind_s >= self.absent_s:
            raise ValueError("'remind_s' must be less than 'absent_s'")
        return self


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


class PostPace(Section):
    """How often and how soon the post is asked while a profile holds."""

    every_s: Limit
    remind_s: Limit = 120.0
    absent_s: Limit = 300.0

    @model_validator(mode="after")
    def _remind_first(self) -> Self:
        if self.remind_s >= self.absent_s:
            raise ValueError("'remind_s' must be less than 'absent_s'")
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


class PatrolPoint(Section):
    """A place that patrols pass, and what there proves it."""

    name: Label
    where: Id
    by: Annotated[
        list[str], Field(min_length=1, description="answer buttons, readers, or 'command'")
    ]


class PatrolRound(Section):
    """Points that somebody has to pass while each of the windows is open."""

    name: Label
    points: Annotated[list[Id], Field(min_length=1)]
    windows: Annotated[list[Window], Field(min_length=1)]
    ordered: Annotated[bool, Field(description="tell when the points are not passed in order")] = (
        True
    )
    next: Annotated[
        str | None,
        Field(pattern=f"^{ID_PATTERN}/{ID_PATTERN}$", description="SITE/NODE that goes on"),
    ] = None


class PatrolConfig(Section):
    """Patrol points of this gate and its rounds."""

    points: dict[Id, PatrolPoint] = {}
    rounds: dict[Id, PatrolRound] = {}


class DrillsConfig(Section):
    """Drills: what they light and sound at the gate."""

    sound: Annotated[bool, Field(description="true: sirens too; false: beacons only")] = False


class AnnounceConfig(Section):
    """The speaker: a program that reads a text on its standard input and says it."""

    argv: Annotated[
        list[str],
        Field(max_length=32, description="the program and its arguments; none: no speaker"),
    ] = []
    timeout_s: Annotated[float, Field(gt=0, le=120, description="then it is ended")] = 30.0

    @model_validator(mode="after")
    def _no_search(self) -> Self:
        if self.argv and not self.argv[0].startswith("/"):
            raise ValueError("argv: the program must be an absolute path, starting with '/'")
        return self


class LeadsConfig(Section):
    """Face leads that wait for two persons at the station."""

    wait_s: Annotated[
        float, Field(ge=1, le=86_400, description="nobody decided for so long: the lead expires")
    ] = 900.0
    reviews: Annotated[
        bool, Field(description="likenesses that are no leads are shown to the guard")
    ] = True


class SoughtConfig(Section):
    """Sightings of those whom an order has this gate follow or search for."""

    again_s: Annotated[
        float, Field(ge=0, le=3600, description="one camera tells of one face this far apart")
    ] = 10.0
    search_severity: SeverityName = "minor"


class Answering(Section):
    """Everything about answering; each part has its defaults."""

    sla: SlaConfig = SlaConfig()
    tasks: TaskConfig = TaskConfig()
    post: PostConfig = PostConfig()
    readers: dict[Id, ReaderConfig] = {}
    people: dict[Id, Person] = {}
    patrol: PatrolConfig = PatrolConfig()
    profiles: dict[Id, Profile] = {}
    calendar: Calendar = Calendar()
    areas: Annotated[
        list[Id],
        Field(max_length=16, description="areas whose calls and notices this gate answers"),
    ] = []
    caller_for: Annotated[
        list[Id],
        Field(max_length=16, description="areas that this gate calls while the station is silent"),
    ] = []
    call_kinds: Annotated[
        list[KindName], Field(description="own alerts for which it calls them by itself")
    ] = [Kind.PANIC, Kind.DURESS]
    silence_s: Annotated[
        float, Field(ge=1, le=300, description="without the station's ack for so long: silent")
    ] = 30.0
    call_outputs: Annotated[
        list[Id], Field(description="sirens and beacons that sound a call; of no rule")
    ] = []
    call_sound_s: Annotated[
        float, Field(ge=1, le=300, description="how long, unless somebody answers before")
    ] = 60.0
    medical_area: Annotated[
        Id | None, Field(description="area that a medical alert calls at once; in caller_for")
    ] = None
    drills: DrillsConfig = DrillsConfig()
    announce: AnnounceConfig = AnnounceConfig()
    escalation: EscalationConfig = EscalationConfig()
    assist: AssistConfig = AssistConfig()
    leads: LeadsConfig = LeadsConfig()
    sought: SoughtConfig = SoughtConfig()

    @model_validator(mode="after")
    def _medical_is_agreed(self) -> Self:
        if self.medical_area is not None and self.medical_area not in self.caller_for:
            raise ValueError(f"'{self.medical_area}' (medical_area) must stand in caller_for too")
        return self
