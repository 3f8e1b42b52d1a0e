"""What may be said across the border, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.border import gallery_index
from agent.border import messages as border
from agent.core.events import CameraState

HASH = "0" * 64
FROM_VISION: list[border.FromVision] = [
    border.Hello(4711, "dlib", True, [border.ModelInfo("embedder", "dlib", HASH)], ""),
    border.Hello(4711, None, False, [], "the pack is damaged"),
    border.Beat(
        1,
        {
            "north": border.CameraFigures(CameraState.OK, "", 4.9, 4.8, 1280, 720, 0, 2),
            "south": border.CameraFigures(None, "", 0.0, 0.0, 0, 0, 0, 0),
        },
        tracks=3,
        compared=2,
        leads=1,
        reviews=0,
        gallery=12,
    ),
    border.CameraReport("north", CameraState.FROZEN, "same picture for 30 s", 5),
    border.Sighting("north", 7, "w-1", False, "lead", 0.61, 0.5, None, 3, 0.8, "dlib", 5),
    border.Embedded(9, "dlib", 128, [border.PhotoVerdict(0), border.PhotoVerdict(1, "no face")]),
]
FROM_CORE: list[border.FromCore] = [
    border.Embed(9, [10, 20]),
    border.Gallery(2, "dlib", 128, 300),
    border.FaceSwitch(on=False),
]


@pytest.mark.parametrize("message", FROM_VISION, ids=lambda m: m.message)
def test_what_vision_says_is_understood(message: border.FromVision) -> None:
    assert border.decode_from_vision(border.encode(message)) == message


@pytest.mark.parametrize("message", FROM_CORE, ids=lambda m: m.message)
def test_what_the_core_says_is_understood(message: border.FromCore) -> None:
    assert border.decode_from_core(border.encode(message)) == message


@pytest.mark.parametrize("message", FROM_CORE, ids=lambda m: m.message)
def test_vision_cannot_speak_for_the_core(message: border.FromCore) -> None:
    with pytest.raises(border.BorderError, match="not a message of the vision program"):
        border.decode_from_vision(border.encode(message))


@pytest.mark.parametrize("message", FROM_VISION, ids=lambda m: m.message)
def test_the_core_does_not_speak_like_vision(message: border.FromVision) -> None:
    with pytest.raises(border.BorderError, match="not a message of the core"):
        border.decode_from_core(border.encode(message))


def sighting(**changed: Any) -> bytes:
    message = border.Sighting("north", 7, "w-1", False, "lead", 0.61, 0.5, 0.2, 3, 0.8, "dlib", 5)
    return json.dumps({**json.loads(border.encode(message)), **changed}).encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"face": "AAAA"},
        {"name": "Zhang San"},
        {"camera": "North"},
        {"camera": "a/b"},
        {"band": "match"},
        {"score": "0.9"},
        {"score": float("nan")},
        {"margin": float("inf")},
        {"track": -1},
        {"track": 1.5},
        {"track": True},
        {"monotonic_ns": 1 << 63},
        {"frames": 0},
        {"frames": 101},
        {"quality": 1.1},
        {"liveness": "live"},
        {"liveness": 0.98},
        {"entry_id": ""},
        {"entry_id": "x" * 65},
        {"model_id": "x" * 101},
        {"exercise": 0},
        {"message": "hello"},
        {"message": None},
    ],
    ids=str,
)
def test_a_sighting_with_anything_odd_is_refused(changed: dict[str, Any]) -> None:
    assert isinstance(border.decode_from_vision(sighting()), border.Sighting)
    with pytest.raises(border.BorderError):
        border.decode_from_vision(sighting(**changed))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"message":"hello"}', b"[" * 10_000]
)
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(border.BorderError):
        border.decode_from_vision(data)
    with pytest.raises(border.BorderError):
        border.decode_from_core(data)


@pytest.mark.parametrize("state", ["well", "starting", "LOST", 1])
def test_a_camera_has_one_of_the_agreed_states(state: object) -> None:
    report = json.loads(border.encode(border.CameraReport("north", CameraState.LOST, "", 5)))
    with pytest.raises(border.BorderError):
        border.decode_from_vision(json.dumps({**report, "state": state}).encode())


def test_a_reason_cannot_be_a_novel() -> None:
    with pytest.raises(border.BorderError):
        border.decode_from_vision(
            border.encode(border.CameraReport("north", CameraState.LOST, "x" * 301, 5))
        )


def test_a_gallery_index_travels_whole() -> None:
    rows = [gallery_index.GalleryRow("w-1", False, 3), gallery_index.GalleryRow("drill-1", True, 1)]
    assert gallery_index.decode_index(gallery_index.encode_index(rows)) == rows


@pytest.mark.parametrize("data", [b"", b"{}", b'[{"entry_id":"w-1","exercise":false}]', b"[5]"])
def test_a_malformed_index_is_refused(data: bytes) -> None:
    with pytest.raises(border.BorderError, match="index is malformed"):
        gallery_index.decode_index(data)
