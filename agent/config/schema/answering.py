"""Section ``answering``: how one call is answered by many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.config.schema.base import Id, KindName, Section
from agent.config.schema.escalation import AssistConfig, EscalationConfig
from contract.words import Kind

GRAVE = (Kind.PANIC, Kind.DURESS, Kind.MEDICAL)
Limit = Annotated[float, Field(gt=0, le=86_400)]


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


class Answering(Section):
    """Everything about answering; each part has its defaults."""

    sla: SlaConfig = SlaConfig()
    areas: Annotated[
        list[Id], Field(max_length=16, description="areas whose calls this gate answers")
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

    escalation: EscalationConfig = EscalationConfig()
    assist: AssistConfig = AssistConfig()

    @model_validator(mode="after")
    def _medical_is_agreed(self) -> Self:
        if self.medical_area is not None and self.medical_area not in self.caller_for:
            raise ValueError(f"'{self.medical_area}' (medical_area) must stand in caller_for too")
        return self
