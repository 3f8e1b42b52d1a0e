"""What the parts of the core ask of each other, as protocols; siblings meet only here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Lane(IntEnum):
    """Two lanes: alarms first and never evicted; events (telemetry) are."""

    ALARM = 0
    EVENT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One message on its way to the station: a CloudEvent in bytes and what is known of it."""

    id: str
    lane: Lane
    seq: int
    topic: str
    body: bytes
    accepted_utc_ns: int


@dataclass(frozen=True, slots=True)
class Received:
    """One message from the station, as the broker delivered it."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Counters:
    """Numbers that survive restarts: the session, and the last seq of each lane."""

    session: int
    alarm_seq: int
    event_seq: int


@dataclass(frozen=True, slots=True)
class Fill:
    """How much a store holds. ``oldest_utc_ns`` is None when it is empty."""

    alarms: int
    events: int
    oldest_utc_ns: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be evicted: events beyond ``max_events`` or accepted before ``event_age_ns`` ago."""

    max_events: int
    event_age_ns: int


class OutboxStore(Protocol):
    """A durable store. Blocking; used by one thread. Failures raise StoreError.

    Positions are numbers that grow with every append and never come back.
    """

    def open(self) -> Counters:
        """Open or create, count the session up durably, and tell the counters."""

    def write(self, appended: Sequence[Entry], removed: Sequence[str]) -> None:
        """Append and remove in one durable step: all of it, or nothing when it raises.

        StoreFullError: there is no room for what is appended; removals alone still succeed. After
        any other StoreError the store has to be opened again.
        """

    def read(self, lane: Lane, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Up to *limit* entries of *lane* with positions above *after*, in order."""

    def fill(self) -> Fill:
        """How much is held."""

    def evict(self, limits: Limits, now_utc_ns: int) -> int:
        """Delete events beyond *limits*, oldest first; how many went."""

    def has_room(self) -> bool:
        """Whether entries can be appended again, after StoreFullError."""

    def close(self) -> None:
        """Give everything back; never raises."""
