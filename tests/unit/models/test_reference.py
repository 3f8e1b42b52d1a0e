"""Ours against dlib's own path, on real photos where they are, on drawn heads everywhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.config.schema.vision import Models
from agent.core.errors import PackError
from models.engine import PackEngine, open_engine
from models.evaluate import Sample, collect, pairs
from models.gallery import score
from models.quality import live_gate
from models.reference import ReferenceEngine, open_reference
from models.values import Image
from tests.unit.models.fixtures import photo, real

MISSING = importlib.util.find_spec("dlib") is None
needs_dlib = pytest.mark.skipif(
    MISSING, reason="the reference backend is not installed: pip install 'gatehouse[reference]'"
)


@pytest.fixture(scope="module")
def reference() -> ReferenceEngine:
    return open_reference()


@pytest.mark.skipif(not MISSING, reason="dlib is installed here")
def test_without_dlib_the_error_says_what_to_do() -> None:
    with pytest.raises(PackError, match=r"gatehouse\[reference\].*models\.backend to onnx"):
        open_engine(Models(backend="face_recognition"), "dlib")


def test_the_reference_runs_dlibs_weights_only() -> None:
    with pytest.raises(PackError, match="cannot run the pack 'other'"):
        open_engine(Models(backend="face_recognition"), "other")


@needs_dlib
def test_the_configuration_selects_it() -> None:
    assert isinstance(open_engine(Models(backend="face_recognition"), "dlib"), ReferenceEngine)


@needs_dlib
def test_model_files_that_are_not_as_pinned_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot be read"):
        open_reference(tmp_path)
    (tmp_path / "shape_predictor_5_face_landmarks.dat").write_bytes(b"other")
    with pytest.raises(PackError, match="not the file that was pinned"):
        open_reference(tmp_path)


def photos() -> list[Path]:
    folder = real("faces", "casia_facev5_subset")
    return sorted(folder.glob("*/*_[01].bmp"))


def opened(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path)), np.uint8)


@needs_dlib
def test_landmarks_and_templates_are_dlibs_own(
    engine: PackEngine, reference: ReferenceEngine
) -> None:
    aligner = engine._parts.aligner
    assert aligner is not None
    compared = 0
    for path in photos():
        picture = opened(path)
        for face in reference.detect(picture):
            box = face.box
            square = round(box.left), round(box.top), round(box.right) - 1, round(box.bottom) - 1
            ours = aligner.landmarks(picture, square)
            rgb = np.ascontiguousarray(picture[:, :, ::-1])
            shape = reference._predictor(rgb, reference._rectangle(box))
            np.testing.assert_array_equal(ours, [(p.x, p.y) for p in shape.parts()])
            vector = engine._parts.vector(picture, ours)
            assert np.linalg.norm(vector - reference.embed(picture, face).vector) < 0.01
            compared += 1
    assert compared >= 15


@needs_dlib
def test_people_are_as_far_apart_as_in_the_reference(
    engine: PackEngine, reference: ReferenceEngine
) -> None:
    folder = real("faces", "faceapi_bbt")
    gaps = []
    for one in (engine, reference):
        samples: tuple[Sample, ...] = collect(one, folder, live_gate(45)).samples
        same, other = pairs(samples, one.metric)
        gaps.append(float(np.median(same) - np.percentile(other, 99)))
    assert gaps[0] >= gaps[1] - 0.02


@needs_dlib
def test_templates_of_both_can_be_compared(engine: PackEngine, reference: ReferenceEngine) -> None:
    data = photo("biden.jpg")
    one, two = engine.template(data).vector, reference.template(data).vector
    assert score(one, two, "euclidean") > 0.75
