"""Section ``answering``: how one call is answered by many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.config.schema.base import Id, Section
from contract.words import Kind

GRAVE = (Kind.PANIC, Kind.DURESS, Kind.MEDICAL)
Limit = Annotated[float, Field(gt=0, le=86_400)]


class SlaConfig(Section):
    """1-3-5: within which times help has to be there, seconds after the cause."""

    kinds: Annotated[list[Kind], Field(description="which alerts start a clock")] = list(GRAVE)
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


class Answering(Section):
    """Everything about answering; each part has its defaults."""

    sla: SlaConfig = SlaConfig()
    areas: Annotated[
        list[Id],
        Field(max_length=16, description="areas whose calls and notices this gate answers"),
    ] = []
    drills: DrillsConfig = DrillsConfig()
    announce: AnnounceConfig = AnnounceConfig()
