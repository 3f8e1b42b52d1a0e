"""How the station's screens show time and text: language, width, zone, and texts made harmless.

Pure. Not here: tables and lines (``station.view``, ``station.call_view``).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from agent.core.clock import NS_PER_S
from station.lang import Lang


@dataclass(frozen=True, slots=True)
class Look:
    """How to show it: language, columns of the terminal, and the time zone of the clock shown."""

    lang: Lang
    width: int
    zone: tzinfo = UTC


def plain(text: str, limit: int) -> str:
    """*text* without control, format and surrogate characters, at most *limit* long."""
    clean = "".join(
        c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def clock(moment_ns: int, look: Look, now_ns: int) -> str:
    """Time of day, with the date when it is not today's."""
    moment, now = _moment(moment_ns, look.zone), _moment(now_ns, look.zone)
    if moment is None or now is None:
        return "?"
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%m-%d %H:%M}"


def _moment(ns: int, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromtimestamp(ns / NS_PER_S, zone)
    except (OverflowError, ValueError, OSError):
        return None
