from __future__ import annotations

import cv2
import numpy as np
import pytest

from models import pictures
from models.engine import PackEngine
from models.settle import SIDES_PX, settle
from models.values import Box, FoundFace, Image

SPOTS = np.array([[90, 80], [130, 80], [110, 100], [95, 120], [125, 120]], float)
FACE = FoundFace(Box(80, 60, 140, 140), 0.9, SPOTS)


def scene() -> Image:
    """A dark picture whose five landmarks are single bright spots."""
    picture = np.zeros((240, 320, 3), np.uint8)
    for x, y in SPOTS:
        cv2.circle(picture, (int(x), int(y)), 3, (255, 255, 255), -1)
    return picture


def spots_of(picture: Image, _budget: int) -> list[FoundFace]:
    """A detector of bright spots, in reading order."""
    count, _, _, centres = cv2.connectedComponentsWithStats((picture[:, :, 0] > 127).astype("u1"))
    if count != 6:
        return []
    points = np.array(sorted(centres[1:].tolist(), key=lambda p: (round(p[1] / 8), p[0]))) + 0.5
    low, high = points.min(0), points.max(0)
    return [FoundFace(Box(*low, *high), 0.8, points)]


def test_every_size_looks_at_the_same_face() -> None:
    seen: list[int] = []

    def detect(picture: Image, budget: int) -> list[FoundFace]:
        assert picture.shape == (budget, budget, 3)
        seen.append(budget)
        return spots_of(picture, budget)

    settled = settle(detect, scene(), FACE)
    assert tuple(seen) == SIDES_PX
    assert np.abs(settled.landmarks - SPOTS).max() < 1.0
    assert (settled.box, settled.score) == (FACE.box, FACE.score)


def test_what_was_off_comes_nearer() -> None:
    off = FoundFace(FACE.box, FACE.score, SPOTS + np.array([3.0, -2.0]))
    settled = settle(spots_of, scene(), off)
    assert np.abs(settled.landmarks - SPOTS).max() < 1.5


def test_a_face_that_is_not_found_again_keeps_its_landmarks() -> None:
    settled = settle(lambda _picture, _budget: [], scene(), FACE)
    assert (settled.landmarks == SPOTS).all()


def test_a_neighbour_is_not_taken_for_the_face() -> None:
    def beside(_picture: Image, budget: int) -> list[FoundFace]:
        return [FoundFace(Box(0, 0, budget / 4, budget / 4), 0.9, np.zeros((5, 2)))]

    assert (settle(beside, scene(), FACE).landmarks == SPOTS).all()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (319, 239), (-40, 120), (400, 400)])
def test_a_face_at_or_beyond_the_edge_is_no_fault(x: float, y: float) -> None:
    face = FoundFace(Box(x - 30, y - 30, x + 30, y + 30), 0.9, SPOTS)
    assert settle(spots_of, scene(), face).landmarks.shape == (5, 2)


def test_a_detector_agrees_with_itself(engine: PackEngine) -> None:
    picture = pictures.picture("head-320x256")
    (face,) = engine.detect(picture)
    settled = settle(engine.detect, picture, face)
    assert 0 < np.abs(settled.landmarks - face.landmarks).max() < 0.06 * face.box.width
