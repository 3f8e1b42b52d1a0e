"""What face work passes around: pictures, boxes, found faces, probes. Values only.

Types carry where a face is, how good it is and its template. Nothing here, and nothing computed
from here, says who somebody is, how old, of which sex or origin, or in which mood.
Pictures are BGR as OpenCV decodes them, ``uint8`` of shape (height, width, 3); coordinates are
pixels of that picture, x to the right, y down, centres of pixels at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.liveness import Glance

Image = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px: left and top inside, right and bottom the far edges."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from edge to edge."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from edge to edge."""
        return self.bottom - self.top

    @property
    def short_side(self) -> float:
        """The smaller of width and height: what 'face of n px' means everywhere."""
        return min(self.width, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, as (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        if wide <= 0 or high <= 0:
            return 0.0
        both = wide * high
        return both / (self.width * self.height + other.width * other.height - both)


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """A face in a picture.

    ``score`` the detector's, 0 to 1. ``landmarks`` (5, 2): the eye on the picture's left, the eye
    on its right, the tip of the nose, the left and the right corner of the mouth.
    """

    box: Box
    score: float
    landmarks: Points


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a face can be trusted for comparison, each part 0 (useless) to 1 (as good as any).

    ``score`` their product, ``size_px`` the box's short side. ``yaw`` the nose's offset from the
    middle of the eyes and mouth over the distance of the eyes, 0 frontal, about 0.5 in profile.
    """

    score: float
    detector: float
    size: float
    pose: float
    size_px: float
    yaw: float


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A face as a vector, float32 of shape (dim,), with the quality of the face it came from.

    ``norm`` the length of what the network gave, before it was normalised (1 for a network whose
    answers are not); ``agreement`` how much it was like the mirror image's, 0 to 1 (1 where no
    mirror image was computed). Both fall with blur, covering and turning: they rank the frames of
    one track, and are not compared over packs. ``glance``: what a liveness check made of the same
    box of the same picture; None without one.
    """

    vector: Vector
    quality: Quality
    norm: float = 1.0
    agreement: float = 1.0
    glance: Glance | None = None

    @property
    def trust(self) -> float:
        """What this frame is worth beside other frames of its track; higher is better."""
        return self.quality.score * self.norm * self.agreement


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model that an engine computes with, for the gate's birth message."""

    role: str
    model_id: str
    sha256: str
