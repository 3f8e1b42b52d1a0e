"""Faces against the peer: ours and face_recognition's own path, in turns, on the same frames.

``python -m bench.faces [--json] [--runs N] [--photos FOLDER]``. The peer is dlib called as
``face_recognition`` calls it (HOG with one upsampling, 5-point predictor, ResNet); without dlib it
is left out with a line saying so. Times are the least and the median of the runs, one thread.
Separation needs labelled photos (a folder of persons): how far the median pair of one person
scores above the strangers' best percent, and the share of pairs of one person above it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from agent.core.errors import PackError
from agent.vision.region import Region, region_of, whole
from devices.capture_wire import NOWHERE
from models import pictures
from models.detector import RELIABLE_PX, budget_for
from models.engine import FaceEngine, open_pack
from models.evaluate import collect, pairs
from models.packs import models_dir
from models.quality import live_gate
from models.reference import open_reference
from models.values import Image
from provisioning.demo.photos import VOLUNTEER, fetch_photos

# Width, height, whether the face is followed (as most frames of a passage are) or searched for in
# the whole frame, and how many times faster than the peer we must be.
FRAMES = (
    (640, 480, True, 20.0),
    (640, 480, False, 15.0),
    (1280, 720, True, 30.0),
    (1280, 720, False, 20.0),
    (1920, 1080, True, 60.0),
    (1920, 1080, False, 40.0),
)
BLOCK = 5
CEILING_RESIDENT_MB = 170.0
_SMALLEST_PX = 45
_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces"
_SETS = ("casia_facev5_subset", "faceapi_bbt")
_LOAD = """
import sys
from pathlib import Path
import numpy as np
from models.engine import open_pack
from models.values import Box, FoundFace
engine = open_pack(Path(sys.argv[1]), "dlib")
marks = np.array([[225, 150], [275, 150], [250, 180], [230, 200], [270, 200]], float)
face, frame = FoundFace(Box(200, 100, 300, 230), 0.9, marks), np.zeros((480, 640, 3), np.uint8)
for _ in range(5):
    engine.detect(frame)
    engine.embed(frame, face)
print(Path("/proc/self/status").read_text())
"""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds a frame, from finding the face to its template."""

    least_ms: float
    median_ms: float


@dataclass(frozen=True, slots=True)
class Separation:
    """One engine on one set of labelled photos."""

    photos: int
    gap: float
    same_above_strangers: float


