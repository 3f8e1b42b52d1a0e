"""A call of an area, from what a person asks for to the signed message. Decisions, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import NS_PER_S, format_utc
from contract.routes import CALL_S
from contract.topics import Address
from contract.words import Kind, Role, Status
from station.documents import area_topic
from station.signed import signed
from station.values import Publish


@dataclass(frozen=True, slots=True)
class Call:
    """What a person wants said to an area. ``gate``: where help is wanted, None: nowhere named."""

    area: str
    text_en: str
    text_zh: str
    kind: str = Kind.ASSIST.value
    where: str = ""
    gate: Address | None = None
    valid_s: float = float(CALL_S)
    exercise: bool = False


def make_call(
    call: Call, call_id: str, station: str, at_ns: int, key: Ed25519PrivateKey
) -> Publish:
    """The signed message; CheckFailedError when it is none that the contract allows."""
    topic = area_topic(station, call.area, "call")
    valid_s = min(call.valid_s, CALL_S)
    body: dict[str, Any] = {
        "call_id": call_id,
        "area": call.area,
        "kind": call.kind,
        "text": {"en": call.text_en, "zh": call.text_zh},
        "where": call.where,
        "at": format_utc(at_ns),
        "expires_at": format_utc(at_ns + round(valid_s * NS_PER_S)),
        "status": (Status.EXERCISE if call.exercise else Status.ACTUAL).value,
        "issuer": station,
        "role": Role.CONFIG.value,
    }
    if call.gate is not None:
        body |= {"site": call.gate.site, "node": call.gate.node}
    return Publish(topic, rfc8785.dumps(signed("area-call", body, key)))
