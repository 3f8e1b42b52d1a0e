"""One camera's cost: the capture child beside a bare decode of the same file, in turns.

``python -m bench.camera [--json] [--check] [--seconds S] [--rounds N]``. Scenes are 1080p H.264 at
25 frames a second and 4 Mbit/s, made with ffmpeg: noise in which nothing moves, and a walker. The
bare decode only grabs, in one thread, at the pace of the file, as frames of a camera come; how much
less it takes flat out, with warm caches, is printed beside it. Both are counted in CPU time of the
process from the first frame to the last, loading left out. ``--check`` fails (exit 1) when an empty
scene costs more than 1.3 times the bare decode or the child's resident memory passes 90 MB.
"""

from __future__ import annotations

import argparse
import json
import select
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from agent.config.schema.vision import Camera as CameraConfig
from agent.core.ids import CameraName
from devices.camera import Camera

CEILING_RATIO = 1.3
CEILING_RESIDENT_MB = 90.0
SIZE = "1920x1080"
FPS = 25
_MB = 1024 * 1024
_ENCODE = (
    *("-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "50", "-bf", "0"),
    *("-pix_fmt", "yuv420p"),
)
_NOISE = "noise=alls=12:allf=t"
_WALK = f"[0][1]overlay=x='mod(t,8)/8*W':y=400:shortest=0,{_NOISE}"
_BARE = """
import json, sys, time
import cv2
cv2.setNumThreads(1)
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
paced, frames = sys.argv[2] == "paced", 1
capture.grab()
cpu, start = time.process_time(), time.monotonic()
while capture.grab():
    if paced:
        time.sleep(max(start + frames / 25 - time.monotonic(), 0))
    frames += 1
cpu = time.process_time() - cpu
status = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
print(json.dumps({"ms": cpu / (frames - 1) * 1000, "mb": int(status) / 1024}))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """One process on one scene: CPU milliseconds a frame, most resident memory."""

    cpu_ms: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Child:
    """A capture child: its cost, what of its memory is its own (None: not told), what it did."""

    cost: Cost
    unique_mb: float | None
    grabbed: int
    looked: int
    sent: int
    age_ms: float


@dataclass(frozen=True, slots=True)
class Result:
    """Everything about one scene; ratios are to the bare decode, paced and flat out."""

    scene: str
    bare: Cost
    flat_out: Cost
    child: Child
    ratio: float
    ratio_flat_out: float


def make(folder: Path, seconds: int) -> dict[str, Path]:
    """The scenes as files."""
    picture = folder / "scene.png"
    _ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={SIZE}:r=1:d=1", "-frames:v", "1", str(picture))
    still = ("-loop", "1", "-framerate", str(FPS), "-i", str(picture))
    shape = ("-f", "lavfi", "-i", f"color=c=0x302018:s=160x500:r={FPS}")
    length = ("-t", str(seconds))
    empty, walker = folder / "empty.mp4", folder / "walker.mp4"
    _ffmpeg(*still, *length, "-vf", _NOISE, *_ENCODE, str(empty))
    _ffmpeg(*still, *shape, *length, "-filter_complex", _WALK, *_ENCODE, str(walker))
    return {"empty": empty, "walker": walker}


def bare(video: Path, pace: str) -> Cost:
    """A process that grabs and does nothing else."""
    command = [sys.executable, "-c", _BARE, str(video), pace]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
    body = json.loads(told)
    return Cost(body["ms"], body["mb"])


def child(video: Path, seconds: int) -> Child:
    """The capture child on the same file; frames are taken and given back at once."""
    source = {"type": "file", "path": str(video), "loop": False}
    config = CameraConfig.model_validate({"source": source, "where": "bench", "name": "bench"})
    name = CameraName("bench")
    camera = Camera(name, config, monotonic_ns=time.monotonic_ns, uniform=lambda: 0.0)
    ages_ms: list[float] = []
    marks: list[tuple[float, int]] = []
    resident_mb, unique_mb = 0.0, None
    end_s = time.monotonic() + seconds + 30
    while not camera.finished and time.monotonic() < end_s:
        select.select([camera], [], [], min(camera.wait_s(), 0.5))
        frame = camera.poll().frame
        if frame is not None:
            ages_ms.append((time.monotonic_ns() - frame.monotonic_ns) / 1e6)
            frame.release()
        grabbed = camera.figures().grabbed
        if camera.pid is not None and grabbed > (marks[-1][1] if marks else 0):
            times = psutil.Process(camera.pid).cpu_times()
            marks.append((times.user + times.system, grabbed))
            resident_mb, unique_mb = _memory(camera.pid)
    figures = camera.figures()
    camera.close()
    (first_s, begun), (last_s, ended) = marks[0], marks[-1]
    cost = Cost((last_s - first_s) / max(ended - begun, 1) * 1000, resident_mb)
    age_ms = statistics.median(ages_ms)
    return Child(cost, unique_mb, figures.grabbed, figures.looked, figures.sent, age_ms)


def measure(scene: str, video: Path, seconds: int, rounds: int) -> Result:
    """Bare and child in turns, *rounds* times; the medians."""
    bares, flats, children = [], [], []
    for _ in range(rounds):
        bares.append(bare(video, "paced"))
        children.append(child(video, seconds))
        flats.append(bare(video, "flat"))
    paced, flat = _median(bares), _median(flats)
    ours = sorted(children, key=lambda one: one.cost.cpu_ms)[len(children) // 2]
    return Result(
        scene=scene,
        bare=paced,
        flat_out=flat,
        child=ours,
        ratio=ours.cost.cpu_ms / paced.cpu_ms,
        ratio_flat_out=ours.cost.cpu_ms / flat.cpu_ms,
    )


def table(results: list[Result]) -> str:
    """For people."""
    head = (
        f"{'scene':8}{'process':12}{'CPU ms/frame':>13}{'ratio':>7}{'resident MB':>13}{'own MB':>8}"
    )
    lines = [f"1080p H.264, {FPS} frames a second, budget 5 looks a second", head]
    for result in results:
        ours = result.child
        own = "" if ours.unique_mb is None else f"{ours.unique_mb:.1f}"
        rows = [
            ("bare decode", result.bare, 1.0, ""),
            ("flat out", result.flat_out, result.flat_out.cpu_ms / result.bare.cpu_ms, ""),
            ("capture", ours.cost, result.ratio, own),
        ]
        for name, cost, ratio, unique in rows:
            figures = f"{cost.cpu_ms:13.2f}{ratio:7.2f}{cost.resident_mb:13.1f}{unique:>8}"
            lines.append(f"{result.scene:8}{name:12}{figures}")
        counts = f"grabbed {ours.grabbed}, looked {ours.looked}, sent {ours.sent}"
        lines.append(f"{'':8}{counts}, median age when polled {ours.age_ms:.1f} ms")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.camera", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        scenes = make(Path(folder), options.seconds)
        results = [
            measure(name, video, options.seconds, options.rounds) for name, video in scenes.items()
        ]
    told = [asdict(result) for result in results]
    print(json.dumps(told, indent=1) if options.json else table(results))
    heaviest_mb = max(result.child.cost.resident_mb for result in results)
    good = results[0].ratio <= CEILING_RATIO and heaviest_mb <= CEILING_RESIDENT_MB
    return 0 if good or not options.check else 1


def _memory(pid: int) -> tuple[float, float | None]:
    """Most resident memory so far, and what is the process's own (root may ask), in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    resident_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    try:
        return resident_mb, psutil.Process(pid).memory_full_info().uss / _MB
    except psutil.AccessDenied:
        return resident_mb, None


def _median(costs: list[Cost]) -> Cost:
    cpu_ms = statistics.median(cost.cpu_ms for cost in costs)
    return Cost(cpu_ms, statistics.median(cost.resident_mb for cost in costs))


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, timeout=600)


if __name__ == "__main__":
    sys.exit(main())
