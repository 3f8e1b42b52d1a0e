"""Boxes, faces and templates for tests that need no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.gallery import Entry, Gallery
from models.manifest import Metric
from models.purpose import Purpose
from models.values import Box, FoundFace, Probe, Quality, Vector

MODEL_ID = "test@00000000"


def box_at(x: float, y: float = 200.0, size: float = 80.0) -> Box:
    """A box around (x, y), a quarter higher than wide."""
    return Box(x - size / 2, y - size * 0.625, x + size / 2, y + size * 0.625)


def face_in(box: Box, *, score: float = 0.9, yaw: float = 0.0) -> FoundFace:
    """A frontal face in *box*; *yaw* moves the nose, in distances of the eyes."""
    x, y = box.centre
    eye, down = box.width * 0.23, box.height * 0.15
    marks = [
        [x - eye, y - down],
        [x + eye, y - down],
        [x + yaw * 2 * eye, y + down / 2],
        [x - eye * 0.8, y + 2 * down],
        [x + eye * 0.8, y + 2 * down],
    ]
    return FoundFace(box, score, np.array(marks))


def quality(score: float = 0.8) -> Quality:
    return Quality(score, 1.0, 1.0, score, 120.0, 0.0)


def probe(vector: Sequence[float] | Vector, score: float = 0.8) -> Probe:
    return Probe(np.array(vector, np.float32), quality(score))


def gallery_of(
    rows: dict[str, Sequence[Sequence[float]]],
    metric: Metric = "euclidean",
    exercise: Sequence[str] = (),
    not_them: Mapping[str, Sequence[Sequence[float]]] | None = None,
) -> Gallery:
    others = not_them or {}
    entries = [
        Entry(name, name in exercise, len(vectors), len(others.get(name, ())))
        for name, vectors in rows.items()
    ]
    flat = [v for name, vectors in rows.items() for v in (*vectors, *others.get(name, ()))]
    dim = len(flat[0]) if flat else 4
    return Gallery(
        MODEL_ID,
        metric,
        entries,
        np.array(flat, np.float32).reshape(len(flat), dim),
        Purpose.WATCHLIST,
    )
