"""Three ways to watch one video for one person: ours, face_recognition's and Viseron's.

Ours is the vision program's own work: motion gate, area, detector, track, best frames, verdict.
*face_recognition*: every frame it gets to, as its functions do it (HOG with one upsampling, 5-point
predictor, ResNet, nearest of the known within 0.6), called on dlib itself: importing the package
loads a predictor that is not for commercial use. *Viseron*: as its dlib component does it, the same
calls on the cut-out of each person that an object detector found; the cut-out is given to it for
nothing, by our motion gate, and its usual pace is one look a second.

Each way gets the newest frame whenever it is ready for one, on a clock that its own CPU time moves,
so a slow way misses frames as it would at a gate. CPU is of one thread, decoding left out.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, encode_index
from agent.config.schema.vision import Camera, Faces
from agent.core.errors import PackError
from agent.core.ids import CameraName
from agent.vision.faces import FaceWork
from agent.vision.replacing import GalleryWork
from bench.scenes import WALK_S
from devices.camera_frame import Frame
from devices.capture import shrink
from devices.capture_request import request_for
from devices.capture_wire import NOWHERE, FrameReady
from devices.eye import Eye
from models.engine import open_pack
from models.values import Image, Vector
from provisioning.demo.photos import LISTED

WITHIN = 0.6
FPS = 15
FLOOR_RATIO = 20.0
_ME = "w-1"
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to: faces found, and whether the person we search for is among them."""

    found: int
    lead: bool


class Way(Protocol):
    """One way to watch."""

    fps: float

    def look(self, picture: Image, at_s: float) -> Looked:
        """Look at a frame, which is the way's own copy, taken *at_s*."""


@dataclass(frozen=True, slots=True)
class Race:
    """One way on the video.

    ``cpu_ms`` a look while somebody is there, the median, and ``cpu_share`` of one core over the
    video; ``found`` the share of looks at somebody that found a face; ``lead_s`` from the first
    frame that shows the person well enough until it says so (None: never); ``false_leads`` looks
    that took somebody else for the person.
    """

    way: str
    looks: int
    cpu_ms: float
    cpu_share: float
    found: float
    lead_s: float | None
    false_leads: int


class Ours:
    """The vision program's work on one camera."""

    def __init__(self, folder: Path, photos: list[bytes], video: Path, fps: float) -> None:
        self.fps = fps
        engine = open_pack(folder, "dlib")
        self._work = FaceWork(engine, Faces(enabled=True))
        rows = np.stack([engine.template(photo).vector for photo in photos])
        index = encode_index([GalleryRow(_ME, exercise=True, templates=len(rows))])
        order = border.Gallery(1, engine.model_id, engine.dim, len(index))
        GalleryWork(self._work, order, index + rows.astype("<f4").tobytes()).step(lambda: 0)
        self._request = request_for(_camera(video, fps))
        self._eye: Eye | None = None

    def look(self, picture: Image, at_s: float) -> Looked:
        """Gate, then faces."""
        height, width = picture.shape[:2]
        if self._eye is None:
            self._eye = Eye(self._request, width, height, shrink)
        motion, _ = self._eye.see(picture, at_s)
        if not motion.worth:
            return Looked(0, lead=False)
        at_ns = round((at_s + 1) * _NS)
        ready = FrameReady(1, 0, at_ns, width, height, motion.share, motion.where)
        with Frame(CameraName("cam"), ready, picture, lambda: None) as frame:
            sightings, followed = self._work.look(frame)
        if followed:
            self._eye.attend(at_s + 2)
        return Looked(int(followed), any(one.band == "lead" for one in sightings))


class FaceRecognition:
    """The calls of ``face_locations``, ``face_encodings`` and ``compare_faces``."""

    def __init__(self, photos: list[bytes], fps: float) -> None:
        """PackError without dlib and its models."""
        self.fps = fps
        try:
            import dlib  # noqa: PLC0415 - optional
        except ImportError as error:
            raise PackError("dlib is not installed") from error
        spec = importlib.util.find_spec("face_recognition_models")
        if spec is None or not spec.submodule_search_locations:
            raise PackError("face_recognition_models is not installed")
        folder = Path(spec.submodule_search_locations[0]) / "models"
        self._detector: Any = dlib.get_frontal_face_detector()
        predictor = "shape_predictor_5_face_landmarks.dat"
        self._predictor: Any = dlib.shape_predictor(str(folder / predictor))
        network = "dlib_face_recognition_resnet_model_v1.dat"
        self._network: Any = dlib.face_recognition_model_v1(str(folder / network))
        known = [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR) for one in photos]
        self._known = [
            vector for one in known for vector in self._encoded(np.asarray(one, np.uint8))
        ]

    def look(self, picture: Image, at_s: float) -> Looked:
        """Every face of the whole frame."""
        del at_s
        return self._compared(picture)

    def _compared(self, picture: Image) -> Looked:
        vectors = self._encoded(picture)
        near = [min(float(np.linalg.norm(v - k)) for k in self._known) for v in vectors]
        return Looked(len(vectors), any(one <= WITHIN for one in near))

    def _encoded(self, picture: Image) -> list[Vector]:
        rgb = np.ascontiguousarray(picture[:, :, ::-1])
        faces = self._detector(rgb, 1)
        shapes = [self._predictor(rgb, face) for face in faces]
        return [
            np.array(self._network.compute_face_descriptor(rgb, one, 1), np.float32)
            for one in shapes
        ]


