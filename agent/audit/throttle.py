"""How many refusals are written down one by one. Pure: moments in, numbers out.

Whoever floods the gate with nonsense must not fill its disk: beyond a burst, refusals are counted
and the next record tells how many were like it.
"""

from __future__ import annotations

from agent.core.clock import NS_PER_S

BURST = 1000
PER_S = 1


class Throttle:
    """A bucket of ``BURST`` that refills at ``PER_S``; ``skipped`` counts what found it empty."""

    def __init__(self, burst: int = BURST, per_s: float = PER_S) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = float(burst)
        self._at_ns: int | None = None
        self.skipped = 0

    def admit(self, now_ns: int) -> bool:
        """Whether one more may be written at monotonic *now_ns*; it is counted if not."""
        if self._at_ns is not None:
            passed_s = max(now_ns - self._at_ns, 0) / NS_PER_S
            self._left = min(self._left + passed_s * self._per_s, float(self._burst))
        self._at_ns = now_ns
        if self._left < 1:
            self.skipped += 1
            return False
        self._left -= 1
        return True

    def take_skipped(self) -> int:
        """How many were skipped since this was last asked."""
        skipped, self.skipped = self.skipped, 0
        return skipped
