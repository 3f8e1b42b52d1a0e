from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import pictures
from models.detector import budget_for, input_size, shrink
from models.engine import PackEngine
from models.packs import Pack
from models.values import Image

SIDES = st.integers(32, 4096)


@given(SIDES, SIDES, st.sampled_from([160, 320, 480, 640]))
def test_the_network_sees_multiples_of_32_within_the_budget(
    width: int, height: int, budget: int
) -> None:
    wide, high = input_size(width, height, budget)
    assert wide % 32 == high % 32 == 0
    assert max(wide, high) == budget
    assert min(wide, high) >= 32


@given(SIDES, SIDES, st.floats(1, 500))
def test_the_budget_grows_until_small_faces_are_large_enough(
    width: int, height: int, face_px: float
) -> None:
    budget = budget_for(width, height, face_px)
    assert budget % 32 == 0
    assert 96 <= budget <= 352
    enough = face_px * budget / max(width, height) >= 15
    assert enough or budget == 352


def test_a_camera_and_its_smallest_face_name_the_budget() -> None:
    assert budget_for(640, 480, 45) == 224
    assert budget_for(1280, 720, 45) == 352
    assert budget_for(1920, 1080, 45) == 352


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = pictures.gradient(64, 96)
    assert shrink(picture, (96, 64)) is picture
    assert shrink(picture, (64, 32)).shape == (32, 64, 3)


def on_grey(head: Image, x: int, y: int, width: int = 640, height: int = 480) -> Image:
    canvas = np.full((height, width, 3), 110, np.uint8)
    canvas[y : y + head.shape[0], x : x + head.shape[1]] = head
    return canvas


HEAD = pictures.picture("head-320x256")[40:235, 70:230]


@pytest.mark.parametrize("place", [(10, 10), (300, 150), (470, 270)])
def test_a_face_is_found_where_it_is(engine: PackEngine, place: tuple[int, int]) -> None:
    (face,) = engine.detect(on_grey(HEAD, *place))
    x, y = face.box.centre
    assert x - place[0] == pytest.approx(80, abs=6)
    assert y - place[1] == pytest.approx(95, abs=6)
    eyes, mouth = face.landmarks[:2], face.landmarks[3:]
    assert eyes[0, 0] < eyes[1, 0]
    assert mouth[0, 0] < mouth[1, 0]
    assert eyes[:, 1].max() < face.landmarks[2, 1] < mouth[:, 1].min()


def test_two_faces_are_two_and_one_face_is_one(engine: PackEngine) -> None:
    picture = on_grey(HEAD, 60, 100)
    picture[150 : 150 + HEAD.shape[0], 400 : 400 + HEAD.shape[1]] = HEAD
    assert len(engine.detect(picture)) == 2


def test_nothing_is_found_where_nothing_is(engine: PackEngine) -> None:
    for picture in (pictures.noise(240, 320, 9), pictures.gradient(480, 640)):
        assert engine.detect(picture) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (31, 33)])
def test_pictures_of_any_shape_are_looked_at(engine: PackEngine, shape: tuple[int, int]) -> None:
    assert engine.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_boxes_stay_within_the_picture(engine: PackEngine) -> None:
    picture = HEAD[:, 40:]
    for face in engine.detect(picture):
        assert 0 <= face.box.left < face.box.right <= picture.shape[1]
        assert 0 <= face.box.top < face.box.bottom <= picture.shape[0]


def test_of_overlapping_answers_the_best_remains(pack: Pack) -> None:
    detector = pack.parts.detector
    assert detector is not None
    faces = detector.detect(pictures.picture("head-320x256"), 320)
    assert [round(face.score, 1) for face in faces] == [0.9]
