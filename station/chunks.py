"""A signed document as the messages that carry it: one, or chunks and the manifest that names them.

The manifest is signed here with the key of the document's role; a chunk is named by the SHA-256 of
its bytes. Decisions, no I/O. How a gate puts them together: ``agent.watchlist.gathering``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.errors import CheckFailedError
from contract.signing import content_hash
from contract.words import MAX_CHUNKED_BYTES, MAX_CHUNKS, MAX_MESSAGE_BYTES, Status
from station.signed import signed

CHUNK_BYTES = 200 * 1024
_FRAME_BYTES = 200


def manifest_and_chunks(
    document: Mapping[str, Any], key: Ed25519PrivateKey
) -> tuple[bytes, list[bytes]]:
    """The signed manifest of *document* and its chunks, in order.

    CheckFailedError when an entry is larger than a message, or there are too many chunks.
    """
    mark = {"status": Status.EXERCISE.value} if document["status"] == Status.EXERCISE.value else {}
    chunks = [
        rfc8785.dumps({"doc": document["doc"], "n": n, "entries": part, **mark})
        for n, part in enumerate(_parts(document["entries"]), start=1)
    ]
    if len(chunks) > MAX_CHUNKS:
        raise CheckFailedError(f"the document has {len(chunks)} chunks; {MAX_CHUNKS} are possible")
    size = sum(map(len, chunks))
    if size > MAX_CHUNKED_BYTES:
        raise CheckFailedError(
            f"the document is {size} bytes long; a gate takes {MAX_CHUNKED_BYTES} in chunks"
        )
    head = {name: value for name, value in document.items() if name not in ("entries", "sig")}
    body = {
        **head,
        "hash": content_hash(document),
        "total": len(document["entries"]),
        "chunks": [{"sha256": hashlib.sha256(c).hexdigest(), "bytes": len(c)} for c in chunks],
    }
    return rfc8785.dumps(signed(str(document["doc"]), body, key)), chunks


def is_sendable(document: Mapping[str, Any], size: int) -> bool:
    """True when a document of *size* bytes can go out on the wire, whole or in chunks."""
    if size <= MAX_MESSAGE_BYTES:
        return True
    try:
        return size <= MAX_CHUNKED_BYTES and len(list(_parts(document["entries"]))) <= MAX_CHUNKS
    except CheckFailedError:
        return False


def _parts(entries: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The entries in lists that each make one chunk."""
    part: list[Mapping[str, Any]] = []
    filled = 0
    for entry in entries:
        size = len(rfc8785.dumps(dict(entry))) + 1
        if size > MAX_MESSAGE_BYTES - _FRAME_BYTES:
            raise CheckFailedError(
                f"entry {entry.get('entry_id')} is {size} bytes long; a message may have "
                f"{MAX_MESSAGE_BYTES}. Use smaller photos, or import the file at the gate"
            )
        if part and filled + size > CHUNK_BYTES:
            yield part
            part, filled = [], 0
        part.append(entry)
        filled += size
    yield part
