"""What a model pack says about itself: files, geometry, thresholds, whom they were measured on.

Here: the manifest's types and its strict reading. Not here: reading and checking the files it
names (``models.packs``), making packs (``models.fetch``).
Scores are always 'higher is more alike': 1 - distance for ``euclidean``, the cosine for ``cosine``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter, ValidationError

from agent.core.errors import PackError
from models.chips import Geometry
from models.faults import faults
from models.specs import (
    STRICT,
    Bytes,
    Colour,
    Count,
    DetectorSpec,
    FileName,
    FileRole,
    Licence,
    LivenessSpec,
    PackName,
    PlateSpec,
    Scale,
    Score,
    Sentence,
    Sha256,
    Triple,
)

FEWEST_FRAMES = 3
MOST_FRAMES = 5
Metric = Literal["euclidean", "cosine"]


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file of the pack, beside the manifest."""

    __pydantic_config__ = STRICT
    role: FileRole
    path: FileName
    bytes: Bytes
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a part came from: the pinned artefact, the file inside, that file's hash."""

    __pydantic_config__ = STRICT
    artefact: Sentence
    member: Sentence
    sha256: Sha256
    licence: Annotated[str, Field(max_length=64, description="id in licences.json")]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What the embedder takes and gives: (pixel - mean) / scale in the order of ``colour``.

    ``mirror``: the template is the mean of a chip's and its mirror image's.
    """

    __pydantic_config__ = STRICT
    geometry: Geometry
    colour: Colour
    mean: Triple
    scale: Scale
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

    __pydantic_config__ = STRICT
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

    __pydantic_config__ = STRICT
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

    __pydantic_config__ = STRICT
    text: Sentence
    method: Sentence
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What every pack says of itself.

    ``licences``: register entries that a pack made elsewhere brings for its own files.
    ``unproved``: why there are no golden answers by other code; such a pack is for review only.
    """

    __pydantic_config__ = STRICT
    format: Literal[1]
    name: PackName
    version: Annotated[str, Field(pattern=r"^[0-9]+$")]
    model_id: Annotated[str, Field(pattern=r"^[a-z0-9.-]+@[0-9a-f]{8}$", max_length=100)]
    title: Sentence
    population: Population
    review_only: bool
    review_reason: Annotated[str, Field(max_length=2000)]
    origins: tuple[Origin, ...] = ()
    licences: Annotated[tuple[Licence, ...], Field(max_length=16)] = ()
    unproved: Annotated[str, Field(max_length=2000)] = ""

    def __post_init__(self) -> None:
        """What one field demands of another."""
        if self.review_only and not self.review_reason:
            raise ValueError("a pack for review only says why in review_reason")
        if self.unproved and not self.review_only:
            raise ValueError("a pack that nothing proves is for review only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body(_Common):
    """An embedder's pack, all of it that does not depend on where and when it was made."""

    aligner: Literal["dlib-5-point", "none"]
    embedder: EmbedderSpec
    thresholds: Thresholds
    role: Literal["embedder"] = "embedder"

    def __post_init__(self) -> None:
        """What one field demands of another."""
        _Common.__post_init__(self)
        if self.embedder.geometry is Geometry.DLIB_150 and self.aligner != "dlib-5-point":
            raise ValueError("dlib's chips need dlib's landmarks: aligner must be dlib-5-point")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorBody(_Common):
    """A detector's pack."""

    role: Literal["detector"]
    detector: DetectorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessBody(_Common):
    """A pack that tells live faces from prints and screens."""

    role: Literal["liveness"]
    liveness: LivenessSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateBody(_Common):
    """A pack that reads number plates."""

    role: Literal["plate"]
    plate: PlateSpec


def _role_of(value: Any) -> Any:
    """The first packs were all embedders and did not say so."""
    return value.get("role", "embedder") if isinstance(value, dict) else value.role


AnyBody = Annotated[
    Annotated[Body, Tag("embedder")]
    | Annotated[DetectorBody, Tag("detector")]
    | Annotated[LivenessBody, Tag("liveness")]
    | Annotated[PlateBody, Tag("plate")],
    Discriminator(_role_of),
]


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json``."""

    __pydantic_config__ = STRICT
    body: AnyBody
    files: Annotated[tuple[PackFile, ...], Field(min_length=1, max_length=16)]
    made_with: Annotated[str, Field(max_length=200)]

    def __post_init__(self) -> None:
        """Exactly the files that its role needs, no path twice, an origin with licence for each."""
        weighed = [file for file in self.files if file.role != "golden"]
        if len(self.body.origins) != len(weighed):
            raise ValueError("origins must say of each file but the golden answers, in their order,"
                             " where it comes from, with its licence")  # fmt: skip
        found = sorted(file.role for file in self.files if file.role != "licence")
        allowed = _wanted(self.body)
        if found not in allowed:
            raise ValueError(f"files must have the roles {' or '.join(map(str, allowed))}")
        if len({file.path for file in self.files}) != len(self.files):
            raise ValueError("a path stands twice")
        if isinstance(self.body, LivenessBody):
            named = {network.path for network in self.body.liveness.networks}
            if named != {file.path for file in self.files if file.role == "liveness"}:
                raise ValueError("liveness.networks must name the files of the role liveness")

    def file(self, role: FileRole) -> PackFile:
        """The first file of a role; KeyError when the pack has none."""
        for file in self.files:
            if file.role == role:
                return file
        raise KeyError(role)


def _wanted(body: AnyBody) -> list[list[str]]:
    """The roles that the files of a pack must have, sorted; a list of what is allowed."""
    golden = [] if body.unproved else ["golden"]
    match body:
        case Body(aligner="none"):
            return [sorted(["embedder", *golden]), sorted(["detector", "embedder", *golden])]
        case Body():
            return [sorted(["aligner", "detector", "embedder", *golden])]
        case LivenessBody():
            return [sorted(["liveness"] * len(body.liveness.networks) + golden)]
        case _:
            return [sorted([body.role, *golden])]


_BODY: TypeAdapter[AnyBody] = TypeAdapter(AnyBody)
_MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def parse_body(data: bytes, where: str) -> AnyBody:
    """A manifest's body; :class:`PackError` with every fault."""
    try:
        return _BODY.validate_json(data)
    except ValidationError as error:
        raise PackError(f"{where}: {faults(error)}") from error


def parse_manifest(data: bytes, where: str) -> Manifest:
    """A manifest; :class:`PackError` with every fault."""
    try:
        return _MANIFEST.validate_json(data)
    except ValidationError as error:
        raise PackError(f"{where} is no pack manifest: {faults(error)}") from error


def dump_manifest(manifest: Manifest) -> bytes:
    """The file's bytes, for people too."""
    return (json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n").encode()


def embedder_body(body: AnyBody, where: str) -> Body:
    """*body*, if it is an embedder's; :class:`PackError` when faces cannot be compared with it."""
    if isinstance(body, Body):
        return body
    raise PackError(
        f"{where} is a pack for the role {body.role!r}, not an embedder: name it under"
        f" faces.{body.role}, and an embedder's pack under faces.pack"
    )
