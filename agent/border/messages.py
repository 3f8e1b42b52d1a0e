"""What the core and the vision program tell each other, and nothing else.

Frozen messages with a strict JSON form; large things (a gallery, a photo) travel beside a message
as a memory file, see ``agent.border.channel``. No message carries a frame, nor a face but in the
picture of a lead where a basis is recorded. What vision says is bytes from outside to the core.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from agent.border.protection import Convert, Converted, Protect, TransformName
from agent.core.errors import GatehouseError
from agent.core.events import CameraState
from contract.topics import ID_PATTERN

FEWEST_TRACKS = 200
SCORE_BINS = 400
LOWEST_SCORE, HIGHEST_SCORE = -1.0, 1.0
STRICT = ConfigDict(extra="forbid", strict=True, defer_build=True)
Name = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
EntryName = Annotated[str, Field(min_length=1, max_length=64)]
Reason = Annotated[str, Field(max_length=300)]
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Liveness = Literal["pass", "refuse", "undecided"]


class BorderError(GatehouseError):
    """A message from the other program is not of the agreed form."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model that vision computes with: its role, id and the SHA-256 of its file."""

    __pydantic_config__ = STRICT
    role: Annotated[str, Field(max_length=32)]
    model_id: Annotated[str, Field(max_length=100)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Hello:
    """Vision -> core, first: who speaks and with which embedder (None: faces are off).

    ``fault``: why there is no face work although it is switched on.
    """

    __pydantic_config__ = STRICT
    pid: Count
    model_id: Annotated[str, Field(max_length=100)] | None
    review_only: bool
    models: Annotated[list[ModelInfo], Field(max_length=16)]
    fault: Reason
    message: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """One camera over the last beat: frames received and looked at a second, picture size in px.

    ``state`` None: it starts for the first time. ``picture`` (0 to 1) and ``concerns``: what it is
    worth for faces; ``identify`` and ``face_px``: what its faces were like.
    """

    __pydantic_config__ = STRICT
    state: CameraState | None
    reason: Reason
    fps: Number
    looked_fps: Number
    width: Count
    height: Count
    restarts: Count
    broken_frames: Count
    picture: Amount = 1.0
    concerns: Annotated[list[Name], Field(max_length=8)] = field(default_factory=list)
    identify: Literal["unknown", "poor", "fair", "good"] = "unknown"
    face_px: Amount | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """Vision -> core, every second: proof of progress, figures of cameras, counts since start.

    ``tracks`` faces followed, ``compared`` tracks compared with the gallery, ``leads`` sent,
    ``reviews`` held back for a person; ``generation``: of the gallery in use.
    """

    __pydantic_config__ = STRICT
    number: Count
    cameras: dict[Name, CameraFigures]
    tracks: Count
    compared: Count
    leads: Count
    reviews: Count
    gallery: Count
    generation: Count = 0
    message: Literal["beat"] = "beat"


@dataclass(frozen=True, slots=True)
class CameraReport:
    """Vision -> core: a camera's state changed."""

    __pydantic_config__ = STRICT
    camera: Name
    state: CameraState
    reason: Reason
    monotonic_ns: Count
    message: Literal["camera"] = "camera"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Vision -> core: a track matched an entry of the gallery. Fields as in ``FaceLead``.

    ``liveness`` None: no liveness pack is in use. ``picture`` is the SHA-256 of the JPEG beside it,
    empty without one; ``withheld`` why there is none though a basis is recorded.
    """

    __pydantic_config__ = STRICT
    camera: Name
    track: Count
    entry_id: EntryName
    exercise: bool
    band: Literal["lead", "review"]
    score: Number
    threshold: Number
    margin: Number | None
    frames: Annotated[int, Field(ge=1, le=100)]
    quality: Annotated[float, Field(ge=0, le=1)]
    model_id: Annotated[str, Field(max_length=100)]
    monotonic_ns: Count
    direction: Literal["left", "right", "towards", "away"] | None = None
    liveness: Liveness | None = None
    picture: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    withheld: Reason = ""
    message: Literal["sighting"] = "sighting"


@dataclass(frozen=True, slots=True)
class Strangers:
    """Vision -> core, now and then: statistics of hundreds of people who were no leads.

    As in ``models.strangers.Batch`` and ``Moments``.
    """

    __pydantic_config__ = STRICT
    model_id: Annotated[str, Field(max_length=100)]
    tracks: Annotated[int, Field(ge=FEWEST_TRACKS, lt=1 << 40)]
    entries: Count
    seconds: Amount
    length: Amount
    spread: Amount
    squares: Amount
    along: Amount
    scores: Annotated[list[Count], Field(min_length=SCORE_BINS, max_length=SCORE_BINS)]
    message: Literal["strangers"] = "strangers"


@dataclass(frozen=True, slots=True)
class PhotoVerdict:
    """What became of one photo: a template, or the reason why not (empty: it became one)."""

    __pydantic_config__ = STRICT
    photo: Count
    refused: Reason = ""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vision -> core: answer to ``Embed``.

    The templates travel beside it: little-endian float32 rows of ``dim`` values, one for each
    photo that was not refused, in order.
    """

    __pydantic_config__ = STRICT
    request: Count
    model_id: Annotated[str, Field(max_length=100)]
    dim: Annotated[int, Field(ge=1, le=4096)]
    photos: Annotated[list[PhotoVerdict], Field(max_length=64)]
    transform: TransformName = ""
    message: Literal["embedded"] = "embedded"


@dataclass(frozen=True, slots=True)
class Meant:
    """Of which entry photos are; the first ``own`` of them, the others are of look-alikes."""

    entry_id: str = ""
    exercise: bool = False
    own: int = 0


@dataclass(frozen=True, slots=True)
class Embed:
    """Core -> vision: make templates of photos (JPEG or PNG).

    They travel beside it, joined; ``sizes`` are their lengths in bytes. The first ``own`` are of
    this entry: they are refused when that person stands under another id.
    """

    __pydantic_config__ = STRICT
    request: Count
    sizes: Annotated[list[Count], Field(min_length=1, max_length=64)]
    entry_id: Annotated[str, Field(max_length=64)] = ""
    exercise: bool = False
    own: Annotated[int, Field(ge=0, le=64)] = 0
    message: Literal["embed"] = "embed"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Core -> vision: replace the gallery.

    Beside it: the index (``index_bytes``, see ``agent.border.gallery_index``), then float32 rows.
    """

    __pydantic_config__ = STRICT
    generation: Count
    model_id: Annotated[str, Field(max_length=100)]
    dim: Annotated[int, Field(ge=1, le=4096)]
    index_bytes: Count
    transform: TransformName = ""
    message: Literal["gallery"] = "gallery"


@dataclass(frozen=True, slots=True)
class FaceSwitch:
    """Core -> vision: stop (or resume) all face work."""

    __pydantic_config__ = STRICT
    on: bool
    message: Literal["face-switch"] = "face-switch"


FromVision = Hello | Beat | CameraReport | Sighting | Strangers | Embedded | Converted
FromCore = Embed | Gallery | FaceSwitch | Protect | Convert

# Built at their first use: each program reads one half only, and a megabyte is much to the core.
LATE = ConfigDict(defer_build=True)
_FROM_VISION: TypeAdapter[FromVision] = TypeAdapter(
    Annotated[FromVision, Field(discriminator="message")], config=LATE
)
_FROM_CORE: TypeAdapter[FromCore] = TypeAdapter(
    Annotated[FromCore, Field(discriminator="message")], config=LATE
)


def encode(message: FromVision | FromCore) -> bytes:
    """One datagram."""
    return json.dumps(asdict(message), separators=(",", ":")).encode()


def decode_from_vision(data: bytes) -> FromVision:
    """What vision said; BorderError when it is nothing that vision may say."""
    try:
        return _FROM_VISION.validate_json(data)
    except ValidationError as error:
        faults = f"{error.error_count()} fault(s)"
        raise BorderError(f"not a message of the vision program: {faults}") from error


def decode_from_core(data: bytes) -> FromCore:
    """What the core said; BorderError otherwise."""
    try:
        return _FROM_CORE.validate_json(data)
    except ValidationError as error:
        raise BorderError(f"not a message of the core: {error.error_count()} fault(s)") from error
