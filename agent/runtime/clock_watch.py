"""Notices when the wall clock gains or loses its source, and when it steps. Pure."""

from __future__ import annotations

from agent.core.clock import NS_PER_S, Stamp
from agent.core.events import ClockChanged

STEP_NS = NS_PER_S


class ClockWatch:
    """Feed it stamps; it answers when something changed."""

    def __init__(self) -> None:
        self._last: Stamp | None = None

    def look(self, now: Stamp) -> ClockChanged | None:
        """What changed since the last look; the first look tells an unsynced clock only."""
        last, self._last = self._last, now
        if last is None:
            return None if now.synced else ClockChanged(now, synced=False)
        step_ns = (now.utc_ns - last.utc_ns) - (now.monotonic_ns - last.monotonic_ns)
        stepped = abs(step_ns) >= STEP_NS
        if now.synced != last.synced or stepped:
            return ClockChanged(now, synced=now.synced, step_s=step_ns / 1e9 if stepped else 0.0)
        return None
