"""Whether an enrolment photo is blurred, or its face covered, and where.

Covering is asked of the embedder itself: a part of the face is painted over, and if the template
hardly changes, the part told it nothing before: a mask, a hand, dark glasses. Measured on public
photos, at the limits below: see docs/faces.md. Blur is measured by blurring again (F. Crete et al.,
"The blur effect", SPIE 6492, 2007): what a second blur hardly changes had no detail to lose.
Not here: refusing a photo (``models.enrol``); faces that walk by are not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.chips import Geometry, cut
from models.gallery import score
from models.manifest import Metric
from models.values import FoundFace, Image, Vector

_AGAIN = 9
MOST_BLUR = 0.58


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a chip, in fractions: left, top, right, bottom; covered from ``limit`` on."""

    name: str
    box: tuple[float, float, float, float]
    limit: float


# Where faces lie in the chips that networks want, and how alike a template with the part painted
# over may be: the highest of 64 good photos of four sets and, sides apart, a little more.
PARTS: Mapping[Geometry, tuple[Part, ...]] = {
    Geometry.ARCFACE_112: (
        Part("mouth and nose", (0.0, 0.61, 1.0, 1.0), 0.755),
        Part("eyes", (0.0, 0.32, 1.0, 0.57), 0.76),
        Part("left half", (0.0, 0.0, 0.48, 1.0), 0.83),
        Part("right half", (0.52, 0.0, 1.0, 1.0), 0.83),
    ),
    Geometry.DLIB_150: (
        Part("mouth and nose", (0.0, 0.533, 1.0, 1.0), 0.70),
        Part("eyes", (0.0, 0.2, 1.0, 0.413), 0.765),
        Part("left half", (0.0, 0.0, 0.487, 1.0), 0.72),
        Part("right half", (0.513, 0.0, 1.0, 1.0), 0.72),
    ),
}


def covered_part(
    chip: Image, geometry: Geometry, embed: Callable[[Image], Vector], metric: Metric
) -> str:
    """The name of the part that is covered most; empty when none is."""
    whole = embed(chip)
    found = {
        part.name: score(whole, embed(_without(chip, part)), metric) - part.limit
        for part in PARTS[geometry]
    }
    name = max(found, key=lambda part: found[part])
    return name if found[name] >= 0 else ""


def blur_of(picture: Image, face: FoundFace) -> float:
    """0 sharp to 1 without any detail, of the face at 112 px: what its template is made from."""
    chip = cut(picture, face.landmarks, Geometry.ARCFACE_112)
    grey: npt.NDArray[np.float32] = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return max(_loss(grey, axis) for axis in (0, 1))


def _loss(grey: npt.NDArray[np.float32], axis: int) -> float:
    """The share of the differences along *axis* that a blur along it leaves."""
    size = (1, _AGAIN) if axis == 0 else (_AGAIN, 1)
    before = np.abs(np.diff(grey, axis=axis))
    after = np.abs(np.diff(cv2.blur(grey, size), axis=axis))
    lost = float(np.maximum(before - after, 0).sum())
    return 1 - lost / max(float(before.sum()), 1e-6)


def _without(chip: Image, part: Part) -> Image:
    """*chip* with *part* in its mean colour."""
    height, width = chip.shape[:2]
    left, top, right, bottom = part.box
    painted = chip.copy()
    rows = slice(round(top * height), round(bottom * height))
    columns = slice(round(left * width), round(right * width))
    painted[rows, columns] = chip.reshape(-1, 3).mean(0).astype(np.uint8)
    return painted
