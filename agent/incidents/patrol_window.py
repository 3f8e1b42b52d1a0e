"""Windows of patrol rounds by the gate's local time. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from agent.config.schema.rules import DAYS, Window


def opening(window: Window, local: datetime) -> tuple[str, float] | None:
    """When *window*, open at *local*, has opened, and the seconds until it closes."""
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    for back in (0, 1):
        day = (local - timedelta(days=back)).date()
        opened = datetime.combine(day, start, local.tzinfo)
        closes = datetime.combine(
            day if start < end else day + timedelta(days=1), end, local.tzinfo
        )
        if DAYS[day.weekday()] in window.days and opened <= local < closes:
            return opened.isoformat(timespec="minutes"), (closes - local).total_seconds()
    return None
