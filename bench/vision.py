"""The whole vision program: one 1080p camera, its start, and other ways to watch the same video.

``python -m bench.vision [--json] [--seconds S] [--only PART...]``. Parts: *rivals* (how:
``bench.rivals``), *start* (``bench.start``) and *scenes*. Exit code 1 when a promise is broken:
20 times less CPU a look than face_recognition, at least as many faces found, no false lead; a
verdict 2 s after the start; 250 MB (proportional) with one camera.

Scenes: nothing moves; a walker without a face; a
person who walks up with a face (the demo's volunteer) and is compared with a list of one. Face work
is on in all. CPU is of the vision program and its capture process together, per frame of the file,
beside a bare decode of the same file at its own pace (as ``bench.camera`` measures it).
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from agent.core.errors import GatehouseError
from agent.pipeline.local import ask
from bench import rivals, start
from bench.camera import FPS, bare, make
from bench.gate import Gate, gate, wait_linked
from bench.scenes import WALK_S, people, starts, walk
from contract.words import Status
from models.packs import models_dir
from provisioning.demo.photos import LISTED, VOLUNTEER, fetch_photos
from provisioning.demo.site import Site, write_entries
from provisioning.demo.video import make_video
from station import actions, keys

WARM_S = 6.0
RIVALS_S = 18
CEILING_MB = 250.0
PARTS = ("rivals", "start", "scenes")


@dataclass(frozen=True, slots=True)
class Result:
    """One scene. ``resident_mb`` and ``shared_mb`` (proportional) of both processes together."""

    scene: str
    bare_ms: float
    ours_ms: float
    ratio: float
    resident_mb: float
    proportional_mb: float
    tracks: int
    leads: int


def measure(folder: Path, home: Path, seconds: int) -> list[Result]:
    """Every scene."""
    fetch_photos(home / "demo" / "photos", lambda *_: None)
    scenes = make(folder, seconds)
    scenes["face"] = _walk_up(folder / "face.mp4", home, seconds)
    return [_scene(folder / name, name, video, home, seconds) for name, video in scenes.items()]


def table(results: list[Result]) -> str:
    """For people."""
    lines = [f"{'scene':8}{'bare ms':>9}{'ours ms':>9}{'ratio':>7}{'RSS MB':>8}{'PSS MB':>8}"]
    lines += [
        f"{r.scene:8}{r.bare_ms:9.2f}{r.ours_ms:9.2f}{r.ratio:7.2f}{r.resident_mb:8.0f}"
        f"{r.proportional_mb:8.0f}  {r.tracks} tracks, {r.leads} leads"
        for r in results
    ]
    return "\n".join([f"one 1080p camera, {FPS} frames a second, face work on", *lines])


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; None or empty what was not asked for."""

    rivals: list[rivals.Race]
    start: start.Start | None
    scenes: list[Result]

    @property
    def good(self) -> bool:
        """Whether the promises hold."""
        small = all(one.proportional_mb <= CEILING_MB for one in self.scenes)
        soon = self.start is None or self.start.verdict_s <= start.CEILING_S
        return small and soon and rivals.good(self.rivals)

    def table(self) -> str:
        """For people."""
        parts = [rivals.table(self.rivals)] if self.rivals else []
        if self.start is not None:
            one = self.start
            parts.append(
                f"start to hello {one.hello_s:.2f} s, first frame {one.frame_s:.2f} s, first"
                f" verdict {one.verdict_s:.2f} s (ceiling {start.CEILING_S:g})"
            )
        return "\n".join([*parts, *([table(self.scenes)] if self.scenes else [])])


def main() -> int:
    """Measure and print; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="bench.vision", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    home = Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse").absolute()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name:
        folder = Path(name)
        races = _rivals(folder, home) if "rivals" in options.only else []
        started = start.measure(folder, home) if "start" in options.only else None
        results = measure(folder, home, options.seconds) if "scenes" in options.only else []
    figures = Figures(races, started, results)
    body = asdict(figures) | {"good": figures.good}
    print(json.dumps(body, indent=1) if options.json else figures.table())
    return 0 if figures.good else 1


def _rivals(folder: Path, home: Path) -> list[rivals.Race]:
    video = people(folder / "people.mp4", home, RIVALS_S, rivals.FPS)
    return rivals.races(models_dir(home / "models"), home, video, starts(RIVALS_S))


def _scene(folder: Path, name: str, video: Path, home: Path, seconds: int) -> Result:
    """The vision program on *video* for most of its length."""
    folder.mkdir()
    station = folder / "station"
    keys.init(station, "bench", "bench")
    signed = sign(folder, station, home)
    source = {"type": "file", "path": str(video), "loop": True}
    sections = {
        "cameras": {"cam": {"source": source, "where": "bench", "name": "bench"}},
        "faces": {"enabled": True},
        "models": {"dir": str(models_dir(home / "models"))},
    }
    with gate(folder / "gate", trusted_keys=station / "trusted-keys.json", **sections) as made:
        made.start("agent", "run")
        wait_linked(made)
        made.start("vision", "vision")
        import_list(made, signed)
        time.sleep(WARM_S)
        before, began = cpu_s(made), time.monotonic()
        time.sleep(seconds - WARM_S)
        passed_s = time.monotonic() - began
        ours_ms = (cpu_s(made) - before) / (passed_s * FPS) * 1000
        resident, proportional = _memory(made)
        vision = ask(made.control, "status")["components"]["vision"]
    bare_ms = bare(video, "paced").cpu_ms
    figures = vision.get("tracks", 0), vision.get("leads", 0)
    return Result(name, bare_ms, ours_ms, ours_ms / bare_ms, resident, proportional, *figures)


def sign(folder: Path, station: Path, home: Path) -> Path:
    """A list of one, for a drill, signed by a station's key."""
    site = Site(folder)
    photos = [home / "demo" / "photos" / photo.name for photo in LISTED]
    entries = write_entries(site, photos)
    output = folder / "signed.json"
    actions.sign_watchlist(
        station, entries, output, status=Status.EXERCISE, version=1, node="*", allow_empty=False
    )
    return output


def import_list(made: Gate, signed: Path) -> None:
    """Give the list to the agent and wait until vision searches it."""
    document = base64.b64encode(signed.read_bytes()).decode()
    ask(made.control, "watchlist.import", document=document)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            vision = ask(made.control, "status")["components"].get("vision", {})
        except GatehouseError:
            vision = {}
        if vision.get("gallery") == 1:
            return
        time.sleep(0.2)
    raise RuntimeError("the list is not searched")


def _walk_up(path: Path, home: Path, seconds: int) -> Path:
    starts = np.arange(1.0, seconds - WALK_S, WALK_S + 2.0).tolist()
    walks = [walk(home, VOLUNTEER, start) for start in starts]
    make_video(path, walks, float(seconds), lambda _: None, size=(1920, 1080), fps=FPS)
    return path


def _processes(made: Gate) -> list[psutil.Process]:
    process = psutil.Process(made.pid("vision"))
    return [process, *process.children(recursive=True)]


def cpu_s(made: Gate) -> float:
    """CPU seconds of the vision program and its captures so far."""
    times = [process.cpu_times() for process in _processes(made)]
    return sum(t.user + t.system for t in times)


def _memory(made: Gate) -> tuple[float, float]:
    resident = sum(process.memory_info().rss for process in _processes(made)) / 1e6
    proportional = sum(process.memory_full_info().pss for process in _processes(made)) / 1e6
    return resident, proportional


if __name__ == "__main__":
    sys.exit(main())
