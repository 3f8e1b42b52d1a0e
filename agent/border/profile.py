"""The document ``profile`` as it came from the station: read, and verified before it is used.

Here: every ground for not using one that can be seen in it alone. Not here: what stands
(``agent.incidents.profiles``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.border.signature import check_role
from agent.core.answers import ProfileOrdered
from agent.core.clock import Clock, stamp
from agent.core.errors import RefusedError
from contract.signing import TrustedKeys, content_hash
from contract.topics import ID_PATTERN, Address
from contract.words import Refusal, Role

MAX_BYTES = 16 * 1024


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    profile: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    doc: Literal["profile"]
    version: Annotated[int, Field(ge=1, lt=1 << 53)]
    status: Literal["Actual", "Exercise"]
    node: str
    issuer: str
    role: Literal["config"]
    issued_at: str
    entries: Annotated[list[_Entry], Field(max_length=1)]
    empty: Literal[True] | None = None
    sig: str


def read_profile(
    payload: bytes, keys: TrustedKeys | None, address: Address, clock: Clock, *, drill: bool
) -> ProfileOrdered:
    """The profile that is ordered; without entries it is the calendar's. RefusedError says why not.

    An older version is told apart by whoever knows what stands.
    """
    if drill:
        raise RefusedError(Refusal.UNSUPPORTED, "a profile is not ordered in a drill")
    body, signed = read_model(_Document, payload, MAX_BYTES)
    known = None if keys is None or body.issuer != keys.station else keys.keys
    check_role(signed, known, body.issuer, Role.CONFIG, "profile")
    if body.node not in ("*", address.client_id):
        raise RefusedError(Refusal.WRONG_NODE, f"meant for '{body.node[:100]}'")
    if not body.entries and not body.empty:
        raise RefusedError(Refusal.EMPTY, "back to the calendar has to be said: 'empty'")
    profile = body.entries[0].profile if body.entries else None
    return ProfileOrdered(stamp(clock), profile, body.version, content_hash(signed))
