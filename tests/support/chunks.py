"""Watchlists in chunks, as a station publishes them: the signed manifest and its messages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import Clock
from contract.signing import content_hash, sign
from contract.words import Role
from tests.support.signed import KEYS, to_bytes, watchlist


def chunk(n: int, entries: Sequence[Any], **fields: Any) -> bytes:
    """The message of one chunk."""
    return to_bytes({"doc": "watchlist", "n": n, "entries": list(entries), **fields})


def named(data: bytes) -> dict[str, object]:
    """How a manifest names a chunk."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def manifest(
    clock: Clock,
    parts: Sequence[bytes],
    count: int,
    *,
    key: Ed25519PrivateKey = KEYS[Role.WATCHLIST],
    **fields: Any,
) -> bytes:
    """The signed manifest of *parts*; *fields* replace its own, and its hash is theirs."""
    document = json.loads(watchlist(clock, []))
    for name in ("entries", "empty", "sig"):
        del document[name]
    document |= {name: each for name, each in fields.items() if name in document}
    whole = {**document, "entries": [entry for part in parts for entry in _entries(part)]}
    chunks = {
        "hash": fields.get("hash") or content_hash(whole),
        "total": count,
        "chunks": [named(part) for part in parts],
    }
    return to_bytes(sign(document | chunks | fields, key))


def _entries(part: bytes) -> list[Any]:
    """The entries of a chunk; none in one that is no chunk."""
    try:
        return list(json.loads(part)["entries"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
