"""Time as a value: stamps, the clock that makes them, and a clock that tests and simulations move.

Durations come from ``monotonic_ns``; ``utc_ns`` is only shown and compared with dates in documents.
The clock of the machine lives in ``agent.runtime.clock``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

NS_PER_S = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_NS = -62_135_596_800 * NS_PER_S
_LAST_NS = 253_402_300_800 * NS_PER_S - 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened, in every way that can be told at a gate without a reliable clock.

    ``utc_ns`` nanoseconds since 1970 by the wall clock; ``monotonic_ns`` nanoseconds since boot;
    ``boot_id`` the boot that ``monotonic_ns`` counts in; ``synced`` whether the wall clock was
    disciplined by a time source then.
    """

    utc_ns: int
    monotonic_ns: int
    boot_id: str
    synced: bool

    @property
    def utc(self) -> str:
        """RFC 3339 with milliseconds, as in ``2026-11-21T08:00:00.123Z``."""
        return format_utc(self.utc_ns)


class Clock(Protocol):
    """Where the core takes its time from."""

    @property
    def boot_id(self) -> str:
        """Changes with every boot of the machine."""

    def monotonic_ns(self) -> int:
        """Nanoseconds, never stepping; the base of every duration."""

    def utc_ns(self) -> int:
        """Nanoseconds since 1970 by the wall clock; may step either way."""

    def synced(self) -> bool:
        """Whether a time source disciplines the wall clock now."""

    def offset_ms(self) -> float | None:
        """The wall clock's last known offset from its source; None while not synced."""


def stamp(clock: Clock) -> Stamp:
    """Now, by *clock*."""
    return Stamp(clock.utc_ns(), clock.monotonic_ns(), clock.boot_id, clock.synced())


def stamp_at(clock: Clock, monotonic_ns: int) -> Stamp:
    """When *monotonic_ns*, a moment of this boot that is past, was by *clock*'s wall time."""
    now = stamp(clock)
    age_ns = max(now.monotonic_ns - monotonic_ns, 0)
    return Stamp(now.utc_ns - age_ns, now.monotonic_ns - age_ns, now.boot_id, now.synced)


def format_utc(utc_ns: int) -> str:
    """RFC 3339 UTC with milliseconds; years outside 1 to 9999 are clipped, never an error."""
    seconds, rest = divmod(min(max(utc_ns, _FIRST_NS), _LAST_NS), NS_PER_S)
    moment = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='seconds')}.{rest // 1_000_000:03d}Z"


def parse_utc(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time *with* an offset; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it like 2026-11-21T08:00:00Z")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * NS_PER_S + delta.microseconds * 1_000


class ManualClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, utc: str = "2026-11-21T08:00:00Z", *, synced: bool = True) -> None:
        self._utc_ns = parse_utc(utc)
        self._monotonic_ns = 1_000 * NS_PER_S
        self._synced = synced

    @property
    def boot_id(self) -> str:
        """The same boot for ever."""
        return "00000000-0000-4000-8000-000000000000"

    def monotonic_ns(self) -> int:
        """Nanoseconds; moved only by :meth:`advance`."""
        return self._monotonic_ns

    def utc_ns(self) -> int:
        """Nanoseconds since 1970; moved by :meth:`advance` and :meth:`step`."""
        return self._utc_ns

    def synced(self) -> bool:
        """As told."""
        return self._synced

    def offset_ms(self) -> float | None:
        """Nothing to correct."""
        return 0.0 if self._synced else None

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        if seconds < 0:
            raise ValueError("time passes forward only; use step() for the wall clock")
        self._monotonic_ns += round(seconds * NS_PER_S)
        self._utc_ns += round(seconds * NS_PER_S)

    def step(self, seconds: float) -> None:
        """Move the wall clock alone, as NTP or a person does."""
        self._utc_ns += round(seconds * NS_PER_S)

    def set_synced(self, *, synced: bool) -> None:
        """Say whether a time source disciplines the wall clock."""
        self._synced = synced
