"""Times of day in which a rule holds, by the gate's local time.

A gate that does not know the time counts as inside: an unknown time is an armed time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from agent.config.schema.rules import DAYS, Window
from agent.core.clock import NS_PER_S, Stamp


@dataclass(frozen=True, slots=True)
class _Span:
    days: frozenset[int]
    start: time
    end: time

    def covers(self, local: datetime) -> bool:
        now, today = local.timetz().replace(tzinfo=None), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        yesterday = (local - timedelta(days=1)).weekday()
        after_start = today in self.days and now >= self.start
        before_end = yesterday in self.days and now < self.end
        return after_start or before_end


class Windows:
    """A set of windows; an empty set covers all time. ``start`` = ``end`` is a whole day."""

    def __init__(self, windows: Sequence[Window] = (), zone: tzinfo | None = None) -> None:
        """*zone* None is the machine's own local time."""
        self._zone = zone
        self._spans = [
            _Span(
                frozenset(DAYS.index(day) for day in window.days),
                time.fromisoformat(window.start),
                time.fromisoformat(window.end),
            )
            for window in windows
        ]

    def cover(self, at: Stamp) -> bool:
        """True when *at* lies in a window, when there is none, or when the time is not known."""
        if not self._spans or not at.synced:
            return True
        moment = datetime.fromtimestamp(at.utc_ns // NS_PER_S, UTC).astimezone(self._zone)
        return any(span.covers(moment) for span in self._spans)
