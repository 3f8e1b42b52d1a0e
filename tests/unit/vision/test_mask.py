"""A face in a masked zone: its pixels never reach the detector, so it is never found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.config.schema.base import Label
from agent.config.schema.vision import Camera, FileSource
from devices.capture import shrink
from devices.capture_request import request_for
from devices.eye import Eye
from models.engine import PackEngine
from models.pictures import head
from models.values import FoundFace

SIZE = 320
BUDGET = 320


def found(engine: PackEngine, mask: list[list[list[float]]]) -> list[FoundFace]:
    """Faces after the one way by which a picture leaves a capture."""
    source = FileSource(type="file", path=Path("/nowhere.mp4"))
    camera = Camera(source=source, where="gate", name=Label(en="Gate", zh="门"), mask=mask)
    eye = Eye(request_for(camera), SIZE, SIZE, shrink)
    picture = head(SIZE, SIZE, x=160, y=160, tall=140)
    eye.see(picture, 1.0)
    if mask:
        assert not picture[60:260, 60:260].any(), "black before anybody looks"
    return engine.detect(np.ascontiguousarray(picture), BUDGET)


def test_a_face_in_a_masked_zone_is_never_found(engine: PackEngine) -> None:
    assert len(found(engine, [])) == 1
    assert found(engine, [[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]]) == []
