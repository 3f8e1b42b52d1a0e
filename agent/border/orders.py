"""Arguments of the commands that the ways of answering obey, strict and complete.

Here: their shapes. Not here: who may give them (``agent.pipeline.command_checks``), what they do
(``agent.incidents``), commands that bring faces (``agent.watchlist.sought``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.topics import ID_PATTERN
from contract.words import Kind

LONGEST_DRILL_S = 1800
LONGEST_ANNOUNCEMENT = 500
Why = Annotated[str, Field(min_length=1, max_length=300)]
Person = Annotated[str, Field(min_length=1, max_length=64)]


class StrictArgs(BaseModel):
    """Nothing is converted, nothing unknown is overlooked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class OrderArgs(StrictArgs):
    """What most commands may say: why, and by whom."""

    reason: Annotated[str, Field(max_length=300)] = ""
    by: Annotated[str, Field(max_length=64)] = ""


class ChallengeArgs(OrderArgs):
    """``post.challenge``: is somebody at the post?"""


DrillId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class DrillStart(OrderArgs):
    """``drill.start``: what is rehearsed, where, and for how long.

    Without a device one of those that fit is taken, always the same for the same ``seed``.
    """

    drill_id: DrillId
    scenario: Literal["panic", "duress", "medical", "assist", "intrusion", "call"]
    device: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")] | None = None
    for_s: Annotated[float, Field(gt=0, le=LONGEST_DRILL_S)] = 300.0
    seed: Annotated[int, Field(ge=0, lt=1 << 53)] = 0


class AnnounceArgs(OrderArgs):
    """``announce``: what is said at the gate, in which language."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_ANNOUNCEMENT)]
    lang: Literal["zh", "en"] = "zh"


class DrillStop(OrderArgs):
    """``drill.stop``: of that drill, or of the one that runs."""

    drill_id: DrillId | None = None


class BothTexts(StrictArgs):
    """A sentence in both languages."""

    en: Why
    zh: Why


class AreaCallArgs(OrderArgs):
    """``area.call``: which area, why, and where help is wanted."""

    area: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
    text: BothTexts
    kind: Annotated[str, Field(min_length=1, max_length=64)] = Kind.ASSIST.value
    where: Annotated[str, Field(max_length=64)] = ""
    incident: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class PersonsWord(StrictArgs):
    """What one person at the station said of a lead."""

    by: Person
    reason: Why
    at: Annotated[str, Field(max_length=40)]


class LeadVerdict(StrictArgs):
    """``lead.verdict``: all that was said of one lead so far.

    ``confirm`` with one person waits for a second; with two different ones it is confirmed.
    """

    alert_id: Annotated[str, Field(min_length=1, max_length=64)]
    verdict: Literal["confirm", "reject"]
    decisions: Annotated[list[PersonsWord], Field(min_length=1, max_length=8)]
