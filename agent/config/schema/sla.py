"""Section ``answering.sla``: within which times help has to be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.config.schema.base import KindName, Section
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
