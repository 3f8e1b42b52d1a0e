"""Cuts aligned faces out of pictures: least-squares similarity, dlib's chip, ArcFace's chip.

Pure geometry and resampling. dlib's chip is reproduced as dlib cuts it (``get_face_chip_details``
and ``extract_image_chips`` in ``image_transforms/interpolation.h``), because its network was
trained on such chips and half a pixel matters: the similarity becomes a rotated square around the
image of the point (75, 75), and the *centres of the corner pixels* of chip and square coincide.
"""

from __future__ import annotations

import math
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.values import Image, Points, Vector


class Geometry(StrEnum):
    """How an embedder wants its faces cut."""

    DLIB_150 = "dlib-150"
    ARCFACE_112 = "arcface-112"

    @property
    def side_px(self) -> int:
        """Width and height of a chip."""
        return {"dlib-150": 150, "arcface-112": 112}[self.value]


_DLIB_PADDING = 0.25
# Outer and inner corner of the eye on the right, the same on the left, base of the nose, in the
# unit square of a face; the constants of dlib's get_face_chip_details.
_DLIB_FACE = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
# Eyes, nose, corners of the mouth in a chip of 112 px; Deng et al., ArcFace, CVPR 2019.
_ARCFACE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
_MAX_CHIP_SCALE = 64.0
# When it halves a picture, dlib samples a quarter of a (new) pixel too far left and too low.
_PYRAMID_SHIFT = (-0.25, 0.25)
# A pixel that would blend in the outside is black, as in dlib: so dark that nothing outweighs it.
_OUTSIDE = (-1e6, -1e6, -1e6)


def similarity(source: Points, target: Points) -> Points:
    """The 2x3 rotation, scale and shift that takes *source* closest to *target* (Umeyama 1991).

    ValueError when the source points coincide.
    """
    middle, goal = source.mean(0), target.mean(0)
    a, b = source - middle, target - goal
    spread = float((a**2).sum())
    if spread <= 0:
        raise ValueError("the landmarks coincide")
    c = float((a * b).sum()) / spread
    s = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[c, -s], [s, c]])
    return np.hstack([turn, (goal - turn @ middle)[:, None]])


def cut(picture: Image, landmarks: Points, geometry: Geometry) -> Image:
    """The aligned chip, (side, side, 3) in the picture's colour order; black outside the picture.

    *landmarks* are dlib's five for ``dlib-150`` and the detector's five for ``arcface-112``.
    :class:`PackError` when they describe no face.
    """
    try:
        matrix = _dlib_matrix(landmarks) if geometry is Geometry.DLIB_150 else _arcface(landmarks)
    except ValueError as error:
        raise PackError(f"no chip can be cut: {error}") from error
    side = geometry.side_px
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    if not 0 < scale < _MAX_CHIP_SCALE:
        raise PackError(f"no chip can be cut: the face would be {scale * side:.0f} px wide")
    halvings = _halvings(side * scale, side)
    patch, matrix = _patch(picture, matrix, side, halvings)
    if not patch.size:
        raise PackError("no chip can be cut: the face lies outside the picture")
    for _ in range(halvings):
        if min(patch.shape[:2]) < 8:
            break
        patch, matrix = _floor(cv2.pyrDown(patch)), matrix / 2
        matrix[:, 2] += _PYRAMID_SHIFT
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    chip = cv2.warpAffine(patch, matrix, (side, side), flags=how, borderValue=_OUTSIDE)
    return np.maximum(_floor(chip), 0).astype(np.uint8)


def _dlib_matrix(landmarks: Points) -> Points:
    """Chip -> picture for dlib's chip."""
    side = Geometry.DLIB_150.side_px
    template = (_DLIB_PADDING + _DLIB_FACE) / (1 + 2 * _DLIB_PADDING) * side
    fit = similarity(template, landmarks)
    scale = math.hypot(fit[0, 0], fit[1, 0])
    if scale <= 0:
        raise ValueError("the landmarks coincide")
    centre = fit @ np.array([side / 2, side / 2, 1])
    turn = fit[:, :2] / scale * (side * scale - 1) / (side - 1)
    return np.hstack([turn, (centre - turn @ np.full(2, (side - 1) / 2))[:, None]])


def _arcface(landmarks: Points) -> Points:
    """Chip -> picture for ArcFace's chip: the inverse of the fit onto the template."""
    inverse = cv2.invertAffineTransform(similarity(landmarks, _ARCFACE))
    return np.asarray(inverse, np.float64)


def _halvings(width: float, side: int) -> int:
    """How often to halve a square of *width* px so that a chip of *side* skips no pixel."""
    count = 0
    while (width - 1) / 2 + 1 > side:
        width, count = (width - 1) / 2 + 1, count + 1
    return count


def _patch(picture: Image, matrix: Points, side: int, halvings: int) -> tuple[Vector, Points]:
    """The part of the picture that the chip needs, as float32, and the matrix from there.

    With dlib's own margin, since halving starts at its corner: an odd pixel off is another chip.
    """
    margin = 2 ** (halvings + 2) - 2
    ends = matrix @ np.array([[0, side - 1, 0, side - 1], [0, 0, side - 1, side - 1], [1] * 4])
    left, top = (max(math.floor(value - margin + 0.5), 0) for value in ends.min(1))
    right, bottom = (max(math.floor(value + margin + 0.5), 0) + 1 for value in ends.max(1))
    matrix = matrix.copy()
    matrix[:, 2] -= (left, top)
    return picture[top:bottom, left:right].astype(np.float32), matrix


def _floor(values: npt.NDArray[np.generic]) -> Vector:
    """Whole grey levels rounded down as dlib does; a hair is added against float noise."""
    raised: Vector = np.asarray(values, np.float32) + np.float32(1e-3)
    return np.floor(raised)
