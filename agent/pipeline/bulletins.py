"""Notices of areas as they come from the broker, made into events: read, vouched for, in time.

A notice stands retained and is signed with the station's key of role ``config``; an empty message
withdraws it. Not here: showing it (``agent.incidents.notices``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import BothLanguages, Vouch, read_model
from agent.core.answers import BulletinPosted, BulletinRefused, BulletinWithdrawn
from agent.core.clock import Clock, parse_utc, stamp
from agent.core.errors import RefusedError
from agent.core.events import Event
from agent.core.ports import Received
from agent.runtime.ration import Ration
from contract.topics import ID_PATTERN
from contract.words import Refusal, Role, Status

LARGEST = 8 * 1024
LONGEST_REASON = 300
_Utc = Annotated[str, Field(max_length=40)]


class _Bulletin(BaseModel):
    """A notice as it came; a newer station may say more."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)
    bulletin_id: Annotated[str, Field(min_length=1, max_length=64)]
    issuer: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
    role: Literal["config"]
    issued_at: _Utc
    expires_at: _Utc
    text: BothLanguages
    status: Literal["Actual", "Exercise", "Test"]
    area: str | None = None
    sig: str


class Bulletins:
    """Hears the notices that the broker lets through."""

    def __init__(self, clock: Clock, vouch: Vouch, put: Callable[[Event], None]) -> None:
        self._clock = clock
        self._vouch = vouch
        self._put = put
        self._ration = Ration()

    def hear(self, area: str, message: Received) -> None:
        """One message on the topic of *area*'s notice; RefusedError when it is no notice at all."""
        now = stamp(self._clock)
        if not message.payload:
            self._put(BulletinWithdrawn(now, area))
            return
        bulletin, signed = read_model(_Bulletin, message.payload, LARGEST)
        try:
            self._vouch(signed, bulletin.issuer, Role.CONFIG, "a notice")
            if bulletin.area not in (None, area):
                raise RefusedError(Refusal.UNEXPECTED, f"a notice for area '{bulletin.area}'")
            issued_ns, expires_ns = _times(bulletin)
        except RefusedError as error:
            if self._ration.take(self._clock.monotonic_ns()) is not None:
                reason = str(error)[:LONGEST_REASON]
                self._put(BulletinRefused(now, area, bulletin.bulletin_id, reason))
            return
        posted = BulletinPosted(
            now,
            area,
            bulletin.bulletin_id,
            bulletin.issuer,
            bulletin.text.text,
            issued_ns,
            expires_ns,
            Status(bulletin.status),
        )
        self._put(posted)


def _times(bulletin: _Bulletin) -> tuple[int, int]:
    """From when, and until when; RefusedError when that is no time at all."""
    try:
        issued_ns, expires_ns = parse_utc(bulletin.issued_at), parse_utc(bulletin.expires_at)
    except ValueError as error:
        raise RefusedError(Refusal.MALFORMED, str(error)[:200]) from error
    if expires_ns <= issued_ns:
        raise RefusedError(Refusal.MALFORMED, "it expires before it was issued")
    return issued_ns, expires_ns
