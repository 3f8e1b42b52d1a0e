from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.quality import ENROLMENT, assess, live_gate, yaw_of
from models.values import FoundFace
from tests.unit.models.makers import box_at, face_in

FACE = face_in(box_at(300, 200, 150))


def turned(face: FoundFace, degrees: float) -> FoundFace:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = face.landmarks.mean(0)
    return replace(face, landmarks=(face.landmarks - middle) @ turn.T + middle)


def test_a_large_clear_frontal_face_is_as_good_as_any() -> None:
    quality = assess(FACE, 640, 480)
    assert quality.score == 1.0
    assert quality.size_px == 150


@given(st.floats(0, 1), st.floats(20, 400), st.floats(0, 0.6))
def test_every_part_is_a_share_and_the_score_their_product(
    score: float, size: float, yaw: float
) -> None:
    q = assess(face_in(box_at(400, 300, size), score=score, yaw=yaw), 900, 900)
    assert all(0 <= part <= 1 for part in (q.score, q.detector, q.size, q.pose))
    assert q.score == pytest.approx(q.detector * q.size * q.pose)


@given(st.floats(0, 0.5), st.floats(0.01, 0.4))
def test_turning_away_never_makes_a_face_better(yaw: float, more: float) -> None:
    one = assess(face_in(FACE.box, yaw=yaw), 640, 480)
    two = assess(face_in(FACE.box, yaw=yaw + more), 640, 480)
    assert two.pose <= one.pose


@pytest.mark.parametrize("degrees", [-30, 15, 30])
def test_a_tilted_head_is_not_a_turned_one(degrees: float) -> None:
    assert yaw_of(turned(FACE, degrees)) == pytest.approx(yaw_of(FACE), abs=1e-9)


def test_left_and_right_count_alike() -> None:
    assert yaw_of(face_in(FACE.box, yaw=0.2)) == pytest.approx(yaw_of(face_in(FACE.box, yaw=-0.2)))


@pytest.mark.parametrize(
    ("face", "why"),
    [
        (face_in(box_at(300, 200, 40)), "too-small"),
        (face_in(FACE.box, yaw=0.5), "turned"),
        (face_in(FACE.box, score=0.55), "unclear"),
        (replace(FACE, landmarks=FACE.landmarks[[0, 1, 2, 4, 3]] * (1, -1) + (0, 400)), "turned"),
        (face_in(box_at(10, 200, 150)), "turned"),
        (FACE, ""),
    ],
)
def test_the_gate_says_why(face: FoundFace, why: str) -> None:
    assert live_gate(45).refusal(assess(face, 640, 480), face.score) == why


def test_enrolment_is_stricter_than_walking_by() -> None:
    live = live_gate(45)
    assert ENROLMENT.size_px == 112
    assert ENROLMENT.size_px > live.size_px
    assert ENROLMENT.yaw < live.yaw


def test_eyes_in_one_place_are_no_face() -> None:
    marks = FACE.landmarks.copy()
    marks[1] = marks[0]
    assert assess(replace(FACE, landmarks=marks), 640, 480).score == 0
