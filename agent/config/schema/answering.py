"""Section ``answering``: how one call is answered by many."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.config.schema.base import ByItsPath, Id, KindName, Section
from agent.config.schema.escalation import AssistConfig, EscalationConfig
from agent.config.schema.guard import PatrolConfig, Person, PostConfig, ReaderConfig, TaskConfig
from agent.config.schema.profiles import Calendar, Profile
from agent.config.schema.rules import SeverityName
from agent.config.schema.sla import SlaConfig
from contract.words import Kind


class DrillsConfig(Section):
    """Drills: what they light and sound at the gate."""

    sound: Annotated[bool, Field(description="true: sirens too; false: beacons only")] = False


class AnnounceConfig(Section):
    """The speaker: a program that reads a text on its standard input and says it."""

    argv: Annotated[
        list[str],
        Field(max_length=32, description="the program and its arguments; none: no speaker"),
        ByItsPath,
    ] = []
    timeout_s: Annotated[float, Field(gt=0, le=120, description="then it is ended")] = 30.0


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

    @property
    def called_areas(self) -> tuple[str, ...]:
        """Agreed areas, but for the one that is for medical help alone."""
        return tuple(area for area in self.caller_for if area != self.medical_area)
