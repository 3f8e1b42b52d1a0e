"""Proves that a pack computes what it must, on pictures that show nobody.

Golden answers were made with other code (dlib itself, the untouched networks on another engine;
``models.make_golden``). They catch a damaged or another network, swapped colours, another
normalisation, another alignment and half a pixel; of an int8 form what moves more than rounding
does. Cheap enough (a quarter of a second) to run at every start. Each role must have the answers
that show all this: ``_need``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from agent.core.errors import PackError
from models import pictures
from models.aligner import square_of
from models.detector import FaceDetector
from models.livenet import LivenessNet
from models.parts import AnyParts, Parts
from models.platenet import PlateNet
from models.specs import STRICT, Count
from models.values import Box, Image, Vector

Floats = tuple[float, ...]
Draw = Callable[[str], Image]
# Another processor may round a probed pixel, and then a landmark, to its neighbour.
_ROUNDING_PX = 1.0
PictureName = Literal[
    "noise-150",
    "gradient-150",
    "noise-112",
    "gradient-112",
    "noise-94x24",
    "soft-96x64",
    "head-320x256",
    "head-lean-480x520",
]


@dataclass(frozen=True, slots=True)
class MapSample:
    """The detector's maps for a picture: every ``step``-th value of all four, joined."""

    __pydantic_config__ = STRICT
    picture: PictureName
    step: Annotated[int, Field(ge=1)]
    values: Floats
    tolerance: float


@dataclass(frozen=True, slots=True)
class FaceSample:
    """The one face in a picture, found at a budget, and in the picture made twice as large.

    ``square`` (left, top, right, bottom): where dlib's landmarks would be looked for.
    """

    __pydantic_config__ = STRICT
    picture: PictureName
    budget: int
    score: float
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    tolerance_px: float
    square: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class LandmarkSample:
    """dlib's five landmarks for a square (left, top, right, bottom, inside)."""

    __pydantic_config__ = STRICT
    picture: PictureName
    square: tuple[int, int, int, int]
    landmarks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class VectorSample:
    """The template of a picture that is a chip already."""

    __pydantic_config__ = STRICT
    picture: PictureName
    vector: Floats
    tolerance: float


@dataclass(frozen=True, slots=True)
class ChainSample:
    """The template of the face whose landmarks (the aligner's) are given."""

    __pydantic_config__ = STRICT
    picture: PictureName
    landmarks: tuple[tuple[float, float], ...]
    vector: Floats
    tolerance: float


@dataclass(frozen=True, slots=True)
class LiveSample:
    """The class probabilities of each liveness network for a detector's box in a picture.

    ``live`` is the place of the live class among them.
    """

    __pydantic_config__ = STRICT
    picture: PictureName
    box: tuple[float, float, float, float]
    classes: tuple[Floats, ...]
    live: Count
    tolerance: float


@dataclass(frozen=True, slots=True)
class PlateSample:
    """The plate network's answer for a picture: every ``step``-th value."""

    __pydantic_config__ = STRICT
    picture: PictureName
    step: Annotated[int, Field(ge=1)]
    values: Annotated[Floats, Field(min_length=1)]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Golden:
    """All answers, of those kinds that the pack's role needs."""

    __pydantic_config__ = STRICT
    made_with: str
    maps: tuple[MapSample, ...] = ()
    faces: tuple[FaceSample, ...] = ()
    landmarks: tuple[LandmarkSample, ...] = ()
    vectors: tuple[VectorSample, ...] = ()
    chains: tuple[ChainSample, ...] = ()
    lives: tuple[LiveSample, ...] = ()
    plates: tuple[PlateSample, ...] = ()


_GOLDEN: TypeAdapter[Golden] = TypeAdapter(Golden)


def parse_golden(data: bytes, where: str = "golden.json") -> Golden:
    """Golden answers; :class:`PackError` when malformed."""
    try:
        return _GOLDEN.validate_json(data)
    except ValidationError as error:
        raise PackError(
            f"{where} holds no golden answers: {error.error_count()} fault(s)"
        ) from error


def check(parts: AnyParts, golden: Golden, name: str) -> int:
    """Compare all answers; returns how many, :class:`PackError` naming the first that differs."""
    _need(parts, golden, name)
    draw = cache(pictures.picture)  # drawing takes longer than the networks; kept for this check
    match parts:
        case Parts():
            if parts.detector is not None:
                _check_detector(parts.detector, golden, draw, name)
            _check_embedder(parts, golden, draw, name)
        case LivenessNet():
            _check_lives(parts, golden, draw, name)
        case PlateNet():
            _check_plates(parts, golden, draw, name)
        case _:
            _check_squares(golden, name)
            _check_detector(parts, golden, draw, name)
    return sum(len(kind) for kind in _kinds(golden).values())


