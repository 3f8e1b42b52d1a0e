"""Arguments of the commands that the ways of answering obey, strict and complete.

Here: their shapes. Not here: who may give them (``agent.pipeline.command_checks``), what they do
(``agent.incidents``).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class OrderArgs(BaseModel):
    """What every command may say: why, and by whom."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    reason: Annotated[str, Field(max_length=300)] = ""
    by: Annotated[str, Field(max_length=64)] = ""


class ChallengeArgs(OrderArgs):
    """``post.challenge``: is somebody at the post?"""
