from __future__ import annotations

import numpy as np
import pytest

from models import pictures
from models.aligner import Aligner, Square, square_of
from models.dlibshape import Cascade, read_cascade
from models.values import Box, Image, Points
from tests.unit.models import dat


def plainly(cascade: Cascade, picture: Image, square: Square) -> Points:
    """The predictor as its paper and dlib's documentation describe it, one tree at a time."""
    left, top, right, bottom = square
    extent, origin = np.array([right - left, bottom - top]), np.array([left, top])
    shape = cascade.start.copy()
    for stage in range(len(cascade.limit)):
        before = cascade.start - cascade.start.mean(0)
        after = shape - shape.mean(0)
        turn, *_ = np.linalg.lstsq(_as_rows(before), after.ravel(), rcond=None)
        c, s = turn
        values = []
        for delta, anchor in zip(cascade.delta[stage], cascade.anchor[stage], strict=True):
            moved = np.array([[c, -s], [s, c]]) @ delta + shape[anchor]
            x, y = np.floor(moved * extent + origin + 0.5).astype(int)
            inside = 0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]
            values.append(int(picture[y, x].sum(dtype=int)) // 3 if inside else 0)
        for tree in range(cascade.limit.shape[1]):
            node = 0
            while node < cascade.limit.shape[2]:
                one, two = cascade.first[stage, tree, node], cascade.second[stage, tree, node]
                right_child = values[one] - values[two] <= cascade.limit[stage, tree, node]
                node = 2 * node + 1 + right_child
            shape = shape + cascade.leaf[stage, tree, node - cascade.limit.shape[2]].reshape(5, 2)
    landmarks: Points = np.floor(shape * extent + origin + 0.5)
    return landmarks


def _as_rows(points: Points) -> Points:
    rows = [([x, -y], [y, x]) for x, y in points]
    return np.array(rows, np.float64).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(8))
def test_all_trees_at_once_is_the_same_as_one_by_one(seed: int) -> None:
    cascade = read_cascade(dat.cascade(seed, stages=4, trees=9, depth=3))
    picture = pictures.noise(90, 120, seed)
    for square in ((10, 10, 80, 80), (-20, 30, 60, 110), (70, 5, 140, 75)):
        got = Aligner(cascade).landmarks(picture, square)
        np.testing.assert_array_equal(got, plainly(cascade, picture, square))


def test_the_square_lies_where_dlibs_detector_draws_it() -> None:
    left, top, right, bottom = square_of(Box(100, 100, 200, 230))
    assert right - left == bottom - top
    assert (left, top) == (91, 116)


def test_a_box_without_extent_has_a_square_of_one_pixel() -> None:
    left, top, right, bottom = square_of(Box(5, 5, 5, 5))
    assert (right - left, bottom - top) == (1, 1)