def _kinds(golden: Golden) -> dict[str, tuple[object, ...]]:
    """The answers by kind."""
    found = {field.name: getattr(golden, field.name) for field in fields(golden)}
    return {name: value for name, value in found.items() if isinstance(value, tuple)}


def _need(parts: AnyParts, golden: Golden, name: str) -> None:
    """Just the kinds of answers that prove the parts: one too few leaves something unproved."""
    match parts:
        case Parts():
            needed = {"vectors", "chains"}
            needed |= {"maps", "faces"} if parts.detector is not None else set()
            needed |= {"landmarks"} if parts.aligner is not None else set()
        case LivenessNet():
            needed = {"lives"}
        case PlateNet():
            needed = {"plates"}
        case _:
            needed = {"maps", "faces"}
    found = {kind for kind, samples in _kinds(golden).items() if samples}
    if found != needed:
        raise PackError(
            f"{name}: the golden answers are {', '.join(sorted(found)) or 'none'}; what proves"
            f" this pack is {', '.join(sorted(needed))}"
        )


def _check_detector(detector: FaceDetector, golden: Golden, draw: Draw, name: str) -> None:
    for sample in golden.maps:
        _check_maps(detector, sample, draw(sample.picture), name)
    for face in golden.faces:
        _check_face(detector, face, draw(face.picture), name)


def _check_squares(golden: Golden, name: str) -> None:
    """A detector's pack says in its manifest where landmarks lie in its boxes: that is proved."""
    if any(face.square is None for face in golden.faces):
        raise PackError(f"{name}: golden faces without the square for landmarks prove too little")


def _check_embedder(parts: Parts, golden: Golden, draw: Draw, name: str) -> None:
    for landmark in golden.landmarks:
        _check_landmarks(parts, landmark, draw(landmark.picture), name)
    for vector in golden.vectors:
        got = parts.embedder.embed(draw(vector.picture))
        _near(got, vector.vector, vector.tolerance, f"{name}: template of {vector.picture}")
    for chain in golden.chains:
        got = parts.vector(draw(chain.picture), np.array(chain.landmarks, np.float64))
        _near(got, chain.vector, chain.tolerance, f"{name}: face in {chain.picture}")


def _check_lives(net: LivenessNet, golden: Golden, draw: Draw, name: str) -> None:
    for sample in golden.lives:
        if len(sample.classes) != len(net.sessions):
            raise PackError(f"{name}: golden answers for {len(sample.classes)} liveness networks")
        if sample.live != net.spec.classes.index(net.spec.live):
            raise _differs(f"{name}: which class is the live one")
        for number, wanted in enumerate(sample.classes):
            got = net.one(number, draw(sample.picture), Box(*sample.box))
            _near(got, wanted, sample.tolerance, f"{name}: liveness {number + 1} of the"
                  f" face in {sample.picture}")  # fmt: skip


def _check_plates(net: PlateNet, golden: Golden, draw: Draw, name: str) -> None:
    for sample in golden.plates:
        got = net.scores(draw(sample.picture)).ravel()[:: sample.step]
        _near(got, sample.values, sample.tolerance, f"{name}: the plate {sample.picture}")


def _check_maps(detector: FaceDetector, sample: MapSample, picture: Image, name: str) -> None:
    joined = np.concatenate([one.ravel() for one in detector.maps(picture)])[:: sample.step]
    wanted = np.array(sample.values)
    if joined.shape != wanted.shape or np.abs(joined - wanted).max() > sample.tolerance:
        raise _differs(f"{name}: the detector's maps of {sample.picture}")


def _check_face(detector: FaceDetector, sample: FaceSample, picture: Image, name: str) -> None:
    """Twice as large it is the same to the network, and must be found twice as far away."""
    what = f"{name}: the face in {sample.picture}"
    for times in (1, 2):
        found = detector.detect(picture.repeat(times, 0).repeat(times, 1), sample.budget)
        if len(found) != 1 or abs(found[0].score - sample.score) > 0.01:
            raise _differs(what)
        box = found[0].box
        edges = np.array([box.left, box.top, box.right, box.bottom]) / times
        marks = np.abs(found[0].landmarks / times - np.array(sample.landmarks)).max()
        if max(marks, np.abs(edges - sample.box).max()) > sample.tolerance_px:
            raise _differs(what)
        square = np.array(square_of(box, detector.square)) / times
        off = 0.0 if sample.square is None else np.abs(square - sample.square).max()
        if off > sample.tolerance_px + _ROUNDING_PX:
            raise _differs(f"{what}, where its landmarks lie,")


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
