"""Streams of changed messages for programs that run: bounded, and the same at every run.

Here: bytes. Not here: what single parsers are given (``tests.support.parsers``).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence

from tests.support.mutations import PIECES, SPELLINGS

SEED = 2026
LONGEST = 256 * 1024 + 64


def hostile(seeds: Sequence[bytes], count: int, seed: int = SEED) -> Iterator[bytes]:
    """*count* messages: one of *seeds* with some bytes changed, cut, doubled or replaced."""
    chance = random.Random(seed)  # noqa: S311 - seeded
    pieces = [*PIECES, *(spelled.encode() for spelled in SPELLINGS)]
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(data))
            until = min(at + chance.randint(0, 16), len(data))
            match chance.randrange(5):
                case 0 if at < len(data):
                    data[at] ^= chance.randrange(1, 256)
                case 1:
                    del data[at:]
                case 2:
                    data[at:at] = data[at:until] * chance.choice((1, 64, 1_000))
                case 3:
                    data[at:until] = chance.choice(pieces)
                case _:
                    data[at:until] = chance.randbytes(8)
        yield bytes(data[:LONGEST])


def says_the_same(data: bytes, original: bytes) -> bool:
    """True when only spaces or spellings differ: such a message is still what was signed."""
    try:
        return bool(json.loads(data) == json.loads(original))
    except (ValueError, RecursionError):
        return False
