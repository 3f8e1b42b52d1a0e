"""A gallery of 100,000 templates: one probe beside a plain read of the matrix, and its replacement.

``python -m bench.gallery [--json] [--entries N] [--seconds S]``. The floor is numpy's own reduction
that reads the matrix fastest (the largest value), in turns with one probe (all scores, the best
entry and its margin) and with the four that a track's verdict takes; one thread, least of the runs.
Then the vision program follows a walker at 15 frames a second, and the list it searches is replaced
by one of that size: from the core's first byte until it is searched, and which frames were missed
meanwhile. Exit code 1 when a promise is broken.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.gate import gate
from bench.played import played_core
from bench.scenes import people
from bench.watched import Watched
from models.gallery import Entry, Gallery
from models.manifest import Metric
from models.nearness import Rows
from models.packs import models_dir
from models.purpose import Purpose

DIM = 128
FPS = 15
CEILING_RATIO = 2.0
CEILING_SWAP_S = 1.0
_METRICS: tuple[Metric, ...] = ("euclidean", "cosine")


@dataclass(frozen=True, slots=True)
class Search:
    """One metric; milliseconds, and how many times the floor one probe takes."""

    metric: str
    floor_ms: float
    probe_ms: float
    verdict_ms: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Swap:
    """A replacement in the running program.

    ``longest_gap_ms`` between frames looked at while it lasted, ``usual_gap_ms`` the longest of the
    seconds before; ``missed`` frames of the camera that were not looked at meanwhile.
    """

    seconds: float
    frames: int
    missed: int
    longest_gap_ms: float
    usual_gap_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    entries: int
    searches: tuple[Search, ...]
    swap: Swap

    @property
    def good(self) -> bool:
        """Whether the promises hold."""
        near = all(one.ratio <= CEILING_RATIO for one in self.searches)
        return near and self.swap.seconds < CEILING_SWAP_S and not self.swap.missed


def search(metric: Metric, rows: Rows, runs: int) -> Search:
    """Floor, one probe and one verdict in turns."""
    entries = [Entry(f"w-{n}", False, 1) for n in range(len(rows))]
    gallery = Gallery("bench", metric, entries, rows, Purpose.MEASURE)
    probes = np.ascontiguousarray(rows[:4] + np.float32(0.02))
    flat = rows.ravel()
    works: dict[str, Callable[[], object]] = {
        "floor": flat.max,
        "probe": lambda: gallery.best(gallery.scores(probes[:1], Purpose.MEASURE)[0]),
        "verdict": lambda: [gallery.best(row) for row in gallery.scores(probes, Purpose.MEASURE)],
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            taken[name].append((time.perf_counter() - start) * 1e3)
    floor, probe, verdict = (min(one) for one in taken.values())
    return Search(metric, floor, probe, verdict, probe / floor)


def swap(folder: Path, home: Path, rows: Rows, seconds: int) -> Swap:
    """Replace the gallery of a running program and look at what it saw."""
    video = people(folder / "people.mp4", home, seconds, FPS)
    camera = {"source": {"type": "file", "path": str(video)}, "where": "bench", "name": "bench"}
    sections: dict[str, Any] = {
        "cameras": {"cam": camera | {"fps": float(FPS)}},
        "faces": {"enabled": True},
        "models": {"dir": str(models_dir(home / "models"))},
    }
    with gate(folder / "gate", **sections) as made, played_core(made) as core:
        core.search(rows[:1])
        time.sleep(seconds / 3)
        sent_ns = core.send(core.prepared(rows))
        core.wait()
        time.sleep(1)
    return _judged(core.seen(), sent_ns)


def _judged(watched: Watched, sent_ns: int) -> Swap:
    done_ns = watched.galleries_ns[1]
    before = [f.taken_ns for f in watched.frames if sent_ns - 3_000_000_000 < f.taken_ns <= sent_ns]
    after_ns = done_ns + round(2e9 / FPS)
    meanwhile = [f.taken_ns for f in watched.frames if sent_ns < f.taken_ns <= after_ns]
    gaps = np.diff([before[-1], *meanwhile]) / 1e6
    missed = int(sum(round(gap * FPS / 1e3) - 1 for gap in gaps.tolist()))
    usual = float(np.diff(before).max()) / 1e6
    took_s = (done_ns - sent_ns) / 1e9
    return Swap(took_s, len(meanwhile), max(missed, 0), float(gaps.max()), usual)


def table(figures: Figures) -> str:
    """For people."""
    lines = [f"{figures.entries:,} templates of {DIM} values, one thread, least of the runs"]
    lines += [
        f"  {one.metric:10} read {one.floor_ms:6.2f} ms  one probe {one.probe_ms:6.2f} ms"
        f"  ratio {one.ratio:.2f} (ceiling {CEILING_RATIO:g})"
        f"  a verdict's four {one.verdict_ms:.2f}"
        for one in figures.searches
    ]
    one = figures.swap
    lines.append(
        f"  replaced in {one.seconds:.2f} s (ceiling {CEILING_SWAP_S:g}) while {one.frames} frames"
        f" were looked at, {one.missed} missed; longest gap {one.longest_gap_ms:.0f} ms"
        f" (before {one.usual_gap_ms:.0f})"
    )
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="bench.gallery", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=24)
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    home = Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse").absolute()
    draw = np.random.default_rng(7)
    rows = draw.normal(0, 0.12, (options.entries, DIM)).astype(np.float32)
    searches = tuple(search(metric, rows, options.runs) for metric in _METRICS)
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        swapped = swap(Path(folder), home, rows, options.seconds)
    figures = Figures(options.entries, searches, swapped)
    body = asdict(figures) | {"good": figures.good}
    print(json.dumps(body, indent=1) if options.json else table(figures))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
