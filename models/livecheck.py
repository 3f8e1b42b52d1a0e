"""Looks at a face for signs of a print or a screen: a picture and a found face in, a glance out.

The template and the glance of a face are made by one call from one box of one picture
(``probe_of``): a live face beside a print of somebody else must never vouch for it. Pictures that
the networks were not made for are told by a doubt instead of being judged. Here: those limits. Not
here: the networks (``models.livenet``), the judgement over frames (``models.liveness``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from agent.core.errors import PackError
from models.liveness import Doubt, Glance, LivenessRule
from models.livenet import LivenessNet, face_box, reach, surroundings
from models.quality import yaw_of
from models.values import FoundFace, Image, Probe

LEAST_PX = 100.0
MOST_YAW_DEG = 30.0
# Two and a half times as far away is the background, not a face near.
NEAR_SIZE = 0.4
# The networks see the border of a print only if they see this many faces of the picture.
LEAST_REACH = 1.8
# Nine of ten pixels of a night picture have their three colours closer together; of the palest
# colour picture measured (a print in poor light) they are 11 apart, of live faces 26 and more.
GREY_LEVELS = 8.0
_GREY_SHARE = 90
# How far the tip of the nose stands out from the plane of eyes and mouth, in distances of the eyes:
# between 0.42 (a common six-point head) and 0.52 (MediaPipe's canonical face).
NOSE = 0.45


class Embeds(Protocol):
    """What makes templates; ``models.engine`` has it."""

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """The template of a face found in *picture*."""


class HasNet(Protocol):
    """A loaded liveness pack."""

    @property
    def net(self) -> LivenessNet:
        """Its networks."""


class LivenessCheck:
    """The networks of a liveness pack behind the limits within which they were measured."""

    def __init__(self, net: LivenessNet) -> None:
        self._net = net
        spec = net.spec
        self.rule = LivenessRule(spec.frames, spec.threshold, spec.refuse)
        self._live = spec.classes.index(spec.live)
        self._widest = max(network.crop for network in spec.networks)

    def glance(self, picture: Image, face: FoundFace, found: Sequence[FoundFace]) -> Glance:
        """One look at *face*, which is among those *found* in the BGR *picture*."""
        doubt = self.doubt(picture, face, found)
        return self.ask(picture, face) if doubt is None else Glance(doubt=doubt)

    def ask(self, picture: Image, face: FoundFace) -> Glance:
        """What the networks alone say, whether they were made for such a picture or not."""
        classes = self._net.classes(picture, face.box)
        return Glance(float(classes[self._live]), float(classes[0]))

    def doubt(self, picture: Image, face: FoundFace, found: Sequence[FoundFace]) -> Doubt | None:
        """Why *face* cannot be judged in this picture, if so; the cheapest question first."""
        if face.box.short_side < LEAST_PX:
            return Doubt.SMALL
        if yaw_degrees(face) > MOST_YAW_DEG:
            return Doubt.TURNED
        height, width = picture.shape[:2]
        known = face_box(face.box, self._net.spec.box)
        if reach(known, width, height, self._widest) < LEAST_REACH:
            return Doubt.CLOSE
        left, top, right, bottom = surroundings(known, width, height, self._widest)
        for other in found:
            x, y = other.box.centre
            large = other.box.short_side >= NEAR_SIZE * face.box.short_side
            if other is not face and large and left <= x <= right and top <= y <= bottom:
                return Doubt.CROWDED
        if is_grey(picture[top : bottom + 1, left : right + 1]):
            return Doubt.GREY
        return None


def check_for(pack: HasNet | None, frames: int) -> LivenessCheck | None:
    """What looks for prints with *pack*, if there is one; PackError when it never could."""
    if pack is None:
        return None
    check = LivenessCheck(pack.net)
    if check.rule.frames > frames:
        raise PackError(
            f"liveness is judged over {check.rule.frames} frames and faces.frames is {frames}:"
            " nobody could ever pass; raise it"
        )
    return check


def probe_of(
    engine: Embeds,
    check: LivenessCheck | None,
    picture: Image,
    face: FoundFace,
    found: Sequence[FoundFace],
) -> Probe:
    """The template of *face* and, with a *check*, the glance at the same box of *picture*."""
    probe = engine.embed(picture, face)
    return probe if check is None else replace(probe, glance=check.glance(picture, face, found))


def yaw_degrees(face: FoundFace) -> float:
    """How far the head is turned to either side, from the landmarks: 0 frontal, below 90."""
    return math.degrees(math.atan(yaw_of(face) / NOSE))


def is_grey(part: Image) -> bool:
    """Whether a part of a picture has next to no colour, as a camera's at night."""
    every = max(1, math.isqrt(part.shape[0] * part.shape[1]) // 64)
    pixels = part[::every, ::every].astype(np.int16)
    spread = pixels.max(2) - pixels.min(2)
    return bool(np.percentile(spread, _GREY_SHARE) < GREY_LEVELS)
