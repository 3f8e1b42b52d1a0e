from __future__ import annotations

import cv2
import numpy as np
import pytest

from agent.core.errors import PhotoError
from models import pictures
from models.engine import PackEngine
from models.enrol import faces_of, template_of
from models.gallery import score
from models.photo import PhotoFault
from models.values import Box, FoundFace, Image, Probe
from tests.unit.models.fixtures import photo
from tests.unit.models.makers import face_in, probe

HEAD = pictures.head(448, 416, x=200, y=215, tall=330)


def as_photo(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def scaled(picture: Image, factor: float) -> Image:
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor), np.uint8)


def fault_of(engine: PackEngine, data: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        engine.template(data)
    return str(caught.value).partition(":")[0]


def bare(_picture: Image, _face: FoundFace) -> str:
    """Nothing is covered."""
    return ""


def test_one_clear_face_becomes_a_template(engine: PackEngine) -> None:
    """A drawn one: its mouth says too little to the network to count as bare."""
    made, again = (template_of(as_photo(HEAD), engine.detect, engine.embed, bare) for _ in "12")
    assert made.vector.shape == (128,)
    assert made.vector.dtype == np.float32
    assert made.quality.size_px >= 112
    assert np.array_equal(again.vector, made.vector)


def test_two_faces_are_refused(engine: PackEngine) -> None:
    assert fault_of(engine, as_photo(np.hstack([HEAD, HEAD]))) == PhotoFault.TWO_FACES


def test_a_small_face_is_refused(engine: PackEngine) -> None:
    assert fault_of(engine, as_photo(scaled(HEAD, 0.4))) == PhotoFault.TOO_SMALL


def test_no_face_is_refused(engine: PackEngine) -> None:
    assert fault_of(engine, as_photo(pictures.gradient(300, 400))) == PhotoFault.NO_FACE


def test_a_face_cut_by_the_border_is_refused(engine: PackEngine) -> None:
    assert fault_of(engine, as_photo(HEAD[:, 190:])) in set(PhotoFault) - {PhotoFault.UNREADABLE}


def test_a_turned_face_is_refused_and_a_tiny_one_behind_does_not_matter() -> None:
    front = face_in(Box(100, 100, 300, 350))
    behind = face_in(Box(20, 20, 60, 70))
    turned = face_in(front.box, yaw=0.4)
    data = as_photo(pictures.noise(448, 416, 1))

    def embed(_picture: Image, face: FoundFace) -> Probe:
        assert face is front
        return probe([1, 2])

    def masked(_picture: Image, _face: FoundFace) -> str:
        return "mouth and nose"

    assert template_of(data, lambda _p, _b: [behind, front], embed, bare).vector.tolist() == [1, 2]
    with pytest.raises(PhotoError, match=r"^turned: "):
        template_of(data, lambda _p, _b: [turned], embed, bare)
    with pytest.raises(PhotoError, match=r"^covered: mouth and nose"):
        template_of(data, lambda _p, _b: [front], embed, masked)
    with pytest.raises(PhotoError, match=r"^blurred: "):
        template_of(as_photo(pictures.gradient(448, 416)), lambda _p, _b: [front], embed, bare)
    with pytest.raises(PhotoError, match=r"^two-faces: "):
        template_of(data, lambda _p, _b: [front, face_in(Box(310, 100, 400, 210))], embed, bare)


def test_a_face_found_at_several_scales_counts_once() -> None:
    large = face_in(Box(100, 100, 300, 350), score=0.7)
    better = face_in(Box(110, 105, 305, 345), score=0.9)
    answers = {480: [large], 320: [better], 192: [large]}
    (face,) = faces_of(pictures.gradient(448, 416), lambda _p, budget: answers[budget])
    assert face is better


def test_photos_of_one_person_are_alike_and_of_two_are_not(engine: PackEngine) -> None:
    names = ("knn_examples/train/obama/obama.jpg", "tests/test_images/obama3.jpg", "biden.jpg")
    one, two, other = (engine.template(photo(name)).vector for name in names)
    limit = engine.thresholds.lead(3)
    assert score(one, two, engine.metric) >= limit
    assert score(one, other, engine.metric) < limit - 0.3
    assert score(two, other, engine.metric) < limit - 0.3


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("two_people.jpg", PhotoFault.TWO_FACES),
        ("knn_examples/test/obama_and_biden.jpg", PhotoFault.TWO_FACES),
        ("obama-240p.jpg", PhotoFault.TOO_SMALL),
    ],
)
def test_real_photos_are_refused_with_the_reason(
    engine: PackEngine, name: str, fault: PhotoFault
) -> None:
    assert fault_of(engine, photo(name)) == fault
