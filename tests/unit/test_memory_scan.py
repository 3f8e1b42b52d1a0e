"""The search for planted bytes finds each one, wherever it lies."""

from __future__ import annotations

import os
import random

import pytest

from tests.tools.memory_scan import PIECE, Needles, in_memory

DRAWN = random.Random(7)  # noqa: S311 - not for secrets


def test_each_needle_is_found_at_every_place() -> None:
    needles = [DRAWN.randbytes(64) for _ in range(40)]
    planted = Needles(needles)
    assert planted.found(DRAWN.randbytes(200_000)) == set()
    for number, needle in enumerate(needles):
        before = DRAWN.randbytes(number)
        assert planted.found(before + needle + bytes(40)) == {number}
        assert planted.found(bytes(PIECE - 40 + number) + needle) == {number}


def test_a_plain_needle_is_refused() -> None:
    for needle in (bytes(64), b"short"):
        with pytest.raises(ValueError, match="too short or too plain"):
            Needles([needle])


def test_this_process_holds_what_it_holds() -> None:
    held = bytearray(os.urandom(64))
    assert in_memory(os.getpid(), bytes(held)) > 0
