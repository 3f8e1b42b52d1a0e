"""Proves that a pack computes what it must, on pictures that show nobody.

Golden answers were made with other code (dlib itself, the untouched CenterFace on another
engine; ``models.make_golden``). They catch a damaged network, swapped colours, another alignment
and half a pixel. Cheap enough (a quarter of a second) to run at every start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from agent.core.errors import PackError
from models import pictures
from models.aligner import Aligner
from models.chips import cut
from models.detector import Detector
from models.embedder import Embedder, Measured
from models.manifest import EmbedderSpec
from models.values import FoundFace, Image, Points, Vector

_STRICT = ConfigDict(extra="forbid", strict=True)
Floats = tuple[float, ...]
# Another processor may round a probed pixel, and then a landmark, to its neighbour.
_ROUNDING_PX = 1.0
PictureName = Literal[
    "noise-150",
    "gradient-150",
    "noise-112",
    "gradient-112",
    "soft-96x64",
    "head-320x256",
    "head-lean-480x520",
]


@dataclass(frozen=True, slots=True)
class MapSample:
    """The detector's maps for a picture: every ``step``-th value of all four, joined."""

    __pydantic_config__ = _STRICT
    picture: PictureName
    step: Annotated[int, Field(ge=1)]
    values: Floats
    tolerance: float


@dataclass(frozen=True, slots=True)
class FaceSample:
    """The one face in a picture, found at a budget."""

    __pydantic_config__ = _STRICT
    picture: PictureName
    budget: int
    score: float
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    tolerance_px: float


@dataclass(frozen=True, slots=True)
class LandmarkSample:
    """dlib's five landmarks for a square (left, top, right, bottom, inside)."""

    __pydantic_config__ = _STRICT
    picture: PictureName
    square: tuple[int, int, int, int]
    landmarks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class VectorSample:
    """The template of a picture that is a chip already."""

    __pydantic_config__ = _STRICT
    picture: PictureName
    vector: Floats
    tolerance: float


@dataclass(frozen=True, slots=True)
class ChainSample:
    """The template of the face whose landmarks (the aligner's) are given."""

    __pydantic_config__ = _STRICT
    picture: PictureName
    landmarks: tuple[tuple[float, float], ...]
    vector: Floats
    tolerance: float


@dataclass(frozen=True, slots=True)
class Golden:
    """All answers. A pack without an aligner has no ``landmarks``."""

    __pydantic_config__ = _STRICT
    made_with: str
    maps: Annotated[tuple[MapSample, ...], Field(min_length=1)]
    faces: Annotated[tuple[FaceSample, ...], Field(min_length=1)]
    landmarks: tuple[LandmarkSample, ...]
    vectors: Annotated[tuple[VectorSample, ...], Field(min_length=1)]
    chains: Annotated[tuple[ChainSample, ...], Field(min_length=1)]


_GOLDEN: TypeAdapter[Golden] = TypeAdapter(Golden)


def parse_golden(data: bytes, where: str = "golden.json") -> Golden:
    """Golden answers; :class:`PackError` when malformed."""
    try:
        return _GOLDEN.validate_json(data)
    except ValidationError as error:
        raise PackError(
            f"{where} holds no golden answers: {error.error_count()} fault(s)"
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A pack's working parts."""

    detector: Detector
    aligner: Aligner | None
    embedder: Embedder
    spec: EmbedderSpec

    def points(self, picture: Image, face: FoundFace) -> Points:
        """The landmarks that chips are cut by."""
        if self.aligner is None:
            return face.landmarks
        return self.aligner.find(picture, face.box)

    def vector(self, picture: Image, points: Points) -> Vector:
        """The template of the face with these landmarks."""
        return self.embedder.embed(cut(picture, points, self.spec.geometry))

    def measured(self, picture: Image, points: Points) -> Measured:
        """The same, with what the network's answer says of its worth."""
        return self.embedder.measure(cut(picture, points, self.spec.geometry))


def check(parts: Parts, golden: Golden, name: str) -> int:
    """Compare all answers; returns how many, :class:`PackError` naming the first that differs."""
    draw = cache(pictures.picture)  # drawing takes longer than the networks; kept for this check
    for sample in golden.maps:
        _check_maps(parts, sample, draw(sample.picture), name)
    for face in golden.faces:
        _check_face(parts, face, draw(face.picture), name)
    for landmark in golden.landmarks:
        _check_landmarks(parts, landmark, draw(landmark.picture), name)
    for vector in golden.vectors:
        got = parts.embedder.embed(draw(vector.picture))
        _near(got, vector.vector, vector.tolerance, f"{name}: template of {vector.picture}")
    for chain in golden.chains:
        got = parts.vector(draw(chain.picture), np.array(chain.landmarks, np.float64))
        _near(got, chain.vector, chain.tolerance, f"{name}: face in {chain.picture}")
    kinds = (golden.maps, golden.faces, golden.landmarks, golden.vectors, golden.chains)
    return sum(len(kind) for kind in kinds)


def _check_maps(parts: Parts, sample: MapSample, picture: Image, name: str) -> None:
    joined = np.concatenate([one.ravel() for one in parts.detector.maps(picture)])[:: sample.step]
    wanted = np.array(sample.values)
    if joined.shape != wanted.shape or np.abs(joined - wanted).max() > sample.tolerance:
        raise _differs(f"{name}: the detector's maps of {sample.picture}")


def _check_face(parts: Parts, sample: FaceSample, picture: Image, name: str) -> None:
    found = parts.detector.detect(picture, sample.budget)
    what = f"{name}: the face in {sample.picture}"
    if len(found) != 1 or abs(found[0].score - sample.score) > 0.01:
        raise _differs(what)
    box = found[0].box
    edges = np.array([box.left, box.top, box.right, box.bottom])
    marks = np.abs(found[0].landmarks - np.array(sample.landmarks)).max()
    if max(marks, np.abs(edges - sample.box).max()) > sample.tolerance_px:
        raise _differs(what)


def _check_landmarks(parts: Parts, sample: LandmarkSample, picture: Image, name: str) -> None:
    if parts.aligner is None:
        raise PackError(f"{name}: golden landmarks, but no aligner")
    off = np.abs(parts.aligner.landmarks(picture, sample.square) - np.array(sample.landmarks))
    if off.max() > _ROUNDING_PX or off.mean() > _ROUNDING_PX / 5:
        raise _differs(f"{name}: landmarks in {sample.picture}")


def _near(got: Vector, wanted: Floats, tolerance: float, what: str) -> None:
    if got.shape != (len(wanted),) or np.linalg.norm(got - np.array(wanted)) > tolerance:
        raise _differs(what)


def _differs(what: str) -> PackError:
    return PackError(
        f"{what} is not what it must be: the pack is damaged, or a library computes differently"
        " here. Run 'gatehouse models fetch' again; if it stays, do not use this machine for faces"
    )