@dataclass(frozen=True, slots=True)
class Race:
    """Ours and the peer on frames of one size; None where the peer is not here.

    ``from_px`` the smallest face that ours finds reliably there; the peer's is always about 40.
    """

    frame: str
    from_px: float
    ours: Times
    peer: Times | None
    ratio: float | None
    floor: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; empty where the peer or the photos are not here."""

    runs: int
    races: tuple[Race, ...]
    resident_mb: float
    peak_mb: float
    separation: dict[str, dict[str, Separation]]
    peer_missing: str

    @property
    def good(self) -> bool:
        """Whether what was measured reaches the floors."""
        fast = all(one.ratio is None or one.ratio >= one.floor for one in self.races)
        apart = all(
            one["ours"].gap >= one["peer"].gap - 0.02
            for one in self.separation.values()
            if "peer" in one
        )
        return fast and apart and self.resident_mb <= CEILING_RESIDENT_MB


def scene(width: int, height: int, home: Path) -> Image:
    """A frame with one face of about 100 px (the demo's volunteer) over soft noise."""
    folder = home / "demo" / "photos"
    fetch_photos(folder, lambda *_: None)
    x, y, face_px = VOLUNTEER.face
    photo = cv2.imread(str(folder / VOLUNTEER.name))
    if photo is None:
        raise PackError(f"{folder / VOLUNTEER.name} cannot be read")
    scale = 100 / face_px
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = pictures.smooth(pictures.noise(height, width, 11), 4)
    top, left = height // 3 - round(y * scale), width // 2 - round(x * scale)
    part = small[max(-top, 0) : height - top]
    frame[max(top, 0) : max(top, 0) + len(part), left : left + part.shape[1]] = part
    return frame


def once(engine: FaceEngine, frame: Image, part: Region) -> float:
    """Milliseconds of one frame, which must show one face in *part*."""
    budget = budget_for(*part.size, _SMALLEST_PX)
    start = time.perf_counter()
    (face,) = engine.detect(part.cut(frame), budget)
    engine.embed(frame, part.placed(face))
    return (time.perf_counter() - start) * 1e3


def where(engine: FaceEngine, frame: Image, *, followed: bool) -> Region:
    """Where the vision program looks: around a face it follows, or everywhere."""
    height, width = frame.shape[:2]
    everywhere = whole(width, height)
    if not followed:
        return everywhere
    boxes = [face.box for face in engine.detect(frame, budget_for(width, height, _SMALLEST_PX))]
    return region_of(width, height, NOWHERE, boxes) or everywhere


def race(
    engines: dict[str, FaceEngine], home: Path, size: tuple[int, int, bool, float], runs: int
) -> Race:
    """Every engine in turn, so that what disturbs the machine disturbs all.

    A turn is a block of consecutive frames, as a camera gives them. The peer always looks at the
    whole frame: it knows no following.
    """
    width, height, followed, floor = size
    frame = scene(width, height, home)
    parts = dict.fromkeys(engines, whole(width, height))
    parts["ours"] = where(engines["ours"], frame, followed=followed)
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(runs):
        for name, engine in engines.items():
            taken[name] += [once(engine, frame, parts[name]) for _ in range(BLOCK)]
    times = {name: Times(min(one), statistics.median(one)) for name, one in taken.items()}
    peer = times.get("peer")
    ratio = peer.least_ms / times["ours"].least_ms if peer else None
    size_px = parts["ours"].size
    from_px = max(size_px) * RELIABLE_PX / budget_for(*size_px, _SMALLEST_PX)
    manner = "followed" if followed else "searched"
    return Race(f"{width}x{height} {manner}", from_px, times["ours"], peer, ratio, floor)


def separation(engine: FaceEngine, folder: Path) -> Separation:
    """How well *engine* tells the people in *folder* apart."""
    samples = collect(engine, folder, live_gate(_SMALLEST_PX)).samples
    same, other = pairs(samples, engine.metric)
    bar = float(np.percentile(other, 99))
    return Separation(len(samples), float(np.median(same)) - bar, float((same > bar).mean()))


def resident(folder: Path) -> tuple[float, float]:
    """Megabytes a fresh process holds after some frames, and at its highest."""
    command = [sys.executable, "-c", _LOAD, str(folder)]
    status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    rss, peak = (int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return rss, peak


def measure(folder: Path, photos: Path, runs: int) -> Figures:
    """All figures."""
    engines: dict[str, FaceEngine] = {"ours": open_pack(folder, "dlib")}
    missing = ""
    try:
        engines["peer"] = open_reference()
    except PackError as error:
        missing = str(error)
    races = tuple(race(engines, folder.parent, frame, runs) for frame in FRAMES)
    apart = {
        name: {who: separation(engine, photos / name) for who, engine in engines.items()}
        for name in _SETS
        if (photos / name).is_dir()
    }
    rss, peak = resident(folder)
    return Figures(runs, races, rss, peak, apart, missing)


def table(figures: Figures) -> str:
    """The figures for people."""
    lines = [f"frame to template, one face, {figures.runs} runs, one thread: least (median) ms"]
    for one in figures.races:
        line = f"  {one.frame:19}(faces from {one.from_px:.0f} px)"
        line += f" ours {one.ours.least_ms:6.1f} ({one.ours.median_ms:.1f})"
        if one.peer is not None and one.ratio is not None:
            line += f"  peer {one.peer.least_ms:6.1f} ({one.peer.median_ms:.1f})"
            line += f"  ratio {one.ratio:.1f} (floor {one.floor:.0f})"
        lines.append(line)
    if figures.peer_missing:
        lines.append(f"  peer left out: {figures.peer_missing}")
    lines.append(
        f"resident {figures.resident_mb:.0f} MB, highest while loading {figures.peak_mb:.0f} MB"
        f" (ceiling {CEILING_RESIDENT_MB:.0f})"
    )
    for name, engines in figures.separation.items():
        lines.append(f"{name}: gap of the median to the strangers' best percent, share above it")
        lines += [
            f"  {who}  {one.gap:+.3f}  {one.same_above_strangers:.3f}  ({one.photos} photos)"
            for who, one in engines.items()
        ]
    if not figures.separation:
        lines.append("separation left out: no labelled photos here")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--photos", type=Path, default=_PHOTOS)
    options = parser.parse_args(argv)
    figures = measure(models_dir(options.models), options.photos, options.runs)
    body = asdict(figures) | {"good": figures.good}
    print(json.dumps(body) if options.json else table(figures))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
