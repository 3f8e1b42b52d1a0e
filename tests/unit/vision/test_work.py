"""Face work follows what moves, who is followed and whose picture is better, not frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, encode_index
from agent.config.schema.vision import Faces
from agent.core.ids import CameraName
from agent.vision.faces import FaceWork
from agent.vision.replacing import GalleryWork
from devices.camera_frame import Frame
from devices.capture_wire import NOWHERE, FrameReady
from models import pictures
from models.detector import BUDGET_PX
from models.engine import PackEngine
from models.values import FoundFace, Image, Probe

FRAME_NS = 66_000_000
HEAD: Image = pictures.head(720, 1280, x=640, y=330, tall=260)
EMPTY: Image = pictures.smooth(pictures.noise(720, 1280, 11), 4)
Area = tuple[float, float, float, float]
AROUND: Area = (0.4, 0.2, 0.6, 0.7)


class Counting:
    """The real engine; counts what it is asked."""

    def __init__(self, engine: PackEngine) -> None:
        self._engine = engine
        self.detected: list[tuple[int, int, int]] = []
        self.embedded = 0

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """As the engine's."""
        self.detected.append((picture.shape[1], picture.shape[0], budget))
        return self._engine.detect(picture, budget)

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """As the engine's."""
        self.embedded += 1
        return self._engine.embed(picture, face)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class Watching:
    """Face work for one camera that searches for a stranger."""

    def __init__(self, engine: PackEngine, *, entries: int = 1, min_face_px: int = 45) -> None:
        self.engine = Counting(engine)
        self.work = FaceWork(self.engine, Faces(enabled=True, min_face_px=min_face_px))
        self.number = 0
        rows = np.full((entries, engine.dim), 0.2, np.float32)
        rows += np.arange(entries, dtype=np.float32)[:, None]
        listed = [GalleryRow(f"w-{n}", False, 1) for n in range(entries)]
        index = encode_index(listed)
        order = border.Gallery(1, engine.model_id, engine.dim, len(index))
        GalleryWork(self.work, order, index + rows.tobytes()).step(lambda: 0)

    def frames(self, picture: Image, moving: Area, count: int) -> None:
        """So many frames of it, fifteen a second."""
        height, width = picture.shape[:2]
        for _ in range(count):
            self.number += 1
            at_ns = self.number * FRAME_NS
            ready = FrameReady(self.number, 0, at_ns, width, height, 0.1, moving)
            with Frame(CameraName("north"), ready, picture.copy(), lambda: None) as frame:
                self.work.look(frame)


def test_where_nothing_moves_the_detector_looks_once_a_second(engine: PackEngine) -> None:
    watching = Watching(engine)
    watching.frames(EMPTY, NOWHERE, 60)
    assert 4 <= len(watching.engine.detected) <= 5
    assert watching.engine.embedded == 0


def test_with_nobody_on_the_list_it_never_looks(engine: PackEngine) -> None:
    watching = Watching(engine, entries=0)
    watching.frames(HEAD, AROUND, 30)
    assert watching.engine.detected == []


def test_between_those_looks_only_what_moves_is_searched(engine: PackEngine) -> None:
    watching = Watching(engine)
    watching.frames(EMPTY, (0.1, 0.4, 0.2, 0.6), 15)
    whole, *parts = watching.engine.detected
    assert whole[:2] == (1280, 720)
    assert all(width * height < 1280 * 720 / 8 for width, height, _ in parts)


def test_the_detector_is_as_large_as_the_area_and_the_faces_ask_for(engine: PackEngine) -> None:
    def budgets(min_face_px: int, moving: Area) -> list[int]:
        watching = Watching(engine, min_face_px=min_face_px)
        watching.frames(EMPTY, moving, 3)
        return [budget for _, _, budget in watching.engine.detected]

    assert budgets(45, (0.1, 0.4, 0.2, 0.6))[1:] == [96, 96]
    assert budgets(45, (0.0, 0.1, 0.9, 0.9))[0] == 352
    assert budgets(120, (0.0, 0.1, 0.9, 0.9))[0] == 160


def test_of_a_face_that_stays_only_frames_that_are_better_are_embedded(engine: PackEngine) -> None:
    """Two seconds hold three frames; a fourth has to beat one of them."""
    watching = Watching(engine)
    watching.frames(HEAD, AROUND, 90)
    found = len(watching.engine.detected)
    if watching.work.counts.tracks == 0:
        pytest.fail("the drawn head was not found")
    assert found >= 85
    assert 3 <= watching.engine.embedded <= found / 3
