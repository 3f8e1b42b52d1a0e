"""What a model pack says about itself: files, geometry, thresholds, whom they were measured on.

Here: the manifest's types and its strict reading. Not here: reading and checking the files it
names (``models.packs``), making packs (``models.fetch``).
Scores are always 'higher is more alike': 1 - distance for ``euclidean``, the cosine for ``cosine``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from agent.core.errors import PackError
from models.chips import Geometry

FORMAT = 1
FEWEST_FRAMES = 3
MOST_FRAMES = 5
_STRICT = ConfigDict(extra="forbid", strict=True)

PackName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(gt=0, le=1 << 30)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[float, Field(ge=-1, le=1)]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]
Triple = tuple[float, float, float]
Role = Literal["detector", "aligner", "embedder", "golden", "licence"]
Metric = Literal["euclidean", "cosine"]


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file of the pack, beside the manifest."""

    __pydantic_config__ = _STRICT
    role: Role
    path: FileName
    bytes: Bytes
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a part came from: the pinned artefact, the file inside, that file's hash."""

    __pydantic_config__ = _STRICT
    artefact: Sentence
    member: Sentence
    sha256: Sha256
    licence: Annotated[str, Field(max_length=64, description="id in licences.json")]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What the embedder takes and gives: (pixel - mean) / scale in the order of ``colour``.

    ``mirror``: the template is the mean of a chip's and its mirror image's.
    """

    __pydantic_config__ = _STRICT
    geometry: Geometry
    colour: Literal["rgb", "bgr"]
    mean: Triple
    scale: tuple[
        Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]
    ]
    dim: Annotated[int, Field(ge=1, le=4096)]
    metric: Metric
    mirror: bool


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores, higher is stricter.

    ``mean_of_3`` to ``mean_of_5`` what the mean template of so many frames needs for a lead;
    ``frame`` what two single frames need besides; ``review`` what a person should look at;
    ``margin`` how far ahead of the second entry a lead must be; ``floor`` the lowest value that a
    configuration may put in place of the lead's.
    """

    __pydantic_config__ = _STRICT
    frame: Score
    mean_of_3: Score
    mean_of_4: Score
    mean_of_5: Score
    review: Score
    margin: Annotated[float, Field(ge=0, le=1)]
    floor: Score

    def __post_init__(self) -> None:
        """Bands must not overlap or leave a gap."""
        lowest = min(self.mean_of_3, self.mean_of_4, self.mean_of_5)
        if not self.review <= lowest or not self.review <= self.floor <= lowest:
            raise ValueError("thresholds must rise: review, floor, means of frames")

    def lead(self, frames: int) -> float:
        """What the mean of *frames* frames, 3 to 5, needs for a lead; KeyError otherwise."""
        return {3: self.mean_of_3, 4: self.mean_of_4, 5: self.mean_of_5}[frames]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: at ``threshold`` so many of so many comparisons were accepted."""

    __pydantic_config__ = _STRICT
    group: Sentence
    people: Count
    method: Sentence
    threshold: Score
    impostors: Count
    false_accepts: Count
    genuine: Count
    true_accepts: Count


@dataclass(frozen=True, slots=True)
class Population:
    """On whom, and how, the thresholds were set, with the counts."""

    __pydantic_config__ = _STRICT
    text: Sentence
    method: Sentence
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """All of a manifest that does not depend on where and when the pack was made."""

    __pydantic_config__ = _STRICT
    format: Literal[1]
    name: PackName
    version: Annotated[str, Field(pattern=r"^[0-9]+$")]
    model_id: Annotated[str, Field(pattern=r"^[a-z0-9.-]+@[0-9a-f]{8}$", max_length=100)]
    title: Sentence
    aligner: Literal["dlib-5-point", "none"]
    embedder: EmbedderSpec
    thresholds: Thresholds
    population: Population
    review_only: bool
    review_reason: Annotated[str, Field(max_length=2000)]
    origins: tuple[Origin, ...] = ()

    def __post_init__(self) -> None:
        """What one field demands of another."""
        if self.review_only and not self.review_reason:
            raise ValueError("a pack for review only says why in review_reason")
        if self.embedder.geometry is Geometry.DLIB_150 and self.aligner != "dlib-5-point":
            raise ValueError("dlib's chips need dlib's landmarks: aligner must be dlib-5-point")


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json``."""

    __pydantic_config__ = _STRICT
    body: Body
    files: Annotated[tuple[PackFile, ...], Field(min_length=1, max_length=16)]
    made_with: Annotated[str, Field(max_length=200)]

    def __post_init__(self) -> None:
        """Exactly one file for every role that computes, no path twice, a licence for all."""
        if not self.body.origins:
            raise ValueError("origins must say where the weights come from, with their licence")
        wanted = {"detector", "embedder", "golden"}
        if self.body.aligner != "none":
            wanted.add("aligner")
        single = [file.role for file in self.files if file.role != "licence"]
        if sorted(single) != sorted(wanted):
            raise ValueError(f"files must have the roles {sorted(wanted)} once each")
        if len({file.path for file in self.files}) != len(self.files):
            raise ValueError("a path stands twice")

    def file(self, role: Role) -> PackFile:
        """The file of a role; KeyError when the pack has none."""
        for file in self.files:
            if file.role == role:
                return file
        raise KeyError(role)


_BODY: TypeAdapter[Body] = TypeAdapter(Body)
_MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def parse_body(data: bytes, where: str) -> Body:
    """A manifest's body; :class:`PackError` with every fault."""
    try:
        return _BODY.validate_json(data)
    except ValidationError as error:
        raise PackError(f"{where}: {_faults(error)}") from error


def parse_manifest(data: bytes, where: str) -> Manifest:
    """A manifest; :class:`PackError` with every fault."""
    try:
        return _MANIFEST.validate_json(data)
    except ValidationError as error:
        raise PackError(f"{where} is no pack manifest: {_faults(error)}") from error


def dump_manifest(manifest: Manifest) -> bytes:
    """The file's bytes, for people too."""
    return (json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n").encode()


def _faults(error: ValidationError) -> str:
    lines = (
        f"{'.'.join(str(part) for part in fault['loc']) or 'manifest'}: {fault['msg']}"
        for fault in error.errors(include_url=False)
    )
    return "; ".join(lines)
