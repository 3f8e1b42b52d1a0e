"""Where in a frame faces are worth looking for. Pure: areas and boxes in, an area out.

Around what moves and whom we follow, with room for a head above moving shoulders; now and then the
whole frame, for somebody who stands still. Detecting in a part costs less, and finds smaller faces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.values import Box, FoundFace, Image

# Room around motion, as shares of its own size: people move below their heads.
_SIDE_ROOM = 0.15
_TOP_ROOM = 0.30
# Room around a followed face, in faces: as far as it gets to the next look.
_FACE_ROOM = 1.0
# A part larger than this is not worth cutting out.
_ALMOST_ALL = 0.7
_LEAST_PX = 96


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a frame, whole pixels: ``left`` and ``top`` inside, the others the far edges."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def cut(self, picture: Image) -> Image:
        """The part of *picture*, not copied."""
        return picture[self.top : self.bottom, self.left : self.right]

    def placed(self, face: FoundFace) -> FoundFace:
        """A face found in the part, in coordinates of the whole."""
        box = face.box
        x, y = self.left, self.top
        moved = Box(box.left + x, box.top + y, box.right + x, box.bottom + y)
        return FoundFace(moved, face.score, face.landmarks + np.array([x, y]))


def whole(width: int, height: int) -> Region:
    """All of a frame."""
    return Region(0, 0, width, height)


def region_of(
    width: int,
    height: int,
    moving: tuple[float, float, float, float],
    faces: Sequence[Box],
) -> Region | None:
    """The part that holds what moves (fractions) and the *faces* followed; None: nothing does."""
    parts = [_around_face(box) for box in faces]
    left, top, right, bottom = moving
    if right > left and bottom > top:
        wide, high = (right - left) * width, (bottom - top) * height
        parts.append(
            (
                left * width - wide * _SIDE_ROOM,
                top * height - high * _TOP_ROOM,
                right * width + wide * _SIDE_ROOM,
                bottom * height + high * _SIDE_ROOM,
            )
        )
    if not parts:
        return None
    found = Region(
        max(math.floor(min(part[0] for part in parts)), 0),
        max(math.floor(min(part[1] for part in parts)), 0),
        min(math.ceil(max(part[2] for part in parts)), width),
        min(math.ceil(max(part[3] for part in parts)), height),
    )
    found = _grown(found, width, height)
    part_width, part_height = found.size
    almost_all = part_width * part_height > _ALMOST_ALL * width * height
    return whole(width, height) if almost_all else found


def _around_face(box: Box) -> tuple[float, float, float, float]:
    x, y = box.width * _FACE_ROOM, box.height * _FACE_ROOM
    return box.left - x, box.top - y, box.right + x, box.bottom + y


def _grown(part: Region, width: int, height: int) -> Region:
    """At least 96 px each way, as far as the frame has them."""
    left, right = _widened(part.left, part.right, width)
    top, bottom = _widened(part.top, part.bottom, height)
    return Region(left, top, right, bottom)


def _widened(low: int, high: int, limit: int) -> tuple[int, int]:
    missing = max(min(_LEAST_PX, limit) - (high - low), 0)
    low = max(low - (missing + 1) // 2, 0)
    high = min(max(high + missing // 2, low + min(_LEAST_PX, limit)), limit)
    return max(min(low, high - min(_LEAST_PX, limit)), 0), high
