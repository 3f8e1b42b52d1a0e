"""Gathering the chunks of one document: in order, one at a time, each checked before it is read.

Memory holds one chunk and the entries of those before it, never more than the manifest announced.
Nothing is applied before the last one. Pure: asking the broker for them is ``agent.pipeline``'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.core.errors import RefusedError
from agent.watchlist.bundle import Bundle, Sorter
from agent.watchlist.manifest import Manifest
from contract.signing import canonical, canonical_value
from contract.words import MAX_CHUNKS, MAX_MESSAGE_BYTES, Refusal


class _Chunk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    doc: Literal["watchlist"]
    n: Annotated[int, Field(ge=1, le=MAX_CHUNKS)]
    entries: Annotated[list[Any], Field(min_length=1)]
    status: Literal["Exercise"] | None = None


class Gathering:
    """One document on its way in."""

    def __init__(self, manifest: Manifest, now_ns: int) -> None:
        """*now_ns* is the best known time, for entries that are already over."""
        self.manifest = manifest
        self._sorter = Sorter(now_ns, manifest.status)
        self._hash = _WholeHash(manifest.head)
        self._wanted = 1

    @property
    def wanted(self) -> int | None:
        """The number of the chunk that is needed next; None when all are here."""
        return self._wanted if self._wanted <= len(self.manifest.chunks) else None

    @property
    def progress(self) -> str:
        """Where it stands, for people: ``chunk 3 of 60``."""
        return f"chunk {self._wanted} of {len(self.manifest.chunks)}"

    def take(self, payload: bytes) -> None:
        """Take the wanted chunk; RefusedError when these are not its bytes.

        ``incomplete``: another message stands in its place, the right one may still come. Any other
        reason: the document cannot be read at all.
        """
        ref = self.manifest.chunks[self._wanted - 1]
        if len(payload) != ref.size or hashlib.sha256(payload).hexdigest() != ref.sha256:
            detail = f"{self.progress} is not the one that the document names"
            raise RefusedError(Refusal.INCOMPLETE, detail)
        chunk, _ = read_model(_Chunk, payload, MAX_MESSAGE_BYTES)
        if chunk.n != self._wanted:
            raise RefusedError(Refusal.MALFORMED, f"{self.progress} calls itself {chunk.n}")
        if self._sorter.seen + len(chunk.entries) > self.manifest.total:
            raise RefusedError(Refusal.MALFORMED, f"has more than {self.manifest.total} entries")
        self._hash.add(chunk.entries)
        self._sorter.add(chunk.entries)
        self._wanted += 1

    def bundle(self) -> Bundle:
        """The whole document, once nothing is wanted any more; RefusedError if entries lack."""
        manifest, seen = self.manifest, self._sorter.seen
        if self.wanted is not None:
            raise RefusedError(Refusal.INCOMPLETE, f"{self.progress} is missing")
        if seen != manifest.total:
            raise RefusedError(Refusal.MALFORMED, f"has {seen} of {manifest.total} entries")
        if self._hash.told() != manifest.hash:
            raise RefusedError(Refusal.MALFORMED, "its entries are not those of its hash")
        return Bundle(
            version=manifest.version,
            hash=manifest.hash,
            status=manifest.status,
            issuer=manifest.issuer,
            issued_ns=manifest.issued_ns,
            entries=self._sorter.entries,
            rejected=self._sorter.rejected,
        )


class _WholeHash:
    """The hash of the document as if it had come whole, entry by entry and without holding it."""

    _MARK = b'"entries":['

    def __init__(self, head: Mapping[str, Any]) -> None:
        """*head*: the document without its entries."""
        before, mark, self._after = canonical({**head, "entries": []}).partition(self._MARK)
        self._made = hashlib.sha256(before + mark)
        self._comma = b""

    def add(self, entries: Iterable[Any]) -> None:
        """More of the entries, in order; RefusedError for one without a canonical form."""
        for entry in entries:
            try:
                self._made.update(self._comma + canonical_value(entry))
            except (ValueError, RecursionError) as error:
                raise RefusedError(Refusal.MALFORMED, f"an entry: {error}") from error
            self._comma = b","

    def told(self) -> str:
        """As the manifest tells it."""
        made = self._made.copy()
        made.update(self._after)
        return "sha256:" + made.hexdigest()
