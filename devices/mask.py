"""The privacy mask: what a camera may never look at, blacked out before anything else looks.

Polygons in fractions become runs of pixels once per picture size; blacking out is then a few slice
assignments and needs no mask in memory. Everything is rounded outwards, and what a polygon winds
around is inside it even where its line crosses itself: when in doubt, black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devices.capture_wire import Polygon
from devices.frames import Pixels

_BAND_ROWS = 4
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Run:
    """Pixels ``top`` to ``bottom`` and ``left`` to ``right``, each end excluded."""

    top: int
    bottom: int
    left: int
    right: int


class PrivacyMask:
    """The mask for pictures of one size."""

    def __init__(self, polygons: Sequence[Polygon], width: int, height: int) -> None:
        """*polygons* in fractions of width and height, both in px."""
        inside = np.zeros((height, width), np.bool_)
        for polygon in polygons:
            inside |= _inside(polygon, width, height)
        self._runs = tuple(_runs(_grown(inside)))
        self._size = (width, height)

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is blacked out."""
        return self._runs

    def apply(self, picture: Pixels) -> None:
        """Black out *picture*, uint8 (height, width, channels), in place."""
        for run in self._runs:
            picture[run.top : run.bottom, run.left : run.right] = 0

    def visible_cells(self, columns: int, rows: int) -> _Flags:
        """Which cells of a *columns* x *rows* grid over the picture no mask touches."""
        width, height = self._size
        visible = np.ones((rows, columns), np.bool_)
        for run in self._runs:
            top, bottom = run.top * rows // height, -(-run.bottom * rows // height)
            left, right = run.left * columns // width, -(-run.right * columns // width)
            visible[top:bottom, left:right] = False
        return visible


def _inside(polygon: Polygon, width: int, height: int) -> _Flags:
    """Pixels whose centre the polygon winds around (non-zero rule)."""
    turns = np.zeros((height, width + 1), np.int16)
    points = [(x * width, y * height) for x, y in polygon]
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if y0 == y1:
            continue
        (upper_x, upper_y), (lower_x, lower_y) = sorted(((x0, y0), (x1, y1)), key=lambda p: p[1])
        rows = np.arange(
            max(0, int(np.ceil(upper_y - 0.5))), min(height, int(np.ceil(lower_y - 0.5)))
        )
        crossing = upper_x + (rows + 0.5 - upper_y) * (lower_x - upper_x) / (lower_y - upper_y)
        first = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.intp)
        np.add.at(turns, (rows, first), 1 if y0 < y1 else -1)
    inside: _Flags = np.cumsum(turns[:, :width], axis=1, dtype=np.int16) != 0
    return inside


def _grown(inside: _Flags) -> _Flags:
    """One pixel more on every side: pixels that an edge only touches are covered too."""
    grown = inside.copy()
    grown[1:] |= inside[:-1]
    grown[:-1] |= inside[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    return wide


def _runs(inside: _Flags) -> list[Run]:
    """Runs that cover *inside*: rows in bands of four, equal bands joined."""
    height, width = inside.shape
    runs: list[Run] = []
    standing: list[Run] = []
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        edges = np.zeros(width + 2, np.int8)
        edges[1:-1] = inside[top:bottom].any(axis=0)
        ends = np.flatnonzero(np.diff(edges)).tolist()
        band = [Run(top, bottom, a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)]
        if [(r.left, r.right) for r in band] == [(r.left, r.right) for r in standing]:
            standing = [Run(r.top, bottom, r.left, r.right) for r in standing]
        else:
            runs += standing
            standing = band
    return runs + standing
