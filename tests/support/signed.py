"""A station's keys, and what they sign: commands and watchlists as a gate receives them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import NS_PER_S, Clock, format_utc
from contract.signing import TrustedKeys, sign
from contract.words import Role
from tests.support.samples import ADDRESS

DAY_S = 86_400.0
KEYS = {
    role: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, role in enumerate(Role, start=1)
}
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes([99]) * 32)
TRUSTED = TrustedKeys(ADDRESS.station, {role: key.public_key() for role, key in KEYS.items()})
PHOTO = b"\xff\xd8 a photo \xff\xd9"


def utc(clock: Clock, seconds: float = 0.0) -> str:
    """The wall time *seconds* from now."""
    return format_utc(clock.utc_ns() + round(seconds * NS_PER_S))


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON without spaces, as a station sends it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def command(
    clock: Clock, *, key: Ed25519PrivateKey = KEYS[Role.CONFIG], **fields: Any
) -> dict[str, Any]:
    """A signed command to reintroduce ourselves, good for a minute; *fields* replace its own."""
    document: dict[str, Any] = {
        "cmd_id": "cmd-00000001",
        "name": "rebirth",
        "issuer": ADDRESS.station,
        "node": ADDRESS.client_id,
        "issued_at": utc(clock),
        "expires_at": utc(clock, 60),
        "counter": 1,
        "args": {},
    }
    return sign(document | fields, key)


def listed(clock: Clock, **fields: Any) -> dict[str, Any]:
    """One entry with a photo, valid for 30 days; a field that is given as ``...`` is left out."""
    value: dict[str, Any] = {
        "entry_id": "w-1",
        "list": "wanted",
        "authority": "Cancheng PSB",
        "case_reference": "A-2026-0117",
        "legal_basis": "Criminal Procedure Law, art. 150",
        "category": "robbery",
        "approvers": ["Officer A", "Officer B"],
        "not_before": utc(clock),
        "expires_at": utc(clock, 30 * DAY_S),
        "instruction": {"en": "Do not approach. Call.", "zh": "请勿接近，立即报告。"},
        "photos": [base64.b64encode(PHOTO).decode("ascii")],
    }
    return {name: each for name, each in {**value, **fields}.items() if each is not ...}


def template(model_id: str, *values: bytes) -> dict[str, str]:
    """A template made elsewhere from four-byte *values*."""
    return {"model_id": model_id, "vector": base64.b64encode(b"".join(values)).decode("ascii")}


def watchlist(
    clock: Clock,
    entries: list[Any],
    *,
    key: Ed25519PrivateKey = KEYS[Role.WATCHLIST],
    **fields: Any,
) -> bytes:
    """A signed watchlist of version 1 for this gate."""
    document: dict[str, Any] = {
        "doc": "watchlist",
        "version": 1,
        "status": "Actual",
        "node": ADDRESS.client_id,
        "issuer": ADDRESS.station,
        "role": "watchlist",
        "issued_at": utc(clock),
        "entries": entries,
    }
    if not entries:
        document["empty"] = True
    whole = {name: each for name, each in {**document, **fields}.items() if each is not ...}
    return to_bytes(sign(whole, key))
