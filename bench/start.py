"""From the start of the vision program to its first verdict, packs in the system's cache.

Somebody on the list stands before the camera already. The bench plays the core and sends the list
when vision says hello. Counted from the birth of the process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.gate import gate
from bench.played import played_core
from bench.scenes import walk
from models.engine import open_pack
from models.packs import models_dir
from provisioning.demo.photos import LISTED, VOLUNTEER
from provisioning.demo.video import Walk, make_video

CEILING_S = 2.0
_FPS = 15
_VIDEO_S = 12.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the birth of the process to its hello, its first frame and its first verdict."""

    hello_s: float
    frame_s: float
    verdict_s: float


def measure(folder: Path, home: Path) -> Start:
    """Once, after the files were read once."""
    models = models_dir(home / "models")
    engine = open_pack(models, "dlib")
    photos = [(home / "demo" / "photos" / photo.name).read_bytes() for photo in LISTED]
    rows = np.stack([engine.template(photo).vector for photo in photos])
    here = walk(home, VOLUNTEER, 0.0)
    standing = Walk(here.photo, here.face, -20.0, _VIDEO_S)
    video = folder / "standing.mp4"
    make_video(video, [standing], _VIDEO_S, lambda _: None, size=(1920, 1080), fps=_FPS)
    source = {"type": "file", "path": str(video)}
    sections: dict[str, Any] = {
        "cameras": {"cam": {"source": source, "where": "bench", "name": "bench", "fps": _FPS}},
        "faces": {"enabled": True},
        "models": {"dir": str(models)},
    }
    with gate(folder / "start", **sections) as made, played_core(made) as core:
        hello_ns = time.monotonic_ns()
        core.search(rows)
        time.sleep(4)
    frames = core.seen().frames
    first_ns = frames[0].done_ns
    verdict_ns = next((frame.done_ns for frame in frames if frame.sightings), None)
    if verdict_ns is None:
        raise RuntimeError("vision gave no verdict")
    passed = [(at - core.born_ns) / 1e9 for at in (hello_ns, first_ns, verdict_ns)]
    return Start(*passed)
