"""What passes between a gate that joins and its station: the token, the questions, the papers.

One question and one answer a connection, each four bytes of length (big-endian) and a JSON object
in UTF-8, over TLS 1.2 or newer. An answer with ``error`` is a refusal, for people to read.

==============  ==================  ==============================================================
``op``          the gate shows      answer
==============  ==================  ==============================================================
``authority``   nothing             ``authority``: the station's CA certificate (PEM), to be held
                                    against the pin *before* anything else is said
``join``        a token             the papers; the token is spent once the gate has confirmed
``renew``       its certificate     ``certificate``: one for the new key in ``request``
``confirm``     its certificate     ``confirmed``: the certificate's serial number; it is in use
==============  ==================  ==============================================================
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from contract.signing import strict_json
from contract.topics import Address, is_id

PREFIX = "gh1-"
SECRET_BYTES = 20
MAX_QUESTION_BYTES = 16 * 1024
MAX_ANSWER_BYTES = 128 * 1024
HEADER_BYTES = 4
_PIN_BYTES = 32
_CHECK_BYTES = 4
_DAMAGED = "is damaged: a character is missing or wrong; copy it whole"
_FIXED_BYTES = SECRET_BYTES + _PIN_BYTES + 2


@dataclass(frozen=True, slots=True)
class JoinToken:
    """Good for one gate, once. ``pin`` is the SHA-256 of the station's CA certificate (DER).

    ``secret`` is 160 random bits and shows in no ``repr``.
    """

    gate: Address
    host: str
    port: int
    pin: bytes
    secret: bytes = field(repr=False)

    def text(self) -> str:
        """One printable word, with a check sum against typing errors."""
        names = f"{self.gate.client_id} {self.host}".encode()
        body = self.secret + self.pin + self.port.to_bytes(2, "big") + names
        packed = base64.urlsafe_b64encode(body + _check_sum(body)).decode("ascii")
        return PREFIX + packed.rstrip("=")


def read_token(text: str) -> JoinToken:
    """The token in *text*; ValueError says what is wrong, without repeating it."""
    word = "".join(text.split())
    if not word.startswith(PREFIX):
        raise ValueError(f"is no join token: one starts with {PREFIX!r}")
    packed = word.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(_DAMAGED) from error
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if len(body) <= _FIXED_BYTES or check != _check_sum(body):
        raise ValueError(_DAMAGED)
    pin, port = body[SECRET_BYTES:][:_PIN_BYTES], body[_FIXED_BYTES - 2 : _FIXED_BYTES]
    gate, _, host = body[_FIXED_BYTES:].decode("utf-8", "replace").partition(" ")
    return JoinToken(read_gate(gate), host, int.from_bytes(port, "big"), pin, body[:SECRET_BYTES])


def secret_hash(secret: bytes) -> bytes:
    """What a station keeps of a token. Plain SHA-256: 160 random bits need no salt."""
    return hashlib.sha256(secret).digest()


def read_gate(text: str) -> Address:
    """A gate from ``STATION.SITE.NODE``; ValueError otherwise."""
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError(f"{text!r} is not STATION.SITE.NODE")
    return Address(*parts)


def fingerprint(digest: bytes) -> str:
    """A SHA-256 for people: sixteen groups of four hexadecimal digits."""
    text = digest.hex()
    return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


def is_fingerprint(text: str, digest: bytes) -> bool:
    """True when a person's *text* is the whole fingerprint of *digest*, however it is grouped."""
    return "".join(c for c in text.lower() if c not in ": -") == digest.hex()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Papers:
    """What a gate gets when it joins. ``certificate`` and ``authority`` are PEM."""

    gate: Address
    certificate: str
    authority: str
    trusted_keys: Mapping[str, Any]
    brokers: tuple[Place, ...]
    enrolment: tuple[Place, ...]
    areas: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is sent, and as it lies on a USB stick."""
        return {
            "gate": self.gate.client_id,
            "certificate": self.certificate,
            "authority": self.authority,
            "trusted_keys": dict(self.trusted_keys),
            "brokers": [_place_json(place) for place in self.brokers],
            "enrolment": [_place_json(place) for place in self.enrolment],
            "areas": list(self.areas),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read papers; ValueError says what is missing or unfit."""
        brokers = _places(value, "brokers")
        if not brokers:
            raise ValueError("the papers name no broker")
        keys = value.get("trusted_keys")
        if not isinstance(keys, dict):
            raise ValueError("the papers lack 'trusted_keys'")  # noqa: TRY004 - one error for bad input
        areas = value.get("areas", [])
        if not isinstance(areas, list) or not all(isinstance(a, str) and is_id(a) for a in areas):
            raise ValueError("the papers' 'areas' are not ids")
        return cls(
            gate=read_gate(_text(value, "gate")),
            certificate=_text(value, "certificate"),
            authority=_text(value, "authority"),
            trusted_keys=keys,
            brokers=brokers,
            enrolment=_places(value, "enrolment"),
            areas=tuple(areas),
        )


def pack(value: Mapping[str, Any]) -> bytes:
    """One message as it goes over the wire."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def body_length(header: bytes, limit: int) -> int:
    """How many bytes follow *header*; ValueError when it is none or promises too much."""
    length = int.from_bytes(header, "big")
    if len(header) != HEADER_BYTES or not 0 < length <= limit:
        raise ValueError(f"does not start with a length up to {limit}")
    return length


def unpack(body: bytes) -> dict[str, Any]:
    """The JSON object in *body*; ValueError otherwise."""
    return strict_json(body, MAX_ANSWER_BYTES)


def _check_sum(body: bytes) -> bytes:
    return hashlib.sha256(PREFIX.encode() + body).digest()[:_CHECK_BYTES]


def _place_json(place: Place) -> dict[str, Any]:
    return {"host": place.host, "port": place.port}


def _places(value: Mapping[str, Any], key: str) -> tuple[Place, ...]:
    found = value.get(key, [])
    if not isinstance(found, list) or len(found) > 8:
        raise ValueError(f"the papers' {key!r} is no list of up to 8 places")
    places = []
    for item in found:
        host, port = (item.get("host"), item.get("port")) if isinstance(item, dict) else ("", 0)
        if not isinstance(host, str) or not host or len(host) > 255 or type(port) is not int:
            raise ValueError(f"the papers' {key!r} holds something else than host and port")
        if not 0 < port < 65536:
            raise ValueError(f"the papers' {key!r} holds port {port}")
        places.append(Place(host, port))
    return tuple(places)


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not text:
        raise ValueError(f"the papers lack {key!r}")
    return text
