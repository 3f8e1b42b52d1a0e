"""Four cameras of 1080p at 15 frames a second on one gate, people in two of them.

``python -m bench.cameras [--json] [--seconds S] [--presses N]``. The real agent and the vision
program with all of it on: latency from a frame's capture to the end of its face work, frames looked
at of each camera, templates made, CPU of vision and its captures, and presses beside it, in turns
with the least that any agent does (as ``bench.press``), first without vision. Exit code 1 when the
95th percentile of the latency passes 250 ms, when vision takes more than two cores, when an empty
camera costs face work, or when a press slows down.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import press
from bench.gate import gate, wait_linked
from bench.played import watched
from bench.scenes import people
from bench.vision import cpu_s, import_list, sign
from bench.watched import Watched, read
from models.packs import models_dir
from provisioning.demo.video import make_video
from station import keys

FPS = 15
CEILING_P95_MS = 250.0
CEILING_CORES = 2.0
CEILING_PRESS = 2.0
WARM_S = 6.0
_EMPTY_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Seen:
    """One camera: frames looked at a second, faces found and templates made in them."""

    looked_fps: float
    faces: int
    embedded: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; latency in ms, ``cores`` of vision and its captures together."""

    p50_ms: float
    p95_ms: float
    worst_ms: float
    cores: float
    cameras: dict[str, Seen]
    embedded_share: float
    alone: press.Result
    beside: press.Result

    @property
    def good(self) -> bool:
        """Whether the promises hold."""
        busy = min(one.looked_fps for one in self.cameras.values() if one.faces)
        idle = max((one.looked_fps for one in self.cameras.values() if not one.faces), default=0.0)
        panic = self.beside.ratio <= CEILING_PRESS
        latency = self.p95_ms <= CEILING_P95_MS and self.cores <= CEILING_CORES
        return latency and panic and idle <= busy * _EMPTY_SHARE


def measure(folder: Path, home: Path, seconds: int, presses: int) -> Figures:
    """Everything, once."""
    empty = folder / "empty.mp4"
    make_video(empty, [], float(seconds), lambda _: None, size=(1920, 1080), fps=FPS)
    walkers = people(folder / "people.mp4", home, seconds, FPS)
    files = {"north": walkers, "south": walkers, "east": empty, "west": empty}
    cameras = {
        name: {
            "source": {"type": "file", "path": str(file)},
            "where": "bench",
            "name": "bench",
            "fps": float(FPS),
        }
        for name, file in files.items()
    }
    station = folder / "station"
    keys.init(station, "bench", "bench")
    signed = sign(folder, station, home)
    sections: dict[str, Any] = {
        "cameras": cameras,
        "faces": {"enabled": True},
        "models": {"dir": str(models_dir(home / "models"))},
    }
    trusted = station / "trusted-keys.json"
    with gate(folder / "gate", trusted_keys=trusted, **sections) as made:
        made.start("agent", "run")
        wait_linked(made)
        alone = press.race(made, presses, "without vision", 0.0)
        result = folder / "seen.json"
        child = watched(made, result)
        import_list(made, signed)
        time.sleep(WARM_S)
        begun_ns, used_s = time.monotonic_ns(), cpu_s(made)
        beside = press.race(made, presses, "beside it", 0.0)
        time.sleep(max(seconds - (time.monotonic_ns() - begun_ns) / 1e9, 0))
        ended_ns = time.monotonic_ns()
        cores = (cpu_s(made) - used_s) / ((ended_ns - begun_ns) / 1e9)
        child.stop()
    return _judged(read(result), list(files), begun_ns, ended_ns, cores, alone, beside)


def _judged(
    watched: Watched,
    names: list[str],
    begun_ns: int,
    ended_ns: int,
    cores: float,
    alone: press.Result,
    beside: press.Result,
) -> Figures:
    frames = [one for one in watched.frames if begun_ns <= one.taken_ns <= ended_ns]
    latencies = [one.latency_ms for one in frames]
    passed_s = (ended_ns - begun_ns) / 1e9
    looked = Counter(one.camera for one in frames)
    cameras = {
        name: Seen(
            looked[name] / passed_s,
            sum(one.found for one in frames if one.camera == name),
            sum(one.embedded for one in frames if one.camera == name),
        )
        for name in names
    }
    found = sum(one.faces for one in cameras.values())
    made = sum(one.embedded for one in cameras.values())
    cuts = statistics.quantiles(latencies, n=100)
    return Figures(
        cuts[49], cuts[94], max(latencies), cores, cameras, made / max(found, 1), alone, beside
    )


def table(figures: Figures) -> str:
    """For people."""
    lines = [f"four cameras of 1080p at {FPS} frames a second, load {os.getloadavg()[0]:.1f}"]
    lines.append(
        f"  latency p50 {figures.p50_ms:.0f} ms, p95 {figures.p95_ms:.0f} ms"
        f" (ceiling {CEILING_P95_MS:.0f}), worst {figures.worst_ms:.0f} ms;"
        f" vision takes {figures.cores:.2f} cores"
    )
    lines += [
        f"  {name:6} looked at {one.looked_fps:4.1f}/s, {one.faces} faces, {one.embedded} templates"
        for name, one in figures.cameras.items()
    ]
    lines.append(f"  a template for {figures.embedded_share:.0%} of the faces found")
    return "\n".join([*lines, press.table([figures.alone, figures.beside])])


def main() -> int:
    """Measure and print; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="bench.cameras", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--presses", type=int, default=100)
    options = parser.parse_args()
    home = Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse").absolute()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        os.chdir(folder)
        figures = measure(Path(folder), home, options.seconds, options.presses)
    body = asdict(figures) | {"good": figures.good}
    print(json.dumps(body, indent=1) if options.json else table(figures))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
