"""What travels inside the station, as frozen values.

Here: a message as it came, what is to be written about it, what is to be published. Not here: how
that is decided (``station.receive``, ``station.gates``) or done (``station.store``).
Times are nanoseconds since 1970 by the station's own clock unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contract.words import Status


class Channel(StrEnum):
    """The two streams of a gate that are numbered, stored once and acked."""

    ALERT = "alert"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came. ``again``: the broker says that it may have been delivered before."""

    topic: str
    payload: bytes
    retained: bool
    again: bool
    received_ns: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """An arrival with what it takes to confirm it to the broker; ``mid`` is 0 with QoS 0."""

    arrival: Arrival
    mid: int


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to publish with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """The broker answered a publish; ``refusal`` says why it will not carry it."""

    mid: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """An alert or an event of a gate, ready to be stored.

    ``status`` is the one that counts: Actual when branch and flag disagree (CONTRACT 2).
    ``happened_ns`` is the gate's own wall clock at the cause, to be trusted when ``synced``.
    ``faults`` are breaches of the contract that did not keep it from being used.
    """

    source: str
    id: str
    channel: Channel
    topic: str
    status: Status
    kind: str
    severity: str
    session: int
    seq: int
    replayed: bool
    happened_ns: int
    synced: bool
    received_ns: int
    body: bytes
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """What the station knows of one gate; ``state``, ``meta`` and ``beat`` are JSON texts.

    ``session`` is that of the newest state; ``boots`` and ``beats`` are the last different boot
    ids of births and sessions of heartbeats, oldest first; ``stale`` counts states that were older
    than the session; ``doubled_ns`` is when two agents last showed themselves as this one gate.
    ``heard_ns`` is the last live message of any kind.
    """

    source: str
    session: int | None = None
    state: str | None = None
    state_ns: int = 0
    meta: str | None = None
    meta_ns: int = 0
    beat: str | None = None
    beat_ns: int = 0
    heard_ns: int = 0
    boots: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    stale: int = 0
    doubled_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Store a new alert or event."""

    item: Item


@dataclass(frozen=True, slots=True)
class CountAgain:
    """Count one more copy of what is stored."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Note:
    """Remember this about a gate."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class File:
    """Keep the latest message of a topic; ``key`` tells several on one topic apart.

    A copy of what stands there changes nothing: the time of its first receipt stays.
    """

    topic: str
    key: str
    body: bytes
    received_ns: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep the first bytes of a message that cannot be used; ``source`` may be empty."""

    source: str
    topic: str
    head: bytes
    size: int
    problems: tuple[str, ...]
    received_ns: int


@dataclass(frozen=True, slots=True)
class ToldHead:
    """The newest record of a gate's audit log, as the gate told it: number and hash."""

    n: int
    hash: str


@dataclass(frozen=True, slots=True)
class KeepHead:
    """Keep a head for later comparison."""

    source: str
    told: ToldHead
    at_ns: int


@dataclass(frozen=True, slots=True)
class AuditFault:
    """A gate's audit log is not what the gate told before; stands until a person accepts it."""

    source: str
    text: str
    at_ns: int


class RelayState(StrEnum):
    """Where a relay patrol stands that one gate handed to another."""

    ASKED = "asked"
    TAKEN = "taken"
    NOT_TAKEN = "not taken"


@dataclass(frozen=True, slots=True)
class Relay:
    """A patrol that gate ``source`` handed to gate ``to``, as its task there; both are topics.

    ``en`` and ``zh`` name the round; somebody has to take it within ``within_s``, by ``due_ns``.
    """

    task_id: str
    source: str
    to: str
    en: str
    zh: str
    within_s: float
    due_ns: int
    drill: bool = False
    state: RelayState = RelayState.ASKED


@dataclass(frozen=True, slots=True)
class KeepRelay:
    """Keep how a relay stands."""

    relay: Relay


@dataclass(frozen=True, slots=True)
class Queue:
    """Publish this later, after a restart too."""

    message: Publish
    at_ns: int


Write = Keep | CountAgain | Note | File | Refuse | KeepHead | AuditFault | KeepRelay | Queue


class News(StrEnum):
    """What became of a message, in a word for people and logs."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    STALE = "stale"
    NOTED = "noted"
    FILED = "filed"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to write about one message, and what to publish once that is durable."""

    news: News
    writes: tuple[Write, ...]
    ack: Publish | None = None
    about: str = ""


def gate_name(source: str) -> str:
    """``site/node`` of ``gh/v1/station/site/node``."""
    return "/".join(source.split("/")[3:5])
