"""A pack given by hand: another network, another alignment, another metric, the same program.

MobileFaceNet's weights lie beside the test data; they are not ours to ship. Its golden answers
are made here by OpenCV's engine, the pack runs on onnxruntime.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.core.errors import PackError
from models import pictures
from models.chips import Geometry, cut
from models.engine import PackEngine, open_pack
from models.evaluate import collect, passages
from models.fetch import GOLDEN, import_pack
from models.gallery import score
from models.manifest import (
    Body,
    EmbedderSpec,
    Manifest,
    Origin,
    PackFile,
    Population,
    Role,
    Thresholds,
    dump_manifest,
)
from models.matcher import policy_for
from models.packs import MANIFEST
from models.quality import live_gate
from models.selftest import ChainSample, VectorSample, parse_golden
from models.sources import recipe
from models.values import Image
from tests.unit.models.fixtures import photo, real

MEAN = (123.675, 116.28, 103.53)
SCALE = (58.395, 57.12, 57.375)
SPEC = EmbedderSpec(
    geometry=Geometry.ARCFACE_112, colour="rgb", mean=MEAN, scale=SCALE, dim=128, metric="cosine",
    mirror=True,
)  # fmt: skip
THRESHOLDS = Thresholds(
    frame=0.5, mean_of_3=0.5, mean_of_4=0.5, mean_of_5=0.5, review=0.4, margin=0.05, floor=0.45
)


def oracle(weights: bytes, chip: Image) -> tuple[float, ...]:
    """The template by OpenCV's engine: unit vectors of the chip and its mirror image, averaged."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(weights, np.uint8))
    rows = []
    for one in (chip, chip[:, ::-1]):
        planes = (one[:, :, ::-1].astype(np.float32) - MEAN) / SCALE
        net.setInput(np.ascontiguousarray(planes.transpose(2, 0, 1)[None], np.float32))
        row = net.forward()[0]
        rows.append(row / np.linalg.norm(row))
    mean = np.mean(rows, 0)
    return tuple(float(value) for value in mean / np.linalg.norm(mean))


def golden(weights: bytes) -> bytes:
    ours = parse_golden(recipe("dlib").golden)
    face = ours.faces[0]
    chip = cut(pictures.picture(face.picture), np.array(face.landmarks), Geometry.ARCFACE_112)
    answers = replace(
        ours,
        made_with=f"OpenCV {cv2.__version__}",
        landmarks=(),
        vectors=(VectorSample("noise-112", oracle(weights, pictures.picture("noise-112")), 1e-3),),
        chains=(ChainSample(face.picture, face.landmarks, oracle(weights, chip), 5e-3),),
    )
    return json.dumps(asdict(answers)).encode()


@pytest.fixture(scope="module")
def made_by_hand(packs_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = real("models", "mobilefacenet_foamliu", "mobilefacenet.onnx").read_bytes()
    place = tmp_path_factory.mktemp("stick") / "mobilefacenet"
    place.mkdir()
    contents: dict[str, tuple[Role, bytes]] = {
        "detector.onnx": ("detector", (packs_dir / "dlib" / "detector.onnx").read_bytes()),
        "embedder.onnx": ("embedder", weights),
        GOLDEN: ("golden", golden(weights)),
    }
    files = tuple(
        PackFile(role, path, len(data), hashlib.sha256(data).hexdigest())
        for path, (role, data) in contents.items()
    )
    digest = hashlib.sha256(weights).hexdigest()
    body = Body(
        format=1, name="mobilefacenet", version="1", model_id=f"mobilefacenet@{digest[:8]}",
        title="MobileFaceNet, given by hand", aligner="none", embedder=SPEC,
        thresholds=THRESHOLDS, population=Population("tests only", "tests only", ()),
        review_only=False, review_reason="",
        origins=(Origin("by hand", "mobilefacenet.onnx", digest, "by-hand"),),
    )  # fmt: skip
    for path, (_, data) in contents.items():
        (place / path).write_bytes(data)
    (place / MANIFEST).write_bytes(dump_manifest(Manifest(body, files, "by hand")))
    return place


@pytest.fixture(scope="module")
def foreign(made_by_hand: Path, tmp_path_factory: pytest.TempPathFactory) -> PackEngine:
    folder = tmp_path_factory.mktemp("gate")
    import_pack(made_by_hand, folder)
    return open_pack(folder, "mobilefacenet")


def test_it_recognises_people(foreign: PackEngine) -> None:
    names = ("knn_examples/train/obama/obama.jpg", "tests/test_images/obama3.jpg", "biden.jpg")
    one, two, other = (foreign.template(photo(name)).vector for name in names)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert score(one, two, foreign.metric) > foreign.thresholds.lead(3)
    assert abs(score(one, other, foreign.metric)) < 0.2


def test_it_tells_strangers_of_the_strictest_group_apart(foreign: PackEngine) -> None:
    samples = collect(foreign, real("faces", "casia_facev5_subset"), live_gate(45)).samples
    outcome = passages(samples, policy_for(foreign.thresholds, 3), foreign.metric)
    assert outcome.false_leads.hits == 0
    assert outcome.true_leads.value > 0.9


def test_swapped_colours_are_caught_before_it_counts(made_by_hand: Path, tmp_path: Path) -> None:
    text = (made_by_hand / MANIFEST).read_text("utf-8")
    try:
        (made_by_hand / MANIFEST).write_text(text.replace('"rgb"', '"bgr"'), "utf-8")
        with pytest.raises(PackError, match="is not what it must be"):
            import_pack(made_by_hand, tmp_path)
    finally:
        (made_by_hand / MANIFEST).write_text(text, "utf-8")
    assert not (tmp_path / "mobilefacenet").exists()
