"""Arguments of the commands that ways of answering obey, as they come from outside.

Here: strict shapes of commands whose arguments are kept as they stand. Not here: what becomes of
them (``agent.incidents``), commands that bring faces (``agent.watchlist.sought``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Person = Annotated[str, Field(min_length=1, max_length=64)]
Why = Annotated[str, Field(min_length=1, max_length=300)]


class StrictArgs(BaseModel):
    """Nothing is converted, nothing unknown is overlooked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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
