"""Signed JSON: Ed25519 over the canonical JSON (RFC 8785) of everything but ``sig``.

Here: signing, verifying, and the two key file forms. Who may sign what is decided elsewhere.
A signature is base64 of 64 bytes, a public key base64 of its 32 raw bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contract.topics import is_id
from contract.words import Role

SIGNATURE_FIELD = "sig"
LONGEST_NUMBER = 40
OWN_LEVEL = "station"
ISSUER_LEVELS = ("station", "county", "city")
MOST_ISSUERS = 16


def canonical(document: Mapping[str, Any]) -> bytes:
    """RFC 8785 bytes of *document* without ``sig``; ValueError for what JSON cannot carry."""
    return canonical_value({k: value for k, value in document.items() if k != SIGNATURE_FIELD})


def canonical_value(value: Any) -> bytes:
    """RFC 8785 bytes of any value; ValueError for what JSON cannot carry."""
    return rfc8785.dumps(value)


def sign(document: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """*document* with ``sig`` set."""
    signature = base64.b64encode(key.sign(canonical(document))).decode("ascii")
    return {**document, SIGNATURE_FIELD: signature}


def is_signed_by(document: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """True when ``sig`` of *document* is *key*'s over the rest of it; never raises.

    A signature has one spelling: base64 whose unused bits are not zero is refused.
    """
    signature = document.get(SIGNATURE_FIELD)
    if not isinstance(signature, str):
        return False
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, canonical(document))
    except (InvalidSignature, ValueError, RecursionError):
        return False
    return base64.b64encode(raw).decode("ascii") == signature


def content_hash(document: Mapping[str, Any]) -> str:
    """``sha256:`` and hex of the canonical JSON without ``sig``: names one content."""
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def strict_json(data: bytes, limit: int) -> dict[str, Any]:
    """The JSON object in *data*; ValueError when too large, not UTF-8, not an object, or doubled.

    Doubled keys are refused: two parsers could see two different documents behind one signature.
    So are numbers beyond a double, and half of a surrogate pair, which no UTF-8 text can hold.
    """
    if len(data) > limit:
        raise ValueError(f"is {len(data)} bytes long, more than {limit}")
    try:
        value = _parsed(data)
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise ValueError("has half of a surrogate pair in a text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - one error for bad input
    return value


def _parsed(data: bytes) -> Any:
    value = json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_no_doubles,
        parse_constant=_no_constant,
        parse_float=_finite,
        parse_int=_whole,
    )
    if b"\\u" in data and b"\\ud" in data.lower():
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("has a key twice")
    return result


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("has a number that is not finite")
    return number


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("has a number too long to be meant")
    return int(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"has {name}, which is not JSON")


def public_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """Base64 of the 32 raw bytes of the public key."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return base64.b64encode(public.public_bytes_raw()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who else may order: a centre above the station, its level, and its public role keys."""

    level: str
    keys: Mapping[Role, Ed25519PublicKey]


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The public role keys of one station, as a gate keeps them, and of the issuers it lists."""

    station: str
    keys: Mapping[Role, Ed25519PublicKey]
    issuers: Mapping[str, Issuer] = field(default_factory=dict)

    def of(self, issuer: str) -> Mapping[Role, Ed25519PublicKey] | None:
        """The keys of *issuer*; None when it is neither the station nor listed."""
        if issuer == self.station:
            return self.keys
        listed = self.issuers.get(issuer)
        return None if listed is None else listed.keys

    def level_of(self, issuer: str) -> str:
        """Its level: ``station`` for the station itself, empty for who is not listed."""
        if issuer == self.station:
            return OWN_LEVEL
        return self.issuers[issuer].level if issuer in self.issuers else ""

    def to_json(self) -> bytes:
        """The file that a gate is given: ``{"station": ..., "keys": {role: base64}}``.

        With listed issuers also ``issuers``: ``{id: {"level": ..., "keys": {role: base64}}}``.
        """
        value: dict[str, object] = {"station": self.station, "keys": _texts(self.keys)}
        if self.issuers:
            value["issuers"] = {
                name: {"level": issuer.level, "keys": _texts(issuer.keys)}
                for name, issuer in self.issuers.items()
            }
        return json.dumps(value, indent=2).encode() + b"\n"


def read_trusted_keys(data: bytes) -> TrustedKeys:
    """Read a trusted-keys file; ValueError says what is wrong."""
    value = strict_json(data, 64 * 1024)
    station = value.get("station")
    if not isinstance(station, str) or not is_id(station):
        raise ValueError("'station' is missing or no id")
    return TrustedKeys(station, _keys(value), _issuers(value.get("issuers", {}), station))


def _issuers(value: object, station: str) -> Mapping[str, Issuer]:
    if not isinstance(value, dict) or len(value) > MOST_ISSUERS:
        raise ValueError(f"'issuers' is no mapping of at most {MOST_ISSUERS}")
    found = {}
    for name, listed in value.items():
        if not is_id(name) or name == station or not isinstance(listed, dict):
            raise ValueError(f"'{name}' is no issuer beside the station")
        if listed.get("level") not in ISSUER_LEVELS:
            levels = ", ".join(ISSUER_LEVELS)
            raise ValueError(f"the level of '{name}' is none of {levels}")
        found[name] = Issuer(listed["level"], _keys(listed))
    return found


def _texts(keys: Mapping[Role, Ed25519PublicKey]) -> dict[str, str]:
    return {role.value: public_text(key) for role, key in keys.items()}


def _keys(value: Mapping[str, Any]) -> Mapping[Role, Ed25519PublicKey]:
    keys = value.get("keys")
    if not isinstance(keys, dict):
        raise ValueError("'keys' is missing")  # noqa: TRY004 - one error for bad input
    found = {}
    for name, text in keys.items():
        if name not in set(Role):
            raise ValueError(f"'{name}' is not a role ({', '.join(Role)})")
        try:
            raw = base64.b64decode(str(text), validate=True)
            found[Role(name)] = Ed25519PublicKey.from_public_bytes(raw)
        except (ValueError, binascii.Error) as error:
            raise ValueError(f"the key of role '{name}' is not base64 of 32 bytes") from error
    return found
