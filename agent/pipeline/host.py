"""Whether the station listens, as far as a gate can know. Pure: monotonic nanoseconds in.

The station says so, and may say how often it will say it again. One whose word is overdue is taken
as not listening: its will may have died with its broker, and a broker may have kept an old word.
"""

from __future__ import annotations

from agent.core.clock import NS_PER_S

GRACE_S = 5.0


class HostWatch:
    """Remembers until when the station's last word is good."""

    def __init__(self) -> None:
        self._until_ns: int | None = None

    def heard(self, *, online: bool, period_s: float | None, now_ns: int) -> None:
        """The station said whether it listens, and that it says so every *period_s* seconds."""
        self._until_ns = None
        if online and period_s is not None:
            self._until_ns = now_ns + round((2 * period_s + GRACE_S) * NS_PER_S)

    def overdue(self, now_ns: int) -> bool:
        """True, once, when the word has become too old."""
        if self._until_ns is None or now_ns < self._until_ns:
            return False
        self._until_ns = None
        return True
