"""Calls of areas as they come from outside, made into events: read, vouched for, and in time.

A call is signed by the station, or by an agreed neighbour's gate that the broker alone vouches for;
the event says which. A call that cannot be shown is answered by a fact that names the reason. Not
here: whose calls this gate answers and how (``agent.incidents.calls``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.border.inbound import BothLanguages, Vouch, read_model
from agent.core.answers import AreaCalled, CallUnused
from agent.core.clock import NS_PER_S, Clock, parse_utc, stamp
from agent.core.errors import RefusedError
from agent.core.events import Event
from agent.core.ports import Received
from agent.runtime.ration import Ration
from contract.routes import CALL_S
from contract.topics import ID_PATTERN, Address
from contract.words import Refusal, Role, Status

LARGEST = 8 * 1024
SKEW_NS = 5 * NS_PER_S
_Name = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]


class _Call(BaseModel):
    """A call as it came; a newer station may say more."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)
    call_id: Annotated[str, Field(min_length=1, max_length=64)]
    kind: Annotated[str, Field(min_length=1, max_length=64)]
    text: BothLanguages
    where: Annotated[str, Field(max_length=64)] = ""
    at: Annotated[str, Field(max_length=40)]
    expires_at: Annotated[str, Field(max_length=40)]
    status: Literal["Actual", "Exercise", "Test"]
    synced: bool = True
    site: _Name | None = None
    node: _Name | None = None
    area: _Name | None = None
    issuer: _Name | None = None
    role: Literal["config"] | None = None
    sig: str | None = None

    @model_validator(mode="after")
    def _by_somebody(self) -> Self:
        signed = (self.issuer, self.role, self.sig)
        if any(signed) and not all((*signed, self.area)):
            raise ValueError("a signed call has 'issuer', 'role', 'area' and 'sig'")
        if not any(signed) and not (self.site and self.node):
            raise ValueError("a neighbour's call names its 'site' and 'node'")
        return self

    @property
    def caller(self) -> str:
        """The gate where help is wanted; empty when none is named."""
        return f"{self.site}/{self.node}" if self.site and self.node else ""


class AreaCalls:
    """Hears the calls that the broker lets through."""

    def __init__(
        self, address: Address, clock: Clock, vouch: Vouch, put: Callable[[Event], None]
    ) -> None:
        self._own = f"{address.site}/{address.node}"
        self._clock = clock
        self._vouch = vouch
        self._put = put
        self._ration = Ration()
        self._neighbours = Ration()

    def hear(self, area: str, message: Received) -> None:
        """One message on the topic of *area*'s calls; RefusedError when it is no call at all."""
        if message.retained and not message.payload:
            return
        call, signed = read_model(_Call, message.payload, LARGEST)
        if call.caller == self._own:
            return
        try:
            if message.retained:
                raise RefusedError(Refusal.RETAINED, "never taken from the broker's shelf")
            if call.issuer is not None:
                self._vouch(signed, call.issuer, Role.CONFIG, "an area call")
            elif self._neighbours.take(self._clock.monotonic_ns()) is None:
                raise RefusedError(Refusal.BUSY, "too many calls of neighbours in a minute")
            if call.area is not None and call.area != area:
                raise RefusedError(Refusal.UNEXPECTED, f"a call of area '{call.area}'")
            self._put(self._called(area, call))
        except RefusedError as error:
            if self._ration.take(self._clock.monotonic_ns()) is not None:
                self._put(self._unused(area, call, error))

    def _called(self, area: str, call: _Call) -> AreaCalled:
        return AreaCalled(
            stamp(self._clock),
            area,
            call.call_id,
            call.kind,
            call.text.text,
            call.where,
            call.caller,
            call.issuer or "",
            self._valid_s(call),
            Status(call.status),
        )

    def _valid_s(self, call: _Call) -> float:
        """Seconds from now; by the call's own two times where a clock cannot be believed."""
        try:
            at_ns, over_ns = parse_utc(call.at), parse_utc(call.expires_at)
        except ValueError as error:
            raise RefusedError(Refusal.MALFORMED, str(error)[:200]) from error
        from_ns = at_ns
        if call.synced and self._clock.synced():
            from_ns = self._clock.utc_ns()
            if at_ns > from_ns + SKEW_NS:
                raise RefusedError(Refusal.NOT_YET_VALID, f"called at {call.at}")
        if over_ns <= from_ns:
            raise RefusedError(Refusal.EXPIRED, f"over at {call.expires_at}")
        return min((over_ns - from_ns) / NS_PER_S, CALL_S)

    def _unused(self, area: str, call: _Call, error: RefusedError) -> CallUnused:
        now = stamp(self._clock)
        return CallUnused(
            now, area, call.call_id, error.reason, error.detail[:200], Status(call.status)
        )
