"""How good a found face is for comparison, from the detector's answer alone.

Detector score, size and pose (landmark geometry). Sharpness is left out on purpose: its variance
of the Laplacian ranked faces no better than chance. Not here: deciding about people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.values import FoundFace, Quality

# Score, size and yaw between which a part of the quality rises from 0 to 1. The lower ends cut
# about the worst hundredth of 2,300 photos by hand-held and gate-like cameras; above the upper
# ends, templates did not get better.
_SCORE = (0.50, 0.80)
_SIZE_PX = (30.0, 120.0)
_YAW = (0.45, 0.10)
_EYES_OVER_WIDTH = (0.28, 0.62)


@dataclass(frozen=True, slots=True)
class Gate:
    """What a face needs at least. Size in px (short side of the box), score and yaw as found."""

    size_px: float
    score: float
    yaw: float

    def refusal(self, quality: Quality, score: float) -> str:
        """Why a face does not pass, as one of the words below; empty when it does."""
        if quality.size_px < self.size_px:
            return "too-small"
        if quality.yaw > self.yaw or quality.pose <= 0:
            return "turned"
        if score < self.score:
            return "unclear"
        return ""


def live_gate(smallest_px: float) -> Gate:
    """For a face walking by: *smallest_px* is the configuration's ``faces.min_face_px``."""
    return Gate(size_px=smallest_px, score=0.6, yaw=0.35)


ENROLMENT = Gate(size_px=112.0, score=0.6, yaw=0.25)


def assess(face: FoundFace, width: int, height: int) -> Quality:
    """The quality of *face* in a picture of *width* x *height* px."""
    size = face.box.short_side
    yaw = yaw_of(face)
    pose = _ramp(yaw, *_YAW)
    if not _plausible(face) or _cut_off(face, width, height):
        pose = 0.0
    detector = _ramp(face.score, *_SCORE)
    large = _ramp(size, *_SIZE_PX)
    return Quality(detector * large * pose, detector, large, pose, size, yaw)


def yaw_of(face: FoundFace) -> float:
    """The nose's offset along the line of the eyes over their distance: 0 frontal, .5 profile.

    Measured from the middle of eyes and mouth, so a tilted head counts as frontal.
    """
    left, right, nose, mouth_left, mouth_right = face.landmarks
    axis = right - left
    eyes = math.hypot(*axis)
    if eyes <= 0:
        return 1.0
    middle = (left + right + mouth_left + mouth_right) / 4
    return abs(float((nose - middle) @ axis)) / eyes**2


def _plausible(face: FoundFace) -> bool:
    """Eyes apart as eyes are, and above the mouth."""
    left, right, _, mouth_left, mouth_right = face.landmarks
    axis = right - left
    if face.box.width <= 0:
        return False
    share = math.hypot(*axis) / face.box.width
    down = (mouth_left + mouth_right - left - right) / 2
    below = float(axis[0] * down[1] - axis[1] * down[0])
    return _EYES_OVER_WIDTH[0] <= share <= _EYES_OVER_WIDTH[1] and below > 0


def _cut_off(face: FoundFace, width: int, height: int) -> bool:
    """A landmark lies outside the picture."""
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    return bool(x.min() < 0 or y.min() < 0 or x.max() >= width or y.max() >= height)


def _ramp(value: float, nought: float, one: float) -> float:
    """0 at *nought*, 1 at *one*, straight between, clipped."""
    return min(max((value - nought) / (one - nought), 0.0), 1.0)