class Viseron(FaceRecognition):
    """The same, in the cut-out of what moves."""

    def __init__(self, photos: list[bytes], video: Path, fps: float) -> None:
        super().__init__(photos, fps)
        self._request = request_for(_camera(video, fps))
        self._eye: Eye | None = None

    def person(self, picture: Image, at_s: float) -> tuple[float, float, float, float]:
        """Where the person is, in fractions; not counted as its work."""
        if self._eye is None:
            self._eye = Eye(self._request, picture.shape[1], picture.shape[0], shrink)
        return self._eye.see(picture, at_s)[0].where

    def look(self, picture: Image, at_s: float) -> Looked:
        """The faces of one cut-out."""
        height, width = picture.shape[:2]
        where = self.person(picture, at_s)
        if where == NOWHERE:
            return Looked(0, lead=False)
        left, right = round(where[0] * width), round(where[2] * width)
        top, bottom = round(where[1] * height), round(where[3] * height)
        return self._compared(picture[top:bottom, left:right].copy())


def run(name: str, way: Way, video: Path, starts_s: tuple[float, ...]) -> Race:
    """*way* on the video; *starts_s* of the passages, of which the first, third, ... are sought."""
    ready_s, used_s, looks = 0.0, 0.0, 0
    busy_ms: list[float] = []
    hits, false_leads, lead_s, end_s = 0, 0, None, 0.0
    for picture, at_s in _frames(video):
        end_s = at_s
        if at_s < ready_s:
            continue
        start = time.process_time()
        looked = way.look(picture, at_s)
        took_s = time.process_time() - start
        ready_s = max(at_s + took_s, ready_s + 1 / way.fps if looks else at_s + 1 / way.fps) - 1e-3
        used_s, looks = used_s + took_s, looks + 1
        walk = next((n for n, s in enumerate(starts_s) if s <= at_s < s + WALK_S), None)
        if walk is None:
            continue
        busy_ms.append(took_s * 1e3)
        hits += looked.found > 0
        false_leads += looked.lead and walk % 2 == 1
        if looked.lead and walk == 0 and lead_s is None:
            lead_s = at_s + took_s - starts_s[0]
    cpu_ms = statistics.median(busy_ms)
    share = used_s / end_s
    return Race(name, looks, cpu_ms, share, hits / len(busy_ms), lead_s, false_leads)


def races(folder: Path, home: Path, video: Path, starts_s: tuple[float, ...]) -> list[Race]:
    """Every way that can be run here; ours first."""
    photos = [(home / "demo" / "photos" / photo.name).read_bytes() for photo in LISTED]
    ways: list[tuple[str, Callable[[], Way]]] = [
        ("ours, 5 looks a second", lambda: Ours(folder, photos, video, 5.0)),
        ("ours, every frame", lambda: Ours(folder, photos, video, FPS)),
        ("face_recognition", lambda: FaceRecognition(photos, FPS)),
        ("Viseron, 1 look a second", lambda: Viseron(photos, video, 1.0)),
        ("Viseron, 5 looks a second", lambda: Viseron(photos, video, 5.0)),
    ]
    found = []
    for name, made in ways:
        try:
            found.append(run(name, made(), video, starts_s))
        except PackError:
            if name.startswith("ours"):
                raise
    return found


def good(found: list[Race]) -> bool:
    """Whether ours takes a twentieth of face_recognition's CPU and finds as much; True without."""
    peer = next((one for one in found if one.way == "face_recognition"), None)
    ours = found[:2]
    cheap = peer is None or all(peer.cpu_ms >= FLOOR_RATIO * one.cpu_ms for one in ours)
    finds = peer is None or all(one.found >= peer.found - 0.02 for one in ours)
    return cheap and finds and all(one.lead_s and not one.false_leads for one in ours)


def table(found: list[Race]) -> str:
    """For people."""
    ours = found[0].cpu_ms
    head = f"{'way':27}{'looks':>6}{'CPU ms':>9}{'ratio':>7}{'core':>7}{'found':>7}{'lead s':>8}"
    lines = ["one video of 1080p, two people in turns, the first is sought", head + "  false leads"]
    for one in found:
        lead = "never" if one.lead_s is None else f"{one.lead_s:.2f}"
        lines.append(
            f"{one.way:27}{one.looks:6}{one.cpu_ms:9.1f}{one.cpu_ms / ours:7.1f}"
            f"{one.cpu_share:7.1%}{one.found:7.0%}{lead:>8}{one.false_leads:>6}"
        )
    return "\n".join(lines)


def _camera(video: Path, fps: float) -> Camera:
    source = {"type": "file", "path": str(video)}
    body = {"source": source, "where": "bench", "name": "bench", "fps": fps}
    return Camera.model_validate(body, strict=False)


def _frames(video: Path) -> Iterator[tuple[Image, float]]:
    capture = cv2.VideoCapture(str(video))
    rate = capture.get(cv2.CAP_PROP_FPS)
    number = 0
    while True:
        there, picture = capture.read()
        if not there:
            return
        yield np.asarray(picture, np.uint8), number / rate
        number += 1
