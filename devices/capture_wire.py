"""What a camera's capture child and its parent tell each other, as frozen values and as JSON.

One datagram is one message. The parent treats every report as bytes from outside, because the
child decodes hostile streams: fields are checked for presence, type and range, and nothing else
passes. Here: shapes and their one JSON form, standard library only (the child must stay small).
Not here: sockets, processes, pictures (``devices.frames``).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from agent.core.errors import DeviceError
from agent.core.secret import scrub

MAX_REQUEST = 64 * 1024
MAX_MESSAGE = 4 * 1024
MAX_TEXT = 300
_MAX_COUNT = 1 << 63
_MAX_NUMBER = 1e12

Polygon = tuple[tuple[float, float], ...]
# Left, top, right and bottom as fractions of width and height.
Area = tuple[float, float, float, float]
NOWHERE: Area = (0.0, 0.0, 0.0, 0.0)


class WireError(DeviceError):
    """The other end of a capture socket said something that is not agreed."""


class Cause(StrEnum):
    """Why a capture ended."""

    UNREACHABLE = "unreachable"
    LOGIN = "login"
    NO_STREAM = "no-stream"
    NOT_VIDEO = "not-video"
    TOO_LARGE = "too-large"
    SILENT = "silent"
    BROKEN = "broken"
    FINISHED = "finished"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What to open. ``type`` rtsp (``target`` a URL without login), usb or file (a path).

    ``width`` and ``height`` in px are asked of USB cameras only; ``loop`` is for files.
    """

    type: str
    target: str
    username: str = ""
    password: str = ""
    open_timeout_s: float = 10.0
    read_timeout_s: float = 10.0
    width: int = 0
    height: int = 0
    loop: bool = False

    def __repr__(self) -> str:
        """Never the login: a repr ends in logs."""
        return f"SourceRequest(type={self.type!r}, target={scrub(self.target)!r})"


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """Parent -> child, first: everything the child has to know.

    ``fps`` frames a second looked at; ``mask`` polygons in fractions of width and height;
    ``motion_area`` share of the picture that must move; ``slots`` and ``slot_bytes`` the layout of
    the shared frame memory.
    """

    source: SourceRequest
    fps: float
    mask: tuple[Polygon, ...]
    motion_area: float
    hold_s: float
    slots: int
    slot_bytes: int


@dataclass(frozen=True, slots=True)
class Release:
    """Parent -> child: the frame in this slot is done with."""

    slot: int


@dataclass(frozen=True, slots=True)
class Attend:
    """Parent -> child: keep frames coming for ``for_s`` seconds, moving or not."""

    for_s: float


@dataclass(frozen=True, slots=True)
class Opening:
    """Child -> parent: the program is loaded and locked down by ``confined``, opening begins."""

    confined: str


@dataclass(frozen=True, slots=True)
class FrameReady:
    """Child -> parent: a frame lies in ``slot``; it was taken at ``monotonic_ns``.

    ``share`` is the share of the visible picture that moves, 0 to 1; ``moving`` the area around all
    that moves, ``NOWHERE`` when nothing does.
    """

    seq: int
    slot: int
    monotonic_ns: int
    width: int
    height: int
    share: float
    moving: Area = NOWHERE


@dataclass(frozen=True, slots=True)
class Beat:
    """Child -> parent, every second: proof of progress and what the picture is like.

    Counts are since the child started: ``grabbed`` frames received, ``looked`` decoded to a
    picture, ``sent`` put into a slot, ``broken`` frames the decoder complained about. ``luma`` is
    the mean of the unmasked picture, 0 to 255, ``spread`` its standard deviation, ``detail`` the
    mean step between neighbouring cells averaged over seconds; ``still_s`` how long the picture has
    been the same; ``behind_s`` how long the capture has not caught up with the camera; ``sharp``,
    ``blown``, ``deep`` and ``same`` as in ``Condition``; sizes in px.
    """

    grabbed: int
    looked: int
    sent: int
    broken: int
    width: int
    height: int
    luma: float
    spread: float
    detail: float
    still_s: float
    behind_s: float
    sharp: float = 1.0
    blown: float = 0.0
    deep: float = 0.0
    same: float = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """Child -> parent, last: why the capture stops. ``reason`` is for people."""

    cause: Cause
    reason: str


Order = Release | Attend
Report = Opening | FrameReady | Beat | Ended
_Message = TypeVar("_Message", bound=CaptureRequest | Order | Report)

_ORDERS: dict[str, type[Order]] = {"release": Release, "attend": Attend}
_REPORTS: dict[str, type[Report]] = {
    "opening": Opening,
    "frame": FrameReady,
    "beat": Beat,
    "ended": Ended,
}
_NAMES = {kind: name for name, kind in (_ORDERS | _REPORTS).items()}


def encode(message: Order | Report) -> bytes:
    """One datagram."""
    body = {"message": _NAMES[type(message)]} | asdict(message)
    return json.dumps(body, separators=(",", ":")).encode()


def encode_request(request: CaptureRequest) -> bytes:
    """The first datagram; the login is in it. WireError when it is longer than MAX_REQUEST."""
    body = asdict(request)
    body["mask"] = [[[round(x, 6), round(y, 6)] for x, y in polygon] for polygon in request.mask]
    data = json.dumps(body, separators=(",", ":")).encode()
    if len(data) > MAX_REQUEST:
        raise WireError(f"a request of {len(data)} bytes is longer than {MAX_REQUEST}")
    return data


def decode_request(data: bytes) -> CaptureRequest:
    """The request as the parent, which is trusted, wrote it."""
    body = json.loads(data)
    body["source"] = SourceRequest(**body["source"])
    body["mask"] = tuple(tuple((x, y) for x, y in polygon) for polygon in body["mask"])
    return CaptureRequest(**body)


def decode_order(data: bytes) -> Order:
    """What the parent wants; WireError otherwise."""
    return _decode(data, _ORDERS)


def decode_report(data: bytes) -> Report:
    """What the child said; WireError when it is nothing that a child may say."""
    return _decode(data, _REPORTS)


def _decode(data: bytes, kinds: dict[str, type[_Message]]) -> _Message:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError("not JSON") from error
    if not isinstance(body, dict):
        raise WireError("not a JSON object")
    kind = kinds.get(str(body.pop("message", None)))
    if kind is None:
        raise WireError("an unknown message")
    names = {field.name for field in fields(kind)}
    if set(body) != names:
        raise WireError(f"{kind.__name__} has other fields than agreed")
    return kind(**{field.name: _checked(field.type, body[field.name]) for field in fields(kind)})


def _checked(kind: object, value: Any) -> Any:
    """*value* when it is a *kind*, named as the annotation is written; WireError otherwise."""
    if kind == "int" and type(value) is int and 0 <= value < _MAX_COUNT:
        return value
    if kind == "float" and type(value) in {int, float} and _is_sane(value):
        return float(value)
    if kind == "str" and isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable():
        return value
    if kind == "Area" and _is_area(value):
        return tuple(float(edge) for edge in value)
    if kind == "Cause" and isinstance(value, str) and value in set(Cause):
        return Cause(value)
    raise WireError(f"a field is no {kind}")


def _is_area(value: Any) -> bool:
    """Four fractions, the edges in their order."""
    if not isinstance(value, list) or len(value) != len(NOWHERE):
        return False
    if not all(type(edge) in {int, float} and 0 <= edge <= 1 for edge in value):
        return False
    left, top, right, bottom = value
    return bool(left <= right and top <= bottom)


def _is_sane(value: float) -> bool:
    return 0 <= value <= _MAX_NUMBER and not math.isnan(value)
