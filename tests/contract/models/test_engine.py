"""One suite for every engine: ours on a pack, and the reference on dlib where it is installed."""

from __future__ import annotations

import importlib.util
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.core.errors import PackError, PhotoError
from models import pictures
from models.engine import FaceEngine, PackEngine, open_pack
from models.gallery import score
from models.liveness import Glance
from models.reference import open_reference
from models.values import Box, FoundFace, Image, Probe, Quality
from tests.unit.models.fixtures import need_pack, photo

HEAD = pictures.picture("head-320x256")
WITHOUT_DLIB = importlib.util.find_spec("dlib") is None


@pytest.fixture(params=["pack", "pack-yunet", "mobilefacenet", "dlib"])
def any_engine(request: pytest.FixtureRequest, engine: PackEngine, packs: Path) -> FaceEngine:
    if request.param == "pack":
        return engine
    if request.param == "pack-yunet":
        return open_pack(packs, "dlib", detector=need_pack(packs, "yunet"))
    if request.param == "mobilefacenet":
        return open_pack(packs, need_pack(packs, "mobilefacenet"))
    if WITHOUT_DLIB:
        pytest.skip("the reference backend is not installed: pip install 'gatehouse[reference]'")
    return open_reference()


def png(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def test_a_face_is_found_once_and_where_it_is(any_engine: FaceEngine) -> None:
    (face,) = any_engine.detect(HEAD)
    x, y = face.box.centre
    assert x == pytest.approx(150, abs=12)
    assert y == pytest.approx(140, abs=15)
    assert 0.5 <= face.score <= 1
    assert face.landmarks.shape == (5, 2)
    left, right, nose, mouth_left, mouth_right = face.landmarks
    assert left[0] < nose[0] < right[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_the_same_picture_gives_the_same_template(any_engine: FaceEngine) -> None:
    (face,) = any_engine.detect(HEAD)
    one, two = any_engine.embed(HEAD, face), any_engine.embed(HEAD.copy(), face)
    assert one.vector.shape == (any_engine.dim,)
    assert one.vector.dtype == np.float32
    np.testing.assert_array_equal(one.vector, two.vector)
    assert score(one.vector, two.vector, any_engine.metric) == pytest.approx(1.0)


def test_a_picture_is_not_changed_by_looking_at_it(any_engine: FaceEngine) -> None:
    before = HEAD.copy()
    any_engine.embed(HEAD, any_engine.detect(HEAD)[0])
    np.testing.assert_array_equal(HEAD, before)


def test_nothing_is_found_where_nothing_is(any_engine: FaceEngine) -> None:
    assert any_engine.detect(pictures.gradient(240, 320)) == []


def test_a_photo_becomes_a_template_or_a_reason(any_engine: FaceEngine) -> None:
    large = pictures.picture("head-lean-480x520")
    found = any_engine.template(photo("biden.jpg"))
    assert found.vector.shape == (any_engine.dim,)
    with pytest.raises(PhotoError, match=r"^no-face: "):
        any_engine.template(png(pictures.gradient(240, 320)))
    with pytest.raises(PhotoError, match=r"^two-faces: "):
        any_engine.template(png(np.hstack([large, large])))
    with pytest.raises(PhotoError, match=r"^unreadable: "):
        any_engine.template(b"no photo")


def test_bands_are_strict_and_belong_to_the_weights(any_engine: FaceEngine) -> None:
    strictest, review_only = {
        "dlib-resnet-v1@55533b28": (0.63, True),
        "mobilefacenet@85cdeb73": (0.5, False),
    }[any_engine.model_id]
    assert any_engine.thresholds.lead(3) >= strictest
    assert any_engine.review_only is review_only


def test_a_face_without_extent_is_refused_or_embedded_never_fatal(any_engine: FaceEngine) -> None:
    face = FoundFace(Box(-50, -50, -50, -50), 0.9, np.zeros((5, 2)))
    try:
        probe = any_engine.embed(HEAD, face)
    except PackError:
        return
    assert probe.quality.score == 0


SAID = (FoundFace, Box, Quality, Probe, Glance)


def test_answers_say_nothing_about_who_or_how_somebody_is() -> None:
    said = {field.name for kind in SAID for field in fields(kind)}
    assert said == {
        "box", "score", "landmarks", "left", "top", "right", "bottom", "detector", "size", "pose",
        "size_px", "yaw", "vector", "quality", "norm", "agreement", "glance", "live",
        "print", "doubt",
    }  # fmt: skip
