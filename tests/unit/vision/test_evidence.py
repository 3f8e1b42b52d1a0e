"""A picture is made where a basis holds, of a lead alone, and only if everything about it works."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, encode_index
from agent.config.schema.evidence import Evidence
from agent.config.schema.vision import Faces
from agent.core.clock import NS_PER_S
from agent.core.errors import PhotoError
from agent.core.ids import CameraName
from agent.vision.evidence import Pictures
from agent.vision.faces import FaceWork
from agent.vision.replacing import GalleryWork
from devices.camera_frame import Frame
from devices.capture_wire import FrameReady
from models import pictures
from models.engine import PackEngine
from models.values import Box, Image

BASIS = Evidence(basis="Test Act, section 12", owner="desk", expires_at="2026-12-01")
ENDS_NS = 1_796_083_200 * NS_PER_S  # 2026-12-01 00:00 UTC
FRAME: Image = np.zeros((40, 40, 3), np.uint8)
FACE = Box(1, 1, 9, 9)
JPEG = b"\xff\xd8\xff a picture"


def sighting(band: Literal["lead", "review"] = "lead") -> border.Sighting:
    return border.Sighting("north", 1, "w-17", False, band, 0.7, 0.65, 0.1, 3, 0.8, "dlib", 5)


def made(
    make: Callable[..., bytes], basis: Evidence | None = BASIS, now_ns: int = ENDS_NS - 1
) -> Pictures:
    return Pictures(basis, lambda: now_ns, make)


def works(*_: Any) -> bytes:
    return JPEG


def raising(error: Exception) -> Callable[..., bytes]:
    def make(*_: Any) -> bytes:
        raise error

    return make


def told(pictures: Pictures, seen: border.Sighting) -> border.Sighting:
    return pictures.with_one(seen, FRAME, FACE, lambda *_: [])


def test_a_lead_names_its_picture_and_it_is_handed_over_once() -> None:
    pictures = made(works)
    seen = told(pictures, sighting())
    assert seen == replace(sighting(), picture=hashlib.sha256(JPEG).hexdigest())
    assert pictures.take(seen) == JPEG
    assert pictures.take(seen) == b""


@pytest.mark.parametrize(
    ("basis", "seen"), [(None, sighting()), (BASIS, sighting("review"))], ids=["none", "review"]
)
def test_nobody_else_is_ever_pictured(basis: Evidence | None, seen: border.Sighting) -> None:
    asked = made(raising(AssertionError("must not be asked")), basis)
    assert told(asked, seen) == seen


@pytest.mark.parametrize(
    ("now_ns", "why"), [(ENDS_NS, "the transmission basis ended at 2026-12-01"), (0, "not set")]
)
def test_past_its_end_or_without_a_clock_there_is_no_picture(now_ns: int, why: str) -> None:
    seen = told(made(works, now_ns=now_ns), sighting())
    assert seen.picture == ""
    assert why in seen.withheld


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PhotoError("another face is still found"), "another face is still found"),
        (ValueError(b"\x01\x02 pixels"), "the blur failed: ValueError"),
        (MemoryError(), "the blur failed: MemoryError"),
    ],
)
def test_whatever_fails_withholds_the_picture_and_never_the_lead(
    error: Exception, why: str
) -> None:
    pictures = made(raising(error))
    seen = told(pictures, sighting())
    assert seen == replace(sighting(), withheld=why)
    assert pictures.take(seen) == b""


def test_face_work_pictures_a_lead_and_no_stranger(engine: PackEngine) -> None:
    """A drawn head that is listed walks in beside another one: one lead, one picture."""
    listed = pictures.head(720, 640, x=320, y=330, tall=260)
    other = pictures.head(720, 640, x=320, y=330, tall=200, lean=120)
    both = np.concatenate([listed, other], 1)
    (face,) = engine.detect(listed, 640)
    vector = engine.embed(listed, face).vector
    work = FaceWork(engine, Faces(enabled=True), None, Pictures(BASIS, lambda: ENDS_NS - 1))
    index = encode_index([GalleryRow("drill-1", True, 1)])
    order = border.Gallery(1, engine.model_id, engine.dim, len(index))
    GalleryWork(work, order, index + vector.astype("<f4").tobytes()).step(lambda: 0)
    leads = []
    for number in range(1, 12):
        ready = FrameReady(number, 0, number * 150_000_000, 1280, 720, 0.5, (0.0, 0.0, 1.0, 1.0))
        with Frame(CameraName("north"), ready, both.copy(), lambda: None) as frame:
            seen, _ = work.look(frame)
        leads += [(one, work.pictures.take(one)) for one in seen if one.band == "lead"]
    assert leads
    one, jpeg = leads[0]
    assert (one.entry_id, one.withheld) == ("drill-1", "")
    assert hashlib.sha256(jpeg).hexdigest() == one.picture
    assert len({each.track for each, _ in leads}) == len(leads), "one picture of a track"
