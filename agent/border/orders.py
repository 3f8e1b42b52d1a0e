"""Arguments of signed commands that a way of answering obeys: strict, nothing beside them.

Here: one model for each command. Not here: what becomes of them (``agent.incidents``).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contract.topics import ID_PATTERN
from contract.words import Kind

_Sentence = Annotated[str, Field(min_length=1, max_length=300)]


class Args(BaseModel):
    """What all arguments have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BothTexts(Args):
    """A sentence in both languages."""

    en: _Sentence
    zh: _Sentence


class AreaCallArgs(Args):
    """``area.call``: which area, why, and where help is wanted."""

    area: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
    text: BothTexts
    kind: Annotated[str, Field(min_length=1, max_length=64)] = Kind.ASSIST.value
    where: Annotated[str, Field(max_length=64)] = ""
    incident: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    reason: Annotated[str, Field(max_length=300)] = ""
    by: Annotated[str, Field(max_length=64)] = ""
