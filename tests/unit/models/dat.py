"""Writes dlib's serialised form, so that tests can make small files and bad files."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def integer(value: int) -> bytes:
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def real(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * (1 << 24))) + integer(exponent - 24)


def reals(values: Sequence[float] | Array) -> bytes:
    return b"".join(real(float(value)) for value in values)


def flag(*, on: bool = False) -> bytes:
    return b"1" if on else b"0"


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def tensor(values: Array | None = None) -> bytes:
    array = np.zeros((0, 0, 0, 0), np.float32) if values is None else values.astype("<f4")
    extents = array.shape if array.ndim == 4 else (1, 1, 1, array.size)
    return integer(2) + b"".join(integer(n) for n in extents) + array.tobytes()


def shape(*extents: int) -> bytes:
    return integer(1) + b"".join(integer(n) for n in extents)


def matrix(values: Array) -> bytes:
    rows, columns = values.shape
    return integer(-rows) + integer(-columns) + reals(values.ravel())


def many(items: Sequence[bytes]) -> bytes:
    return integer(len(items)) + b"".join(items)


def cascade(seed: int = 0, *, stages: int = 2, trees: int = 3, depth: int = 2) -> bytes:
    """A small predictor of five landmarks with random tables."""
    draw = np.random.default_rng(seed)
    splits, pixels = 2**depth - 1, 7
    start = draw.random((10, 1), np.float32)

    def tree() -> bytes:
        nodes = [
            integer(int(draw.integers(pixels)))
            + integer(int(draw.integers(pixels)))
            + real(float(t))
            for t in draw.normal(0, 20, splits).astype(np.float32)
        ]
        leaves = draw.normal(0, 0.01, (splits + 1, 10, 1)).astype(np.float32)
        return many(nodes) + many([matrix(leaf) for leaf in leaves])

    forests = many([many([tree() for _ in range(trees)]) for _ in range(stages)])
    anchors = many([many([integer(int(draw.integers(5))) for _ in range(pixels)])] * stages)
    deltas = many([many([reals(d) for d in draw.normal(0, 0.1, (pixels, 2))])] * stages)
    return integer(1) + matrix(start) + forests + anchors + deltas
