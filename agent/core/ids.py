"""Names and identifiers that travel inside the agent, and where new ones come from.

Ids of stations, sites and nodes are checked in ``contract.topics``; here are the typed names of
things on one gate and RFC 9562 version 7 UUIDs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NewType

from agent.core.clock import Clock

DeviceName = NewType("DeviceName", str)
CameraName = NewType("CameraName", str)
AlertId = NewType("AlertId", str)
IncidentId = NewType("IncidentId", str)
EntryId = NewType("EntryId", str)

_RANDOM_BITS = 74
_MS_LIMIT = 1 << 48


class IdSource:
    """Makes version 7 UUIDs (RFC 9562, 5.7) that never go backwards within a process.

    Where the wall clock stands or steps back, the last millisecond is kept and the random part is
    counted up (RFC 9562, 6.2, method 2), so ids still sort by creation.
    """

    def __init__(self, clock: Clock, random_bits: Callable[[int], int]) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._last_ms = -1
        self._last_random = 0

    def new(self) -> str:
        """A fresh UUID in its 36-character lower-case form."""
        now_ms = min(max(self._clock.utc_ns() // 1_000_000, 0), _MS_LIMIT - 1)
        if now_ms > self._last_ms:
            self._last_ms, self._last_random = now_ms, self._random_bits(_RANDOM_BITS - 1)
        else:
            self._last_random += 1 + self._random_bits(32)
            if self._last_random >> _RANDOM_BITS:
                self._last_ms, self._last_random = self._last_ms + 1, self._random_bits(73)
        return _format_v7(self._last_ms, self._last_random)


def _format_v7(ms: int, random: int) -> str:
    high = ms << 16 | 0x7000 | random >> 62
    low = 0b10 << 62 | random & ((1 << 62) - 1)
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
