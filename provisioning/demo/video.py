"""The demo's camera picture: an H.264 video in which two people walk up to a gate.

Composed from press photos that ship with a test suite on the package index (``photos``), on a drawn
scene with the noise of a real sensor. Needs the extra ``demo`` (PyAV brings the encoder). People
are cut out along a soft outline that hangs on the place of their face in the pinned photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Progress = Callable[[float], None]

SIZE = (1280, 720)
FPS = 12
NOISE = 2.5
SEED = 20
FAR_FACE_PX, NEAR_FACE_PX = 60, 200


@dataclass(frozen=True, slots=True)
class Walk:
    """Somebody walks up between two moments, stands, and goes; seconds of the video.

    ``face`` is the centre and the width of the face in the photo, px.
    """

    photo: Picture
    face: tuple[float, float, float]
    starts_s: float
    ends_s: float


def make_video(
    path: Path,
    walks: list[Walk],
    length_s: float,
    progress: Progress,
    *,
    size: tuple[int, int] = SIZE,
    fps: int = FPS,
) -> None:
    """Write *path* (MP4, H.264, a key frame every two seconds); *size* is width and height, px."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.time_base = Fraction(1, fps)
        stream.options = {"preset": "ultrafast", "crf": "20", "g": str(2 * fps), "threads": "2"}
        count = round(length_s * fps)
        for number, picture in enumerate(_pictures(walks, count, size, fps)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            container.mux(stream.encode(frame))
            progress((number + 1) / count)
        container.mux(stream.encode())


def _pictures(walks: list[Walk], count: int, size: tuple[int, int], fps: int) -> Iterator[Picture]:
    random = np.random.default_rng(SEED)
    width, height = size
    scene = cv2.resize(_scene(), size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    people = [(walk, _cut_out(walk)) for walk in walks]
    # One sheet of noise, shifted anew for each picture: real enough, and quick to make.
    noise = random.normal(0, NOISE, (height + 64, width + 64)).astype(np.int16)
    brighter = np.dstack([np.clip(noise, 0, 255).astype(np.uint8)] * 3)
    darker = np.dstack([np.clip(-noise, 0, 255).astype(np.uint8)] * 3)
    for number in range(count):
        picture = scene.copy()
        for walk, person in people:
            _put(picture, person, walk, number / fps)
        y, x = (int(v) for v in random.integers(0, 64, 2))
        part = slice(y, y + height), slice(x, x + width)
        yield cv2.subtract(cv2.add(picture, brighter[part]), darker[part]).astype(np.uint8)


def _scene() -> Picture:
    """A paved way between two walls, a gate post and a hedge: drawn, nobody's place."""
    width, height = SIZE
    sky = np.linspace(215, 165, height, dtype=np.float32)[:, None, None]
    scene = np.repeat(np.repeat(sky, width, 1), 3, 2) * np.array([1.0, 0.97, 0.93], np.float32)
    cv2.rectangle(scene, (0, 180), (330, height), (95, 120, 140), -1)
    cv2.rectangle(scene, (950, 150), (width, height), (110, 130, 150), -1)
    for row in range(180, height, 36):
        cv2.line(scene, (0, row), (330, row), (80, 100, 118), 2)
        cv2.line(scene, (950, row), (width, row), (92, 110, 128), 2)
    way = np.array([[430, 330], [850, 330], [1180, height], [100, height]], np.int32)
    cv2.fillPoly(scene, [way], (138, 142, 145))
    cv2.rectangle(scene, (330, 250), (430, 420), (60, 95, 65), -1)
    cv2.rectangle(scene, (850, 230), (950, 420), (66, 100, 70), -1)
    return cv2.GaussianBlur(scene, (0, 0), 1.2).astype(np.uint8)


def _cut_out(walk: Walk) -> npt.NDArray[np.float32]:
    """The person as BGRA float, alpha 0 to 1 along head and shoulders, scaled to the near size."""
    x, y, width = walk.face
    scale = NEAR_FACE_PX / width
    photo = cv2.resize(walk.photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x, y, width = x * scale, y * scale, float(NEAR_FACE_PX)
    alpha = np.zeros(photo.shape[:2], np.float32)
    head = (round(x), round(y - 0.05 * width)), (round(0.66 * width), round(0.95 * width))
    cv2.ellipse(alpha, head[0], head[1], 0, 0, 360, 1.0, -1)
    shoulders = [(-0.35, 0.7), (0.35, 0.7), (1.55, 1.35), (1.75, 4.0), (-1.75, 4.0), (-1.55, 1.35)]
    outline = [[round(x + dx * width), round(y + dy * width)] for dx, dy in shoulders]
    cv2.fillPoly(alpha, [np.array(outline, np.int32)], 1.0)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.04 * width)
    return np.dstack([photo.astype(np.float32), alpha])


def _put(picture: Picture, person: npt.NDArray[np.float32], walk: Walk, now_s: float) -> None:
    """Draw the person as near as the moment makes them; nothing outside their time."""
    if not walk.starts_s <= now_s < walk.ends_s:
        return
    length_s = walk.ends_s - walk.starts_s
    near = min((now_s - walk.starts_s) / (0.6 * length_s), 1.0)
    scale = (FAR_FACE_PX + (NEAR_FACE_PX - FAR_FACE_PX) * near) / NEAR_FACE_PX
    small = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = picture.shape[:2]
    face_x, face_y, face_px = walk.face
    photo_scale = NEAR_FACE_PX / face_px * scale
    sway = 6.0 * np.sin(now_s * 5.0)
    left = round(width / 2 + 60 * (1 - near) + sway - face_x * photo_scale)
    top = round(300 - 40 * near + 3 * np.cos(now_s * 10.0) - face_y * photo_scale)
    y0, y1 = max(top, 0), min(top + small.shape[0], height)
    x0, x1 = max(left, 0), min(left + small.shape[1], width)
    if y0 >= y1 or x0 >= x1:
        return
    part = small[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:]
    ground = picture[y0:y1, x0:x1]
    ground[:] = ground * (1 - alpha) + part[..., :3] * alpha
