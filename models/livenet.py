"""Computes, for a face's box in a picture, how likely it is each class of a liveness pack.

Here: cutting what each network wants to see of the face's surroundings, and the mean of the
networks. Not here: what follows from it over frames (``models.liveness``). Box and picture must be
those that the template was made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from agent.core.errors import PackError
from models.normalise import Normalise
from models.sessions import Session
from models.specs import FaceBox, LivenessSpec
from models.values import Box, Image, Vector

_SURE = 1e-3


class LivenessNet:
    """The networks of a liveness pack and what they expect."""

    def __init__(self, sessions: Sequence[Session], spec: LivenessSpec) -> None:
        """*sessions* in the order of ``spec.networks``."""
        self.sessions = tuple(sessions)
        self.spec = spec
        self._normalise = Normalise(spec.colour, spec.mean, spec.scale)

    def classes(self, picture: Image, box: Box) -> Vector:
        """(classes,) probabilities in the order of ``spec.classes`` for the face in *box*.

        *picture* BGR, *box* the detector's. :class:`PackError` when the box lies outside it.
        """
        return np.asarray(np.mean([self.one(i, picture, box) for i in self._all], 0), np.float32)

    @property
    def _all(self) -> range:
        return range(len(self.sessions))

    def one(self, number: int, picture: Image, box: Box) -> Vector:
        """The answer of one network alone."""
        chip = self.chip(number, picture, box)
        rows = self.sessions[number].run(self._normalise(chip[None]))[0]
        wanted = (1, len(self.spec.classes))
        if rows.shape != wanted or not np.isfinite(rows).all() or abs(rows.sum() - 1) > _SURE:
            raise PackError(f"the liveness network gave {rows.shape}, not {wanted} probabilities")
        return np.asarray(rows[0], np.float32)

    def chip(self, number: int, picture: Image, box: Box) -> Image:
        """What one network sees, (side, side, 3) BGR."""
        height, width = picture.shape[:2]
        face = face_box(box, self.spec.box)
        crop = self.spec.networks[number].crop
        left, top, right, bottom = surroundings(face, width, height, crop)
        part = picture[top : bottom + 1, left : right + 1]
        if not part.size:
            raise PackError("the face lies outside the picture")
        side = self.spec.side_px
        return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def face_box(box: Box, rule: FaceBox) -> Box:
    """The box that the networks know for the detector's *box*."""
    x, y = box.centre
    y += rule.down * box.height
    wide, high = box.width * rule.width / 2, box.height * rule.height / 2
    return Box(x - wide, y - high, x + wide, y + high)


def reach(face: Box, width: int, height: int, crop: float) -> float:
    """How many times the face's box can be seen of the picture, at most *crop* times."""
    if face.width <= 0 or face.height <= 0:
        raise PackError("the face's box is empty")
    return min(crop, (width - 1) / face.width, (height - 1) / face.height)


def surroundings(face: Box, width: int, height: int, crop: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom px, all inside, of the face's box *crop* times as large.

    It is moved, not cut, into the picture, and smaller where the picture is: as the networks were
    trained (generate_patches.py of Silent-Face-Anti-Spoofing).
    """
    times = reach(face, width, height, crop)
    x, y = face.centre
    wide, high = face.width * times, face.height * times
    left = min(max(x - wide / 2, 0.0), width - 1 - wide)
    top = min(max(y - high / 2, 0.0), height - 1 - high)
    return int(left), int(top), int(left + wide), int(top + high)
