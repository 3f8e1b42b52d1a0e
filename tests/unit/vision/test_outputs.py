"""What leaves the models and what vision may say: closed lists, so that nothing else ever does.

Box, landmarks, quality, liveness, template. Whoever adds a field changes this test, and says why.
"""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from typing import get_args

import pytest

from agent.border import messages as border
from agent.border.protection import Converted
from models.embedder import Measured
from models.liveness import Glance
from models.values import Box, FoundFace, Probe, Quality

REPO = Path(__file__).resolve().parents[3]
VALUES: dict[type, set[str]] = {
    Box: {"left", "top", "right", "bottom"},
    FoundFace: {"box", "score", "landmarks"},
    Quality: {"score", "detector", "size", "pose", "size_px", "yaw"},
    Probe: {"vector", "quality", "norm", "agreement", "glance"},
    Measured: {"vector", "norm", "agreement"},
    Glance: {"live", "print", "doubt"},
}
SAID: dict[type, set[str]] = {
    border.Hello: {"pid", "model_id", "review_only", "models", "fault"},
    border.Beat: {
        "number", "cameras", "tracks", "compared", "leads", "reviews", "gallery", "generation",
    },
    border.CameraReport: {"camera", "state", "reason", "monotonic_ns"},
    border.Sighting: {
        "camera", "track", "entry_id", "exercise", "band", "score", "threshold", "margin",
        "frames", "quality", "model_id", "monotonic_ns", "direction", "liveness", "picture",
        "withheld",
    },
    border.Strangers: {
        "model_id", "tracks", "entries", "seconds", "length", "spread", "squares", "along",
        "scores",
    },
    border.Embedded: {"request", "model_id", "dim", "photos", "transform"},
    Converted: {"request", "dim", "transform"},
}  # fmt: skip
INFERRED = {
    "age", "ages", "gender", "sex", "emotion", "emotions", "ethnicity", "race", "mood", "skin",
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_a_value_of_the_models_holds_this_and_nothing_else(value: type) -> None:
    assert {field.name for field in dataclasses.fields(value)} == VALUES[value]


def test_vision_says_this_and_nothing_else() -> None:
    messages = get_args(border.FromVision)
    assert set(messages) == SAID.keys()
    for message in messages:
        names = {field.name for field in dataclasses.fields(message)} - {"message"}
        assert names == SAID[message], message.__name__


def test_no_word_of_the_face_path_names_what_is_never_inferred() -> None:
    """Names of classes, fields, functions and arguments of the models and of vision."""
    found = []
    for folder in ("models", "agent/vision", "agent/border"):
        for path in sorted((REPO / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                name = getattr(node, "name", None) or getattr(node, "arg", None)
                name = name or getattr(node, "attr", None) or getattr(node, "id", None)
                if isinstance(name, str) and INFERRED & set(name.lower().split("_")):
                    found.append(f"{path.name}: {name}")
    assert found == []


def test_the_watchlists_purpose_opens_no_door() -> None:
    """Nothing that decides on doors, codes or cards imports a list of faces, or vision."""
    reach = ("agent.watchlist", "agent.vision", "models")
    for path in sorted((REPO / "agent" / "access").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not [name for name in names if name.startswith(reach)], path
