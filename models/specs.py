"""What the networks of a pack take and give, role by role, as its manifest writes it.

Here: the types of the manifest's parts. Not here: the manifest as a whole (``models.manifest``),
computing (``models.yunet``, ``models.embedder``, ``models.livenet``, ``models.platenet``).
All networks take (pixel - mean) / scale in the order of ``colour``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

STRICT = ConfigDict(extra="forbid", strict=True)

PackRole = Literal["embedder", "detector", "liveness", "plate"]
FileRole = Literal["detector", "aligner", "embedder", "liveness", "plate", "golden", "licence"]
PackName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(gt=0, le=1 << 30)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[float, Field(ge=-1, le=1)]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]
Side = Annotated[int, Field(ge=8, le=1024)]
Colour = Literal["rgb", "bgr"]
Positive = Annotated[float, Field(gt=0)]
Triple = tuple[float, float, float]
Scale = tuple[Positive, Positive, Positive]


@dataclass(frozen=True, slots=True)
class Square:
    """Where the square that dlib's landmarks are found in lies in a detector's box.

    ``x`` and ``y`` its middle as fractions of the box, ``side`` over the mean of width and height.
    """

    __pydantic_config__ = STRICT
    x: float
    y: float
    side: Positive


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """A network that finds faces; ``kind`` says how its outputs are read.

    It takes pictures of any size whose sides are multiples of ``multiple_px``.
    """

    __pydantic_config__ = STRICT
    kind: Literal["yunet"]
    multiple_px: Literal[32]
    colour: Colour
    mean: Triple
    scale: Scale
    square: Square


@dataclass(frozen=True, slots=True)
class LivenessNetwork:
    """One of the networks whose answers are averaged: its file, and how much round a face it sees.

    ``crop``: the side of what it sees over the face's, where the picture has so much.
    """

    __pydantic_config__ = STRICT
    path: FileName
    crop: Annotated[float, Field(ge=1, le=8)]


@dataclass(frozen=True, slots=True)
class FaceBox:
    """How the box that the networks know lies against a detector's of the kind ``against``.

    Width and height by these factors, the centre lower by ``down`` of the detector's height.
    """

    __pydantic_config__ = STRICT
    against: Literal["yunet"]
    width: Positive
    height: Positive
    down: float


@dataclass(frozen=True, slots=True)
class LivenessSpec:
    """Networks that tell a live face from a print or screen, a probability for each class.

    ``threshold``: the mean probability of ``live`` over ``frames`` frames that passes; ``refuse``:
    a frame whose probability of the first class (a print) reaches it is refused.
    """

    __pydantic_config__ = STRICT
    side_px: Side
    colour: Colour
    mean: Triple
    scale: Scale
    box: FaceBox
    networks: Annotated[tuple[LivenessNetwork, ...], Field(min_length=1, max_length=8)]
    classes: Annotated[tuple[Sentence, ...], Field(min_length=2, max_length=16)]
    live: Sentence
    frames: Annotated[int, Field(ge=1, le=30)]
    threshold: Share
    refuse: Share

    def __post_init__(self) -> None:
        """The live class is one of them, and no file stands twice."""
        if self.live not in self.classes:
            raise ValueError(f"no class is called {self.live!r}")
        if len({network.path for network in self.networks}) != len(self.networks):
            raise ValueError("a network stands twice")


@dataclass(frozen=True, slots=True)
class PlateSpec:
    """A network that reads a cut-out number plate; ``alphabet`` its characters, in order."""

    __pydantic_config__ = STRICT
    width_px: Side
    height_px: Side
    colour: Colour
    mean: Triple
    scale: Scale
    alphabet: Annotated[str, Field(min_length=2, max_length=256)]


@dataclass(frozen=True, slots=True)
class Licence:
    """An entry of the licence register that allows use."""

    __pydantic_config__ = STRICT
    id: Annotated[str, Field(min_length=1, max_length=64)]
    work: Sentence
    holder: Sentence
    spdx: Sentence
    commercial_use: bool
    basis: Sentence
    note: Sentence
