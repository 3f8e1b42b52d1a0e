"""Synthetic pictures for self-tests: the same bytes on every machine, and nobody's face.

Whole-number arithmetic only, so no library's version or processor changes a pixel. The drawn head
is a few ellipses, enough for a detector to call it a face; it has no model in the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.values import Image

_Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Ellipse:
    """Centre and radii in thousandths of the head's height, colour in BGR."""

    x: int
    y: int
    wide: int
    high: int
    colour: tuple[int, int, int]


_HEAD = (
    _Ellipse(-17, 75, 420, 547, (30, 34, 42)),  # hair
    _Ellipse(-29, 639, 213, 264, (123, 147, 178)),  # neck
    _Ellipse(0, 126, 328, 536, (120, 156, 206)),  # face
    _Ellipse(-95, 84, 262, 539, (132, 168, 218)),  # light from the left
    _Ellipse(-147, -26, 95, 18, (34, 86, 38)),  # brows
    _Ellipse(158, -40, 76, 25, (30, 42, 73)),
    _Ellipse(-150, 34, 130, 35, (202, 230, 212)),  # eyes
    _Ellipse(169, 29, 101, 31, (234, 255, 209)),
    _Ellipse(-154, 26, 39, 18, (39, 55, 64)),
    _Ellipse(167, 37, 34, 34, (52, 61, 78)),
    _Ellipse(-3, 173, 37, 165, (78, 157, 207)),  # nose
    _Ellipse(-30, 270, 30, 13, (84, 80, 128)),
    _Ellipse(43, 285, 34, 16, (88, 52, 108)),
    _Ellipse(16, 429, 147, 28, (102, 102, 192)),  # mouth
    _Ellipse(-13, 426, 152, 7, (29, 59, 97)),
)


def noise(height: int, width: int, seed: int) -> Image:
    """Colour noise from a 64-bit mixing function (splitmix64) of each sample's place."""
    row = np.arange(width * 3, dtype=np.uint64)
    rows = [_mixed(row + np.uint64(seed * 1_000_003 + y * width * 3)) for y in range(height)]
    return np.stack(rows).reshape(height, width, 3)


def _mixed(z: npt.NDArray[np.uint64]) -> Image:
    with np.errstate(over="ignore"):
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z >> np.uint64(56)).astype(np.uint8)


def gradient(height: int, width: int) -> Image:
    """Ramps that differ in each colour: blue to the right, green down, red across."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.int32)
    blue = columns * 255 // (width - 1)
    green = rows * 255 // (height - 1)
    red = 255 - (rows + columns) * 255 // (height + width - 2)
    return np.stack([blue, green, red], 2).astype(np.uint8)


def smooth(picture: Image, reach: int, times: int = 2) -> Image:
    """Box blur with windows of 2 * *reach* + 1, repeated."""
    values: _Ints = picture.astype(np.int32)
    for _ in range(times):
        for axis in (0, 1):
            values = _box(values, reach, axis)
    return values.astype(np.uint8)


def _box(values: _Ints, reach: int, axis: int) -> _Ints:
    width = 2 * reach + 1
    pads = [(0, 0)] * 3
    pads[axis] = (reach + 1, reach)
    sums = np.cumsum(np.pad(values, pads, mode="edge"), axis=axis)
    length = values.shape[axis]
    upper = np.take(sums, range(width, width + length), axis=axis)
    lower = np.take(sums, range(length), axis=axis)
    return (upper - lower) // width


def head(height: int, width: int, *, x: int, y: int, tall: int, lean: int = 0) -> Image:
    """A drawn head at (*x*, *y*), *tall* px high, on soft noise; *lean* shears it, per mille."""
    canvas: _Ints = (smooth(noise(height, width, 5), 6).astype(np.int32) + 128) // 2
    rows, columns = np.mgrid[0:height, 0:width].astype(np.int32)
    v = (rows - y) * 1000
    u = (columns - x) * 1000 + v * lean // 1000
    for part in _HEAD:
        du, dv = u - part.x * tall, v - (part.y - 120) * tall
        a, b = part.wide * tall, part.high * tall
        across, down = (np.clip(d * 1000 // r, -1001, 1001) for d, r in ((du, a), (dv, b)))
        inside = across**2 + down**2 <= 1_000_000
        canvas[inside] = part.colour
    drawn = smooth(canvas.astype(np.uint8), max(tall // 80, 1))
    grain = noise(height, width, 7).astype(np.int32) // 22
    lit: _Ints = drawn.astype(np.int32) + grain - 5
    return np.minimum(np.maximum(lit, 0), 255).astype(np.uint8)


_PICTURES: dict[str, Callable[[], Image]] = {
    "noise-150": lambda: noise(150, 150, 1),
    "gradient-150": lambda: gradient(150, 150),
    "noise-112": lambda: noise(112, 112, 2),
    "gradient-112": lambda: gradient(112, 112),
    "noise-94x24": lambda: noise(24, 94, 4),
    "soft-96x64": lambda: smooth(noise(64, 96, 3), 2, 1),
    "head-320x256": lambda: head(256, 320, x=150, y=130, tall=150),
    "head-lean-480x520": lambda: head(520, 480, x=235, y=250, tall=430, lean=180),
}


def picture(name: str) -> Image:
    """The BGR picture called *name*; KeyError when there is none."""
    return _PICTURES[name]()


def names() -> tuple[str, ...]:
    """All pictures there are."""
    return tuple(_PICTURES)
