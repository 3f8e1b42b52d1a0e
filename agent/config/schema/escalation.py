"""Sections ``answering.escalation`` and ``answering.assist``: what happens when nobody answers."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from agent.config.schema.base import (
    AbsolutePath,
    ByItsPath,
    Id,
    KindName,
    Label,
    Section,
)
from agent.core.hosts import is_loopback
from contract.words import FACE_LEADS, Kind, Stage

NEXT_BROKER = "next-broker"
Wait = Annotated[float, Field(ge=1, le=86_400)]
PersonStage = Literal["received", "seen", "handling"]


class _Hook(Section):
    name: Annotated[Id | None, Field(description="for the station and the log")] = None
    kinds: Annotated[
        list[KindName] | None,
        Field(description="alerts that it is run for; none: escalation.kinds"),
    ] = None
    timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0


class WebHook(_Hook):
    """JSON posted to a server: an SMS gateway, a duty room. https, but to this machine itself."""

    type: Literal["webhook"]
    url: Annotated[str, Field(min_length=1, max_length=500)]
    ca_file: Annotated[
        AbsolutePath | None, Field(description="trust this authority alone; none: the system's")
    ] = None
    headers_file: Annotated[
        AbsolutePath | None, Field(description="lines 'Name: value', such as a token")
    ] = None

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise ValueError("holds a login; put it into headers_file")
        if not parts.hostname or parts.fragment or parts.scheme not in ("http", "https"):
            raise ValueError("is no address such as https://sms.example.net/send")
        if not (parts.port is None or 0 < parts.port < 65_536):
            raise ValueError("has no such port")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("needs https: plain text is accepted to a loopback address only")
        return url


class CommandHook(_Hook):
    """A program that is given JSON on its standard input: a modem, a radio. There is no shell."""

    type: Literal["command"]
    argv: Annotated[
        list[Annotated[str, Field(max_length=1000)]],
        Field(min_length=1, max_length=50),
        ByItsPath,
    ]


Hook = Annotated[WebHook | CommandHook, Field(discriminator="type")]


class Level(Section):
    """One level of the chain, from near to far."""

    level: Literal["unit", "station", "county", "city"]
    name: Label
    after_s: Annotated[float, Field(ge=0, le=86_400, description="unanswered for so long")]


class EscalationConfig(Section):
    """Who else is told of an alert that nobody takes up, and when."""

    kinds: Annotated[list[KindName], Field(description="alerts that escalate")] = [
        Kind.PANIC,
        Kind.DURESS,
    ]
    after_s: Annotated[Wait, Field(description="without the station's ack: run the hooks")] = 30.0
    hooks: Annotated[list[Hook], Field(max_length=8)] = []
    chain: Annotated[list[Level], Field(max_length=6)] = []
    chain_stage: Annotated[
        PersonStage, Field(description="the station's ack from which on the level stays")
    ] = "seen"

    @field_validator("kinds")
    @classmethod
    def _no_leads(cls, kinds: list[Kind]) -> list[Kind]:
        if found := [kind.value for kind in kinds if kind in FACE_LEADS]:
            raise ValueError(f"{', '.join(found)}: a lead waits for a person, it does not escalate")
        return kinds

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [self.name_of(number) for number in range(len(self.hooks))]
        if len(set(names)) < len(names):
            raise ValueError("two hooks have one name")
        if NEXT_BROKER in names:
            raise ValueError(f"'{NEXT_BROKER}' is the name of what a gate with two brokers does")
        waits = [level.after_s for level in self.chain]
        if waits and waits[0] != 0:
            raise ValueError("the chain begins with who is told at once: after_s 0")
        if any(a >= b for a, b in pairwise(waits)):
            raise ValueError("after_s must grow along the chain")
        return self

    def name_of(self, number: int) -> str:
        """What the hook of that number is called."""
        return self.hooks[number].name or f"hook-{number + 1}"

    def kinds_of(self, number: int) -> list[Kind]:
        """For which alerts it is run."""
        own = self.hooks[number].kinds
        return self.kinds if own is None else own

    @property
    def stage(self) -> Stage:
        """The ack that ends the rise of the level."""
        return Stage(self.chain_stage)


class AssistConfig(Section):
    """A call for assistance that nobody answers becomes graver by itself."""

    after_s: Wait = 120.0
    severity: Literal["major", "critical"] = "major"
