"""What a process holds in its memory, raw: freed pieces too, as whoever takes a dump finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
WORD, PAIR = 8, 16
PIECE = 1 << 22
_HASH_BITS = 24


def in_memory(pid: int, needle: bytes) -> int:
    """How often *needle* stands in the memory that process *pid* may write."""
    return sum(part.count(needle) for part in parts_of(pid))


def parts_of(pid: int) -> Iterator[bytes]:
    """The memory that process *pid* may write, mapping by mapping."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines():
            span, rights, *_ = line.split()
            first, last = (int(edge, 16) for edge in span.split("-"))
            if rights.startswith("rw"):
                yield _part(memory, first, last - first)


class Needles:
    """Many byte strings that are looked for at once: thousands in hundreds of megabytes.

    Of a needle each pair of words that begins at one of its first eight bytes is known; wherever it
    lies, one of them lies on a boundary.
    """

    def __init__(self, needles: Sequence[bytes]) -> None:
        """ValueError for a needle under 24 bytes, or of few different ones: it says nothing."""
        if any(len(needle) < 3 * WORD or len(set(needle)) < 6 for needle in needles):
            raise ValueError("a needle is too short or too plain to be found")
        self._needles = tuple(needles)
        self._known: dict[bytes, list[tuple[int, int]]] = {}
        for number, needle in enumerate(needles):
            for at in range(WORD):
                self._known.setdefault(needle[at : at + PAIR], []).append((number, at))
        self._maybe = np.zeros(1 << _HASH_BITS, bool)
        words = np.frombuffer(b"".join(self._known), "<u8").reshape(-1, 2)
        self._maybe[_hash(words[:, 0], words[:, 1])] = True

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self._needles)

    def found(self, data: bytes) -> set[int]:
        """The numbers of those that stand in *data*."""
        hits: set[int] = set()
        for start in range(0, len(data), PIECE):
            size = min(PIECE + PAIR, len(data) - start)
            words = np.frombuffer(data, "<u8", size // WORD, start)
            for place in np.flatnonzero(self._maybe[_hash(words[:-1], words[1:])]).tolist():
                hits |= self._at(data, start + place * WORD)
        return hits

    def _at(self, data: bytes, place: int) -> set[int]:
        """Those of which a pair of words lies at *place*."""
        found = set()
        for number, at in self._known.get(data[place : place + PAIR], ()):
            needle, start = self._needles[number], place - at
            if start >= 0 and data[start : start + len(needle)] == needle:
                found.add(number)
        return found


def _hash(first: Words, second: Words) -> Words:
    mixed = (first ^ (second * np.uint64(0xD6E8FEB86659FD93))) * np.uint64(0x9E3779B97F4A7C15)
    return mixed >> np.uint64(64 - _HASH_BITS)


def _part(memory: FileIO, first: int, size: int) -> bytes:
    """One mapping; empty where the kernel shows none of it, or where it went meanwhile."""
    try:
        memory.seek(first)
        return memory.read(size)
    except OSError:
        return b""
