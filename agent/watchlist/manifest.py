"""A watchlist that is too large for one message: the signed manifest that names its chunks.

``~/desired/watchlist`` then carries everything but the entries, and ``chunks``: the SHA-256 and the
length of each message of ``~/desired/watchlist/{n}``, n from 1. A chunk is not signed: its hash is.
Pure. Fetching them is ``agent.watchlist.gathering``'s and ``agent.pipeline.desired``'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.core.errors import RefusedError
from agent.watchlist.bundle import Head, check_signed
from contract.signing import TrustedKeys
from contract.topics import Address
from contract.words import (
    MAX_CHUNKED_BYTES,
    MAX_CHUNKS,
    MAX_ENTRIES,
    MAX_MESSAGE_BYTES,
    Refusal,
    Status,
)

_OF_CHUNKS = frozenset({"hash", "total", "chunks", "sig"})


class _Ref(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=1, le=MAX_MESSAGE_BYTES)]


class _Chunked(Head):
    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    total: Annotated[int, Field(ge=1, le=MAX_ENTRIES)]
    chunks: Annotated[list[_Ref], Field(min_length=1, max_length=MAX_CHUNKS)]


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """One chunk: the hash of its message, in hex, and its length in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A document whose signature holds and whose entries are still to come.

    ``hash`` is the one that the whole document would have, ``total`` the number of its entries,
    ``head`` everything of the whole document but its entries and the signature.
    """

    version: int
    hash: str
    status: Status
    issuer: str
    issued_ns: int
    total: int
    chunks: Sequence[ChunkRef]
    head: Mapping[str, Any]


def is_chunked(data: bytes) -> bool:
    """True for a document that names chunks; whether it may is not said."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "chunks" in value


def read_manifest(
    data: bytes, keys: TrustedKeys | None, address: Address, *, drill: bool
) -> Manifest:
    """The manifest in *data*; RefusedError when it is not ours, not signed, or not readable."""
    head, document = read_model(_Chunked, data, MAX_MESSAGE_BYTES)
    check_signed(head, document, keys, address)
    size = sum(ref.bytes for ref in head.chunks)
    if size > MAX_CHUNKED_BYTES:
        detail = f"{size} bytes in chunks, at most {MAX_CHUNKED_BYTES}"
        raise RefusedError(Refusal.TOO_LARGE, detail)
    return Manifest(
        version=head.version,
        hash=head.hash,
        status=head.status_on(drill=drill),
        issuer=head.issuer,
        issued_ns=head.issued_ns,
        total=head.total,
        chunks=[ChunkRef(ref.sha256, ref.bytes) for ref in head.chunks],
        head={name: value for name, value in document.items() if name not in _OF_CHUNKS},
    )
