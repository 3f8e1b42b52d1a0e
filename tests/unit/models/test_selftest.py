"""The self-test must fail whenever the pack, the colours or the geometry are not what they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from agent.core.errors import PackError
from models import pictures
from models.aligner import Aligner, Square
from models.detector import Detector
from models.dlibshape import load_cascade
from models.embedder import Embedder
from models.manifest import EmbedderSpec, embedder_body
from models.packs import Pack
from models.parts import Parts
from models.selftest import Golden, PictureName, check, parse_golden
from models.sessions import Tensor
from models.sources import recipe
from models.values import Image, Points, Vector

GOLDEN: Golden = parse_golden(recipe("dlib").golden)


class SwappedDetector(Detector):
    """Forgets that pictures are BGR."""

    def maps(self, picture: Image) -> list[Tensor]:
        return super().maps(np.ascontiguousarray(picture[:, :, ::-1]))


class ShiftedAligner(Aligner):
    """Is off by a pixel."""

    def landmarks(self, picture: Image, square: Square) -> Points:
        return super().landmarks(picture, square) + 1


class SwappedEmbedder(Embedder):
    """Forgets that chips are BGR."""

    def embed(self, chip: Image) -> Vector:
        return super().embed(np.ascontiguousarray(chip[:, :, ::-1]))


def swapped_detector(pack: Pack, _place: Path) -> Parts:
    assert isinstance(pack.parts.detector, Detector)
    return replace(pack.parts, detector=SwappedDetector(pack.parts.detector._session))


def swapped_embedder(pack: Pack, _place: Path) -> Parts:
    parts = pack.parts
    return replace(parts, embedder=SwappedEmbedder(parts.embedder._session, parts.spec))


def shifted_aligner(pack: Pack, place: Path) -> Parts:
    cascade = load_cascade((place / "landmarks.npz").read_bytes())
    return replace(pack.parts, aligner=ShiftedAligner(cascade))


def test_the_pack_passes(pack: Pack) -> None:
    assert check(pack.parts, GOLDEN, "dlib") == 14


@pytest.mark.parametrize(
    ("spoil", "what"),
    [(swapped_detector, "maps"), (shifted_aligner, "landmarks"), (swapped_embedder, "template")],
)
def test_swapped_colours_and_shifted_points_are_caught(
    pack: Pack, packs_dir: Path, spoil: Callable[[Pack, Path], Parts], what: str
) -> None:
    with pytest.raises(PackError, match=f"{what}.*is not what it must be"):
        check(spoil(pack, packs_dir / "dlib"), GOLDEN, "dlib")


SPEC = embedder_body(recipe("dlib").body, "dlib").embedder


@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, colour="bgr"),
        replace(SPEC, mean=(1.0, 1.0, 1.0)),
        replace(SPEC, scale=(1.01, 1.01, 1.01)),
        replace(SPEC, mirror=True),
        replace(SPEC, metric="cosine"),
    ],
)
def test_another_normalisation_is_caught(pack: Pack, spec: EmbedderSpec) -> None:
    embedder = Embedder(pack.parts.embedder._session, spec)
    with pytest.raises(PackError, match="is not what it must be"):
        check(replace(pack.parts, embedder=embedder), GOLDEN, "dlib")


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.0, -0.5)])
def test_half_a_pixel_is_caught(pack: Pack, shift: tuple[float, float]) -> None:
    for chain in GOLDEN.chains:
        points = np.array(chain.landmarks) + shift
        off = pack.parts.vector(pictures.picture(chain.picture), points) - np.array(chain.vector)
        assert np.linalg.norm(off) > 2 * chain.tolerance


def test_ours_is_nearer_to_dlibs_than_the_tolerance_by_far(pack: Pack) -> None:
    for chain in GOLDEN.chains:
        got = pack.parts.vector(pictures.picture(chain.picture), np.array(chain.landmarks))
        assert np.linalg.norm(got - np.array(chain.vector)) < chain.tolerance / 2


def test_every_picture_can_be_asked_for() -> None:
    assert set(get_args(PictureName)) == set(pictures.names())


def test_golden_answers_that_are_none_are_refused() -> None:
    with pytest.raises(PackError, match="no golden answers"):
        parse_golden(b'{"maps": []}')


@pytest.mark.parametrize("kind", ["maps", "faces", "landmarks", "vectors", "chains"])
def test_golden_answers_that_leave_something_unproved_are_refused(pack: Pack, kind: str) -> None:
    fewer = parse_golden(json.dumps(asdict(GOLDEN) | {kind: ()}).encode())
    with pytest.raises(PackError, match="what proves this pack is chains, faces, landmarks, maps"):
        check(pack.parts, fewer, "dlib")
