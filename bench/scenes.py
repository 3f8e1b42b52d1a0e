"""Videos to measure faces on: the demo's two people walk up to a drawn gate, as often as wanted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from provisioning.demo.photos import STRANGER, VOLUNTEER, Photo, fetch_photos
from provisioning.demo.video import Walk, make_video

WALK_S = 7.0
_PAUSE_S = 2.0


def starts(seconds: int) -> tuple[float, ...]:
    """When the passages of such a video begin."""
    return tuple(np.arange(1.0, max(seconds - WALK_S, 1.5), WALK_S + _PAUSE_S).tolist())


def people(
    path: Path, home: Path, seconds: int, fps: int, size: tuple[int, int] = (1920, 1080)
) -> Path:
    """Volunteer and stranger in turns, from the first second on, with two seconds between."""
    walks = [
        walk(home, (VOLUNTEER, STRANGER)[number % 2], start)
        for number, start in enumerate(starts(seconds))
    ]
    make_video(path, walks, float(seconds), lambda _: None, size=size, fps=fps)
    return path


def walk(home: Path, photo: Photo, start_s: float) -> Walk:
    """One passage of seven seconds."""
    folder = home / "demo" / "photos"
    fetch_photos(folder, lambda *_: None)
    picture = cv2.imread(str(folder / photo.name))
    if picture is None:
        raise RuntimeError(f"{folder / photo.name} cannot be read")
    return Walk(picture.astype(np.uint8), photo.face, start_s, start_s + WALK_S)
