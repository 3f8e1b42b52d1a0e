"""What a vision program says, in few words."""

from __future__ import annotations

from typing import Literal

from agent.border.messages import Beat, CameraFigures, CameraReport, Hello, ModelInfo, Sighting
from agent.core.events import CameraState


def hello(model_id: str | None = "dlib", fault: str = "", *, review_only: bool = True) -> Hello:
    """Vision introduces itself."""
    models = [ModelInfo("embedder", model_id, "0" * 64)] if model_id else []
    return Hello(4711, model_id, review_only, models, fault)


def beat(number: int = 1, **cameras: CameraState | None) -> Beat:
    """A sign of life with the state of each camera (None: starting)."""
    figures = {
        name: CameraFigures(state, "why", 4.94, 4.86, 1280, 720, 0, 0)
        for name, state in cameras.items()
    }
    return Beat(number, figures, tracks=3, compared=2, leads=1, reviews=4, gallery=12)


def report(camera: str, state: CameraState) -> CameraReport:
    """A camera changed."""
    return CameraReport(camera, state, "why", 0)


def sighting(
    monotonic_ns: int,
    *,
    band: Literal["lead", "review"] = "lead",
    camera: str = "north",
    exercise: bool = True,
) -> Sighting:
    """A track matched."""
    return Sighting(
        camera, 7, "w-1", exercise, band, 0.61, 0.5, 0.1, 3, 0.8, "dlib", monotonic_ns
    )  # fmt: skip
