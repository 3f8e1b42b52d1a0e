"""The privacy mask: black is black, and when in doubt it is black."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.capture_wire import Polygon
from devices.mask import PrivacyMask

WIDTH, HEIGHT = 192, 108
SQUARE: Polygon = ((0.25, 0.25), (0.5, 0.25), (0.5, 0.5), (0.25, 0.5))


def masked(*polygons: Polygon) -> npt.NDArray[np.bool_]:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    PrivacyMask(polygons, WIDTH, HEIGHT).apply(picture)
    assert set(np.unique(picture)) <= {0, 255}
    black: npt.NDArray[np.bool_] = (picture == 0).all(axis=2)
    return black


def test_without_polygons_nothing_is_touched() -> None:
    assert not masked().any()
    assert PrivacyMask((), WIDTH, HEIGHT).visible_cells(16, 9).all()


def test_a_square_is_black_inside_and_little_more() -> None:
    black = masked(SQUARE)
    assert black[27:54, 48:96].all()
    assert not black[:22].any()
    assert not black[59:].any()
    assert not black[:, :46].any()
    assert not black[:, 98:].any()


def test_the_whole_picture_can_be_masked() -> None:
    whole: Polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    assert masked(whole).all()
    assert not PrivacyMask((whole,), WIDTH, HEIGHT).visible_cells(16, 9).any()


def test_overlapping_polygons_do_not_uncover_each_other() -> None:
    other: Polygon = ((0.3, 0.3), (0.8, 0.3), (0.8, 0.8), (0.3, 0.8))
    black = masked(SQUARE, other)
    assert (black >= (masked(SQUARE) | masked(other))).all()


def test_a_star_drawn_in_one_line_is_black_in_its_middle() -> None:
    tips = [
        (0.5 + 0.4 * np.sin(2 * np.pi * i * 2 / 5), 0.5 - 0.4 * np.cos(2 * np.pi * i * 2 / 5))
        for i in range(5)
    ]
    star = tuple((float(x), float(y)) for x, y in tips)
    assert masked(star)[HEIGHT // 2 - 8 : HEIGHT // 2 + 8, WIDTH // 2 - 8 : WIDTH // 2 + 8].all()


def test_the_direction_a_polygon_is_drawn_in_does_not_matter() -> None:
    assert (masked(SQUARE) == masked(SQUARE[::-1])).all()


def test_cells_that_a_mask_touches_are_not_visible() -> None:
    visible = PrivacyMask((SQUARE,), WIDTH, HEIGHT).visible_cells(16, 9)
    assert not visible[2:5, 4:8].any()
    assert visible[0].all()
    assert visible[:, 0].all()
    assert visible[:, 10:].all()


def test_a_rectangle_is_one_run() -> None:
    assert len(PrivacyMask((SQUARE,), 1920, 1080).runs) <= 3


fractions = st.floats(0, 1, allow_nan=False, width=32)
triangles = st.tuples(*[st.tuples(fractions, fractions)] * 3)


@settings(max_examples=150, deadline=None)
@given(triangles)
def test_every_pixel_inside_a_triangle_is_black(triangle: Polygon) -> None:
    black = masked(triangle)
    (ax, ay), (bx, by), (cx, cy) = ((x * WIDTH, y * HEIGHT) for x, y in triangle)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    x, y = columns + 0.5, rows + 0.5
    sides = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax),
        (cx - bx) * (y - by) - (cy - by) * (x - bx),
        (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
    ]
    inside = np.all([s > 1e-3 for s in sides], axis=0) | np.all([s < -1e-3 for s in sides], axis=0)
    assert black[inside].all()
