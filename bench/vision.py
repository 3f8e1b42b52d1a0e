"""The whole vision program with one 1080p camera: memory, and CPU beside a bare decode.

``python -m bench.vision [--json] [--seconds S]``. Scenes: nothing moves; a walker without a face; a
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

import cv2
import numpy as np
import psutil

from agent.core.errors import GatehouseError
from agent.pipeline.local import ask
from bench.camera import FPS, bare, make
from bench.gate import Gate, gate, wait_linked
from contract.words import Status
from models.packs import models_dir
from provisioning.demo.photos import LISTED, VOLUNTEER, fetch_photos
from provisioning.demo.site import Site, write_entries
from provisioning.demo.video import Walk, make_video
from station import actions, keys

WARM_S = 6.0


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


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.vision", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    home = Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse").absolute()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        results = measure(Path(folder), home, options.seconds)
    print(json.dumps([asdict(r) for r in results], indent=1) if options.json else table(results))
    return 0


def _scene(folder: Path, name: str, video: Path, home: Path, seconds: int) -> Result:
    """The vision program on *video* for most of its length."""
    folder.mkdir()
    station = folder / "station"
    keys.init(station, "bench", "bench")
    signed = _sign(folder, station, home)
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
        _import(made, signed)
        time.sleep(WARM_S)
        before, began = _cpu_s(made), time.monotonic()
        time.sleep(seconds - WARM_S)
        passed_s = time.monotonic() - began
        ours_ms = (_cpu_s(made) - before) / (passed_s * FPS) * 1000
        resident, proportional = _memory(made)
        vision = ask(made.control, "status")["components"]["vision"]
    bare_ms = bare(video, "paced").cpu_ms
    figures = vision.get("tracks", 0), vision.get("leads", 0)
    return Result(name, bare_ms, ours_ms, ours_ms / bare_ms, resident, proportional, *figures)


def _sign(folder: Path, station: Path, home: Path) -> Path:
    site = Site(folder)
    photos = [home / "demo" / "photos" / photo.name for photo in LISTED]
    entries = write_entries(site, photos)
    output = folder / "signed.json"
    actions.sign_watchlist(
        station, entries, output, status=Status.EXERCISE, version=1, node="*", allow_empty=False
    )
    return output


def _import(made: Gate, signed: Path) -> None:
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
    photo = cv2.imread(str(home / "demo" / "photos" / VOLUNTEER.name))
    if photo is None:
        raise RuntimeError("the demo's photos are not there")
    walks = [
        Walk(photo.astype(np.uint8), VOLUNTEER.face, start, start + 7.0)
        for start in np.arange(1.0, seconds - 7.0, 9.0).tolist()
    ]
    make_video(path, walks, float(seconds), lambda _: None, size=(1920, 1080), fps=FPS)
    return path


def _processes(made: Gate) -> list[psutil.Process]:
    process = psutil.Process(made.pid("vision"))
    return [process, *process.children(recursive=True)]


def _cpu_s(made: Gate) -> float:
    times = [process.cpu_times() for process in _processes(made)]
    return sum(t.user + t.system for t in times)


def _memory(made: Gate) -> tuple[float, float]:
    resident = sum(process.memory_info().rss for process in _processes(made)) / 1e6
    proportional = sum(process.memory_full_info().pss for process in _processes(made)) / 1e6
    return resident, proportional


if __name__ == "__main__":
    sys.exit(main())
