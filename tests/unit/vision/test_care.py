"""Can a camera tell faces apart? From the best of each track."""

from __future__ import annotations

import pytest

from agent.vision.care import FaceCare
from models.values import Quality


def quality(score: float, size_px: float = 80.0) -> Quality:
    return Quality(score, score, 1.0, 1.0, size_px, 0.0)


def showed(good: int, bad: int) -> FaceCare:
    """So many people came near enough, and so many did not."""
    care = FaceCare()
    for number in range(good + bad):
        care.saw(number, quality(0.05, 40))
        care.saw(number, quality(0.8 if number < good else 0.1, 90))
        care.saw(number, quality(0.0, 30))
    care.end(range(good + bad))
    return care


@pytest.mark.parametrize(
    ("good", "bad", "grade"),
    [(9, 0, "unknown"), (10, 0, "good"), (14, 6, "good"), (10, 10, "fair"), (2, 18, "poor")],
)
def test_a_camera_is_graded_by_its_tracks_at_their_best(good: int, bad: int, grade: str) -> None:
    assert showed(good, bad).grade(1.0) == grade


def test_no_face_helps_a_bad_picture() -> None:
    assert showed(20, 0).grade(0.2) == "poor"


def test_old_tracks_are_forgotten_and_running_ones_do_not_count() -> None:
    care = showed(20, 0)
    for number in range(100, 150):
        care.saw(number, quality(0.1, 50))
    assert (care.grade(1.0), care.size_px) == ("good", 90)
    care.end(range(100, 150))
    assert (care.grade(1.0), care.size_px) == ("poor", 50)
