"""Steadier landmarks: a face is looked at again at several sizes, and the answers are averaged.

A detector's landmarks are off by a pixel or two, each time another, and an embedder without an
aligner of its own takes every such pixel for a trait of the face. The mean of several looks is off
by less (docs/accuracy.md: people missed at one threshold fall by a fifth). Only faces that are
about to be embedded are looked at again. Not here: which faces those are; cutting chips.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from models.values import Box, FoundFace, Image, Points

Detect = Callable[[Image, int], list[FoundFace]]

# Sides of the square cuts, in px; the face fills half of each, as detectors were taught.
SIDES_PX = (128, 160, 224)
_FACES_WIDE = 2.0
# How far from the middle of the cut a face may lie to be the same one, in shares of its side.
_SAME = 0.15


def settle(detect: Detect, picture: Image, face: FoundFace) -> FoundFace:
    """*face* with the mean of its own landmarks and those found at each size; box and score stay.

    A size at which the face is not found again is left out.
    """
    looks = [face.landmarks]
    for side in SIDES_PX:
        found = _again(detect, picture, face.box, side)
        if found is not None:
            looks.append(found)
    return replace(face, landmarks=np.mean(looks, axis=0))


def _again(detect: Detect, picture: Image, box: Box, side: int) -> Points | None:
    """The landmarks, in the picture's pixels, of the face in the middle of the cut."""
    extent = max(round(_FACES_WIDE * max(box.width, box.height)), 1)
    x, y = box.centre
    left, top = round(x - extent / 2), round(y - extent / 2)
    cut = _cut(picture, left, top, extent, side)
    faces = [] if cut is None else detect(cut, side)
    if not faces:
        return None
    face = min(faces, key=lambda one: _from_middle(one, side))
    if _from_middle(face, side) > _SAME * side:
        return None
    return face.landmarks * (extent / side) + np.array([left, top], np.float64)


def _from_middle(face: FoundFace, side: int) -> float:
    x, y = face.box.centre
    return math.hypot(x - side / 2, y - side / 2)


def _cut(picture: Image, left: int, top: int, extent: int, side: int) -> Image | None:
    """The square at *side* px; beyond the picture its edge is repeated. None if all is beyond."""
    height, width = picture.shape[:2]
    inside = picture[max(top, 0) : top + extent, max(left, 0) : left + extent]
    if not inside.size:
        return None
    beyond = (
        max(-top, 0), max(top + extent - height, 0), max(-left, 0), max(left + extent - width, 0)
    )  # fmt: skip
    if any(beyond):
        inside = np.asarray(cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE), np.uint8)
    how = cv2.INTER_AREA if extent > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, (side, side), interpolation=how), np.uint8)
