"""A loop's timers on a clock that stands still: calls are made when the test lets time pass."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from agent.core.clock import NS_PER_S, ManualClock


@dataclass(slots=True)
class Timer:
    """One planned call."""

    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Do not make the call."""
        self.cancelled = True


class Timers:
    """``later`` is what ``loop.call_later`` is; ``wait`` advances the clock and makes the calls."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._planned: list[tuple[int, int, Timer]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Plan *call* for *seconds* from now."""
        due_ns = self._clock.monotonic_ns() + round(seconds * NS_PER_S)
        timer = Timer(call)
        heapq.heappush(self._planned, (due_ns, next(self._numbers), timer))
        return timer

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass, making each call at its time."""
        end_ns = self._clock.monotonic_ns() + round(seconds * NS_PER_S)
        while self._planned and self._planned[0][0] <= end_ns:
            due_ns, _, timer = heapq.heappop(self._planned)
            self._advance_to(due_ns)
            if not timer.cancelled:
                timer.call()
        self._advance_to(end_ns)

    @property
    def open(self) -> int:
        """Calls that are planned and not cancelled."""
        return sum(not timer.cancelled for _, _, timer in self._planned)

    def _advance_to(self, moment_ns: int) -> None:
        self._clock.advance(max(moment_ns - self._clock.monotonic_ns(), 0) / NS_PER_S)
