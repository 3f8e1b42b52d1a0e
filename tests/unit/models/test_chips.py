from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models import pictures
from models.chips import Geometry, cut, similarity
from models.values import Points

TEMPLATE = np.array(
    [[0.8595674595992, 0.2134981538014], [0.6460604764104, 0.2289674387677],
     [0.1205750620789, 0.2137274526848], [0.3340850613712, 0.2290642403242],
     [0.4901123135679, 0.6277975316475]]
)  # fmt: skip
IN_CHIP = (0.25 + TEMPLATE) / 1.5 * 150


@given(st.floats(0.1, 5), st.floats(-math.pi, math.pi), st.floats(-50, 50), st.floats(-50, 50))
def test_a_similarity_is_found_again(scale: float, angle: float, x: float, y: float) -> None:
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    target = IN_CHIP @ turn.T + (x, y)
    np.testing.assert_allclose(similarity(IN_CHIP, target)[:, :2], turn, atol=1e-9)


def test_landmarks_in_place_give_the_picture_itself_half_a_pixel_off() -> None:
    picture = pictures.smooth(pictures.noise(150, 150, 4), 3)
    moved: Points = IN_CHIP - 0.5  # dlib turns around (75, 75); pixels' centres end at 149
    np.testing.assert_array_equal(cut(picture, moved, Geometry.DLIB_150), picture)
    off = cut(picture, IN_CHIP, Geometry.DLIB_150).astype(int) - picture
    assert np.abs(off).mean() > 0.5


def test_arcface_landmarks_in_place_give_the_picture_itself() -> None:
    picture = pictures.smooth(pictures.noise(112, 112, 4), 3)
    points = np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
         [70.7299, 92.2041]]
    )  # fmt: skip
    chip = cut(picture, points, Geometry.ARCFACE_112)
    assert np.abs(chip.astype(int) - picture).max() <= 1


def test_what_lies_outside_the_picture_is_black() -> None:
    picture = np.full((100, 100, 3), 200, np.uint8)
    chip = cut(picture, IN_CHIP - 75, Geometry.DLIB_150)
    assert set(np.unique(chip)) == {0, 200}
    assert (chip[:70, :70] == 0).all()


@pytest.mark.parametrize("scale", [2.5, 5.0, 11.0])
def test_large_faces_are_smoothed_not_skipped_through(scale: float) -> None:
    side = math.ceil(150 * scale) + 40
    rows, columns = np.mgrid[0:side, 0:side]
    board = ((rows + columns) % 2 * 255).astype(np.uint8)
    picture = np.repeat(board[:, :, None], 3, 2)
    chip = cut(picture, IN_CHIP * scale + 10, Geometry.DLIB_150)[20:-20, 20:-20]
    assert np.abs(chip.astype(int) - 127).max() < 20


@pytest.mark.parametrize("geometry", list(Geometry))
def test_landmarks_that_are_no_face_are_refused(geometry: Geometry) -> None:
    picture = pictures.gradient(150, 150)
    with pytest.raises(PackError, match="no chip can be cut"):
        cut(picture, np.full((5, 2), 7.0), geometry)
    with pytest.raises(PackError, match="no chip can be cut"):
        cut(picture, IN_CHIP * 1000, geometry)


@given(st.lists(st.floats(-1e4, 1e4), min_size=10, max_size=10))
def test_any_landmarks_give_a_chip_or_are_refused(values: list[float]) -> None:
    picture = pictures.gradient(60, 80)
    try:
        chip = cut(picture, np.array(values).reshape(5, 2), Geometry.DLIB_150)
    except PackError:
        return
    assert chip.shape == (150, 150, 3)
