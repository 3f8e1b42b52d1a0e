"""What the rules want done, as frozen values. Deciding does no I/O; the dispatcher carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.answers import GuardAnswered
from agent.core.clock import Stamp
from agent.core.text import Text
from contract.words import Kind, Severity, Status, Urgency

Details = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Raise:
    """Open an incident, or go on with the open one of the same ``key``.

    ``cooldown_s`` holds back repeats of the same severity in an open incident; a rise passes.
    ``lasting``: the rule will say when it is over, however long it takes; any other incident is
    over when nothing was heard of it for an hour. ``latched``: it is over when a person says so,
    and goes on over a restart without being said again; it is lasting too. ``picture`` names the
    one that is held for it.
    """

    at: Stamp
    rule: str
    kind: Kind
    key: str
    severity: Severity
    urgency: Urgency
    text: Text
    device: str
    where: str
    details: Details = field(default_factory=dict)
    status: Status = Status.ACTUAL
    cooldown_s: float = 0.0
    lasting: bool = False
    latched: bool = False
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Resolve:
    """The cause of the open incident ``key`` is gone: say so (CAP Cancel) and close it."""

    at: Stamp
    key: str
    text: Text


@dataclass(frozen=True, slots=True)
class Close:
    """The open incident ``key`` is over for us: the next cause opens a new one. Tells nobody."""

    key: str


class Drive(StrEnum):
    """What an output is told to do."""

    ON = "on"
    OFF = "off"
    PULSE = "pulse"


@dataclass(frozen=True, slots=True)
class Actuate:
    """Drive an output; ``for_s`` bounds ON and PULSE (None: the output's own bound).

    ``spent_s`` of that time passed in an earlier life: what is left of it is driven, if anything.
    """

    output: str
    drive: Drive
    for_s: float | None = None
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Note:
    """A fact worth telling the station that is no alert; ``kind`` is its event type's ending."""

    at: Stamp
    kind: str
    device: str
    where: str
    details: Details = field(default_factory=dict)
    status: Status = Status.ACTUAL


@dataclass(frozen=True, slots=True)
class Tell:
    """A word to the station below the gate's own topics that is neither alert nor fact.

    Said until the broker has it, over restarts. ``parts`` follow ``~``; with ``area`` they are
    none, for the gate's answer to that area's call, or ``("call",)``: the area is called. A newer
    word on the same topic with the same ``key`` takes the place of the older; a ``standing`` one is
    retained and said at every birth. ``for_s`` seconds after ``at`` it is not worth saying.
    """

    parts: tuple[str, ...]
    body: Details
    status: Status = Status.ACTUAL
    standing: bool = False
    area: str = ""
    key: str = ""
    at: Stamp | None = None
    for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A person answered by hand: a button, a card or a code was made out. All ways hear of it."""

    event: GuardAnswered


@dataclass(frozen=True, slots=True)
class Page:
    """Run a hook of the configuration about an incident; ``body`` is what it is given."""

    incident: str
    hook: str
    body: Details


Decision = Raise | Resolve | Close | Actuate | Note | Tell | Answered | Page
