"""Section ``evidence``: on what grounds pictures of leads may leave the gate, and until when.

Here: the recorded basis, and whether it still holds. Not here: making, keeping and sending pictures
(``agent.vision.evidence``, ``agent.incidents.pictures``).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

from pydantic import AfterValidator, Field

from agent.config.schema.base import Section
from agent.core.clock import NS_PER_S

NO_BASIS = "no transmission basis is recorded (evidence)"
# A clock that says an earlier time was never set: nobody knows whether the basis holds.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


def _moment(text: str) -> datetime:
    """*text* as UTC; a date alone is its first moment."""
    if len(text) == len("2026-01-31"):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    return moment.astimezone(UTC)


def _end(text: str) -> str:
    try:
        _moment(text)
    except (ValueError, OverflowError):
        raise ValueError(
            "must be a date such as '2027-06-30' (it ends as that day begins, UTC) or a moment with"
            f" its time zone such as '2027-06-30T08:00:00Z', not {text[:40]!r}"
        ) from None
    return text


class Evidence(Section):
    """The transmission basis: without it, or past ``expires_at``, no picture leaves the gate."""

    basis: Annotated[
        str, Field(min_length=8, max_length=300, description="the law or the consent cited")
    ]
    owner: Annotated[str, Field(min_length=2, max_length=120, description="who answers for it")]
    expires_at: Annotated[str, AfterValidator(_end)]
    longest_px: Annotated[int, Field(ge=160, le=960, description="a picture's longest side")] = 480

    def ended(self, utc_ns: int) -> str:
        """Why no picture may leave at *utc_ns* (nanoseconds since 1970); empty while one may."""
        now_s = utc_ns // NS_PER_S
        if now_s < _EARLIEST.timestamp():
            return "the clock is not set, so nobody knows whether the transmission basis holds"
        if now_s >= _moment(self.expires_at).timestamp():
            return f"the transmission basis ended at {self.expires_at}"
        return ""
