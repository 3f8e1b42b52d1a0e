"""How late it surely is, at a gate whose wall clock may be years ahead. Pure.

An entry is used only within its time by the clock on the wall; that costs nothing when the clock is
wrong, because the entry is back when the clock is. Deleting and rejecting cannot be taken back, so
they go by this time instead: a clock that nobody disciplines is believed when the program starts,
unless it is absurdly far ahead of what the station signed last, and from then on only the time that
really passed is counted. It needs no network, so what is over is deleted without one.
"""

from __future__ import annotations

from agent.core.clock import NS_PER_S, Clock

ABSURDLY_AHEAD_NS = 366 * 86_400 * NS_PER_S


class SureTime:
    """One per process; made at its start. ``floor_ns`` is the latest time that was signed, or 0."""

    def __init__(self, clock: Clock, floor_ns: int) -> None:
        self._clock = clock
        told_ns = clock.utc_ns()
        believed = clock.synced() or not floor_ns or told_ns - floor_ns <= ABSURDLY_AHEAD_NS
        self._believed_ns = told_ns if believed else floor_ns
        self._since_ns = clock.monotonic_ns()

    def now_ns(self, floor_ns: int) -> int:
        """Nanoseconds since 1970, at the earliest that it can be now."""
        now_ns = self._clock.monotonic_ns()
        passed_ns = self._believed_ns + now_ns - self._since_ns
        if self._clock.synced():
            passed_ns = self._clock.utc_ns()
        self._believed_ns, self._since_ns = max(passed_ns, floor_ns), now_ns
        return self._believed_ns
