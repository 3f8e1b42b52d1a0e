"""Finds dlib's five landmarks (corners of the eyes, base of the nose) inside a detected box.

The cascade of regression trees of ``models.dlibshape``, all trees of a stage at once, in the
arithmetic (float32, in sequence) of dlib's ``shape_predictor.h``, so that landmarks are the same.
Not here: reading the predictor, cutting chips.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models import specs
from models.detector import CENTERFACE_SQUARE
from models.dlibdat import Floats
from models.dlibshape import LANDMARKS, Cascade
from models.values import Box, Image, Points

Square = tuple[int, int, int, int]


def square_of(box: Box, lies: specs.Square = CENTERFACE_SQUARE) -> Square:
    """The square (left, top, right, bottom, all inside) that dlib's detector would have drawn.

    dlib's predictor expects that square; *lies* says where it is in the box of another detector.
    """
    side = lies.side * (box.width + box.height) / 2
    left = round(box.left + lies.x * box.width - side / 2)
    top = round(box.top + lies.y * box.height - side / 2)
    extent = max(round(side) - 1, 1)
    return left, top, left + extent, top + extent


class Aligner:
    """Predicts landmarks; holds the tables in the layout that few large gathers need."""

    def __init__(self, cascade: Cascade) -> None:
        stages, trees, splits = cascade.limit.shape
        self._stages = stages
        self._levels = (splits + 1).bit_length() - 1
        self._start = cascade.start
        self._anchor = cascade.anchor.astype(np.intp)
        self._across = np.ascontiguousarray(cascade.delta[:, :, 0])
        self._down = np.ascontiguousarray(cascade.delta[:, :, 1])
        self._first = cascade.first.reshape(stages, -1).astype(np.intp)
        self._second = cascade.second.reshape(stages, -1).astype(np.intp)
        self._limit = cascade.limit.reshape(stages, -1)
        self._leaf = cascade.leaf.reshape(stages, trees * (splits + 1), 2 * LANDMARKS)
        self._root = np.arange(trees) * splits
        self._leaf_root = np.arange(trees) * (splits + 1) - splits
        offsets = self._start.astype(np.float64) - self._start.mean(0, dtype=np.float64)
        self._offsets: list[list[float]] = offsets.tolist()
        self._spread = float((offsets**2).sum())

    def find(self, picture: Image, box: Box, lies: specs.Square = CENTERFACE_SQUARE) -> Points:
        """The landmarks of the face that a detector boxed."""
        return self.landmarks(picture, square_of(box, lies))

    def landmarks(self, picture: Image, square: Square) -> Points:
        """(5, 2) whole pixels: eye corners outer and inner on the right, on the left, nose.

        *picture* is of any colour order; pixels outside it count as black.
        """
        left, top, right, bottom = square
        origin = np.array([left, top], np.float64) + 0.5
        extent = np.array([right - left, bottom - top], np.float64)
        shape = self._start
        for stage in range(self._stages):
            x, y = self._places(shape, stage).astype(np.float64)
            values = _grey(picture, x * extent[0] + origin[0], y * extent[1] + origin[1])
            leaves = self._leaf[stage].take(self._descend(values, stage), axis=0)
            steps = np.concatenate([shape.reshape(1, -1), leaves])
            shape = np.add.reduce(steps, axis=0).reshape(LANDMARKS, 2)
        return np.floor(shape.astype(np.float64) * extent + origin)

    def _places(self, shape: Floats, stage: int) -> Floats:
        """(2, F): the stage's pixels in the unit square, moved along with the shape."""
        c, s = self._turn(shape)
        anchors = shape.take(self._anchor[stage], axis=0)
        x, y = self._across[stage], self._down[stage]
        return np.stack([c * x - s * y + anchors[:, 0], s * x + c * y + anchors[:, 1]])

    def _turn(self, shape: Floats) -> tuple[np.float32, np.float32]:
        """Cosine and sine, scaled, that turn the mean shape into *shape*, least squares."""
        points: list[list[float]] = shape.tolist()
        middle_x = sum(x for x, _ in points) / LANDMARKS
        middle_y = sum(y for _, y in points) / LANDMARKS
        c = s = 0.0
        for (a, b), (x, y) in zip(self._offsets, points, strict=True):
            c += a * (x - middle_x) + b * (y - middle_y)
            s += a * (y - middle_y) - b * (x - middle_x)
        return np.float32(c / self._spread), np.float32(s / self._spread)

    def _descend(self, values: Floats, stage: int) -> npt.NDArray[np.intp]:
        """The leaf that each tree of the stage ends in: all splits compared, then four steps."""
        apart = values.take(self._first[stage]) - values.take(self._second[stage])
        right = (apart <= self._limit[stage]).view(np.int8)
        node = right.take(self._root) + np.intp(1)
        for _ in range(self._levels - 1):
            node = 2 * node + 1 + right.take(self._root + node)
        leaf: npt.NDArray[np.intp] = self._leaf_root + node
        return leaf


def _grey(picture: Image, x: Points, y: Points) -> Floats:
    """Grey values (the plain mean of the colours, rounded down) at these places; outside black."""
    height, width = picture.shape[:2]
    column, row = np.floor(x), np.floor(y)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    at = np.where(inside, row * width + column, 0).astype(np.intp)
    colours = picture.reshape(-1, 3).take(at, axis=0).astype(np.uint16)
    grey = (colours[:, 0] + colours[:, 1] + colours[:, 2]) // 3
    return np.where(inside, grey, 0).astype(np.float32)
