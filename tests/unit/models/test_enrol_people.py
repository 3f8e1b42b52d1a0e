"""The gate for enrolment on photos of real people: as they are, and spoilt in known ways.

Shares are those measured in November 2026 with a little room; docs/faces.md tells them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.core.errors import PhotoError
from models.engine import PackEngine
from models.enrol import faces_of
from models.photo import PhotoFault, decode
from models.quality import ENROLMENT, assess
from models.values import FoundFace, Image
from tests.unit.models.fixtures import photo, real

Spoil = Callable[[Image, FoundFace], Image]
GOOD = (
    ("faces", "face_recognition"),
    ("faces", "faceapi_bbt"),
    ("faces", "dlib_johns150"),
    ("pad", "nuaa", "real"),
)
MOST_OF_A_SET = 5


def read(path: Path) -> Image:
    """dlib's chips are cut so tight that no detector finds the face: an edge goes round them."""
    picture = decode(path.read_bytes())
    edge = 40 if "johns" in str(path) else 0
    padded = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def as_photo(picture: Image) -> bytes:
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def usable(engine: PackEngine, picture: Image) -> FoundFace | None:
    """The one face of a photo that is large and frontal enough to be enrolled."""
    faces = faces_of(picture, engine.detect)
    if len(faces) != 1:
        return None
    height, width = picture.shape[:2]
    quality = assess(faces[0], width, height)
    return None if ENROLMENT.refusal(quality, faces[0].score) else faces[0]


@pytest.fixture(scope="module")
def people(engine: PackEngine) -> list[tuple[Image, FoundFace]]:
    """Good photos, the first of each set."""
    found: list[tuple[Image, FoundFace]] = []
    for parts in GOOD:
        paths = sorted(p for p in real(*parts).rglob("*") if p.suffix in (".jpg", ".png"))
        pictures = map(read, paths)
        good = ((p, face) for p in pictures if (face := usable(engine, p)) is not None)
        found += itertools.islice(good, MOST_OF_A_SET)
    assert len(found) >= 18
    return found


def faults(engine: PackEngine, photos: Iterator[Image]) -> list[str]:
    """The fault of each photo, empty for one that was taken."""
    said = []
    for picture in photos:
        try:
            engine.template(as_photo(picture))
            said.append("")
        except PhotoError as error:
            said.append(str(error).partition(":")[0])
    return said


def share(said: list[str], *wanted: str) -> float:
    return sum(fault in wanted for fault in said) / len(said)


def blurred(picture: Image, face: FoundFace, strength: float) -> Image:
    """A Gaussian of so many face widths."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), strength * face.box.short_side), np.uint8)


def box_of(face: FoundFace, part: str) -> tuple[float, float, float, float]:
    left, right, nose, *_ = face.landmarks
    box, eye, middle = face.box, float(np.hypot(*(right - left))), float((left + right)[1]) / 2
    return {
        "mouth": (box.left, float(nose[1]) - 0.15 * eye, box.right, box.bottom + 5),
        "eyes": (box.left, middle - 0.35 * eye, box.right, middle + 0.35 * eye),
        "half": (box.left, box.top, float(nose[0]), box.bottom),
    }[part]


def blocked(picture: Image, face: FoundFace, part: str, colour: tuple[int, int, int]) -> Image:
    spoilt = picture.copy()
    left, top, right, bottom = (max(round(edge), 0) for edge in box_of(face, part))
    cv2.rectangle(spoilt, (left, top), (right, bottom), colour, -1)
    return spoilt


def test_good_photos_are_taken(engine: PackEngine, people: list[tuple[Image, FoundFace]]) -> None:
    said = faults(engine, (picture for picture, _ in people))
    assert share(said, "") >= 0.95


@pytest.mark.parametrize(("strength", "least"), [(0.03, 0.85), (0.06, 0.9)])
def test_blurred_photos_are_refused(
    engine: PackEngine, people: list[tuple[Image, FoundFace]], strength: float, least: float
) -> None:
    said = faults(engine, (blurred(picture, face, strength) for picture, face in people))
    assert 1 - share(said, "") >= least
    assert share(said, PhotoFault.BLURRED) >= 0.5


@pytest.mark.parametrize(
    ("part", "colour", "least"),
    [
        ("mouth", (200, 160, 90), 0.95),
        ("mouth", (235, 235, 235), 0.95),
        ("eyes", (20, 20, 20), 0.6),
        ("half", (40, 40, 40), 0.9),
    ],
)
def test_covered_faces_are_refused(
    engine: PackEngine,
    people: list[tuple[Image, FoundFace]],
    part: str,
    colour: tuple[int, int, int],
    least: float,
) -> None:
    cover: Spoil = functools.partial(blocked, part=part, colour=colour)
    said = faults(engine, (cover(picture, face) for picture, face in people))
    assert 1 - share(said, "") >= least


def test_masked_people_are_refused(engine: PackEngine) -> None:
    """Streets and portraits; those whose face is large enough to be enrolled are few."""
    said = []
    for path in sorted(real("faces", "rwmfd_masked_unlabelled").rglob("*.jpg")):
        picture = read(path)
        found = faces_of(picture, engine.detect)
        if found and found[0].box.short_side >= 60:
            scale = max(130 / found[0].box.short_side, 1.0)
            larger = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            said += faults(engine, iter([np.asarray(larger, np.uint8)]))
    assert len(said) >= 25
    assert 1 - share(said, "") >= 0.8


def test_turned_faces_are_refused(
    engine: PackEngine, people: list[tuple[Image, FoundFace]]
) -> None:
    """Half of a face pressed together, as one that is turned away shows it."""
    said = faults(engine, (turned(picture, face) for picture, face in people))
    assert 1 - share(said, "") >= 0.7
    assert share(said, PhotoFault.TURNED) >= 0.3


def turned(picture: Image, face: FoundFace) -> Image:
    """As large as before, although it is narrower."""
    middle = round(float(face.landmarks[2][0]))
    left = cv2.resize(picture[:, :middle], (max(middle // 5, 8), picture.shape[0]))
    narrow = np.hstack([left, picture[:, middle:]])
    scale = min(250 / face.box.short_side, 2.2)
    return np.asarray(cv2.resize(narrow, None, fx=scale, fy=scale), np.uint8)


def test_a_small_copy_is_too_small(engine: PackEngine) -> None:
    picture = decode(photo("biden.jpg"))
    face = faces_of(picture, engine.detect)[0]
    scale = 100 / face.box.short_side
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert faults(engine, iter([np.asarray(small, np.uint8)])) == [PhotoFault.TOO_SMALL]
