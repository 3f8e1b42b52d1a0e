"""Capture processes that hang, die, attack or are left alone: the parent goes on, none is left."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from agent.core.events import CameraState
from agent.core.ids import CameraName
from devices.capture_process import CaptureProcess
from devices.capture_request import request_for
from devices.capture_wire import FrameReady
from tests.tools.capture import Watch, file_camera
from tests.tools.hostile_child import TRICKS
from tests.tools.videos import Videos, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import random, sys, time
from agent.core.ids import CameraName
from devices.camera import Camera
from tests.tools.capture import file_camera
from pathlib import Path
camera = Camera(CameraName("north"), file_camera(Path(sys.argv[1])),
                monotonic_ns=time.monotonic_ns, uniform=random.random)
while not camera.figures().fps:
    camera.poll()
    time.sleep(0.05)
print(camera.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Videos(tmp_path_factory.getbasetemp() / "camera-videos").walker()


def await_gone(pid: int, within_s: float) -> None:
    end_s = time.monotonic() + within_s
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end_s, f"process {pid} lives on"
        time.sleep(0.02)


def test_a_child_that_hangs_is_killed_and_started_again(walker: Path) -> None:
    with Watch(file_camera(walker, stall_s=2.0)) as watch:
        watch.until(lambda: watch.frames, 10)
        first = watch.pid
        os.kill(first, signal.SIGSTOP)
        stopped_s = time.monotonic()
        watch.until_state(CameraState.LOST, 5)
        watch.until(lambda: watch.camera.pid not in {None, first}, 5)
        assert time.monotonic() - stopped_s < 5
        assert watch.camera.figures().restarts == 1
        assert not psutil.pid_exists(first)
        seen = len(watch.frames)
        watch.until(lambda: len(watch.frames) > seen, 5)


def test_a_child_that_dies_is_started_again_before_anybody_misses_it(walker: Path) -> None:
    with Watch(file_camera(walker)) as watch:
        watch.until_state(CameraState.OK, 20)  # told by the beat that follows the first picture
        for _ in range(2):
            pid, seen = watch.pid, len(watch.frames)
            os.kill(pid, signal.SIGKILL)
            watch.until(lambda: watch.camera.pid is None, 5)
            assert watch.camera.figures().reason == "the capture was ended by SIGKILL"
            watch.until(lambda: len(watch.frames) > seen, 10)  # noqa: B023
        assert watch.states == [CameraState.OK]
        assert watch.camera.figures().restarts == 2


def test_a_child_dies_with_its_parent_even_when_it_hangs(walker: Path) -> None:
    for stopped in (False, True):
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(walker)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        with parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            if stopped:
                os.kill(child, signal.SIGSTOP)
            parent.kill()
        await_gone(child, 3)


def test_a_closed_camera_leaves_no_process(walker: Path) -> None:
    with Watch(file_camera(walker)) as watch:
        watch.until(lambda: watch.frames, 10)
        pid = watch.pid
    assert not psutil.pid_exists(pid)


def test_twenty_restarts_leak_nothing(walker: Path) -> None:
    request = request_for(file_camera(walker))

    def cycle() -> None:
        process = CaptureProcess(CameraName("north"), request)
        frame = None
        while frame is None:
            for report in process.hear():
                if isinstance(report, FrameReady):
                    frame = process.frame(report)
            time.sleep(0.01)
        process.kill()
        assert process.wait(5)
        process.close()
        frame.release()

    def weight() -> tuple[int, int, int]:
        gc.collect()
        this = psutil.Process()
        return this.num_fds(), len(this.memory_maps(grouped=False)), this.memory_info().rss

    cycle()
    descriptors, maps, rss = weight()
    for _ in range(20):
        cycle()
    assert weight()[0] == descriptors
    assert weight()[1] <= maps + 2
    assert weight()[2] <= rss + 4 * 1024 * 1024


def test_a_slow_consumer_gets_fresh_frames_and_no_queue(walker: Path) -> None:
    with Watch(file_camera(walker, fps=10.0)) as watch:
        watch.until(lambda: watch.frames, 10)
        begun = len(watch.frames)
        for _ in range(3):
            time.sleep(0.7)  # the detector is at work: that is what is tested
            before = len(watch.frames)
            watch.until(lambda: len(watch.frames) > before, 2)  # noqa: B023 - called in this turn
        late = watch.frames[begun:]
    assert max(frame.age_s for frame in late) <= 0.55
    assert [frame.seq for frame in late] == sorted({frame.seq for frame in late})


def test_frames_that_are_held_stop_the_flow_and_nothing_else(walker: Path) -> None:
    with Watch(file_camera(walker)) as watch:
        watch.keep = True
        watch.until(lambda: watch.kept, 10)
        watch.during(1.5)
        assert len(watch.kept) == 1
        held = watch.kept[0].pixels.copy()
        assert watch.camera.figures().looked_fps > 4
        assert (watch.kept[0].pixels == held).all()
        watch.keep = False
        watch.kept[0].release()
        watch.until(lambda: len(watch.frames) >= 3, 2)


def test_a_child_is_confined_and_light(walker: Path) -> None:
    with Watch(file_camera(walker)) as watch:
        watch.until(lambda: watch.camera.figures().fps, 10)
        confined = watch.camera.figures().confined.split()
        status = Path(f"/proc/{watch.pid}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        child = psutil.Process(watch.pid)
        limits = Path(f"/proc/{watch.pid}/limits").read_text(encoding="utf-8")
        assert fields["NoNewPrivs"] == "1"
        assert "seccomp" not in confined or fields["Seccomp"] == "2"
        assert int(fields["Threads"]) == 1
        assert int(fields["VmRSS"].split()[0]) < 70 * 1024
        assert child.nice() >= min(os.nice(0) + 5, 19)
        assert child.num_fds() <= 10
        for name in ("Max core file size", "Max file size"):
            (line,) = [line for line in limits.splitlines() if line.startswith(name)]
            assert line.split()[-3:-1] == ["0", "0"]


SABOTAGE: dict[str, str] = {
    "start a program": "os.execv('/bin/sh', ['sh', '-c', 'echo done'])",
    "make a process": "os.fork() or os._exit(0)",
    "open a socket": "socket.socket()",
    "write a file": "open(sys.argv[1], 'w')",
    "read a file": "open('/etc/passwd')",
    "list a folder": "os.listdir('/etc')",
    "remove a file": "os.unlink(sys.argv[1])",
    "signal its parent": "os.kill(os.getppid(), 0)",
    "look into its parent": "open(f'/proc/{os.getppid()}/maps')",
}
SABOTEUR = """
import os, socket, sys
from devices.capture_wire import SourceRequest
from devices.confine import lock_down, lower
if sys.argv[2] == "confined":
    lower(os.getppid())
    print(lock_down(SourceRequest("file", sys.argv[1])), flush=True)
try:
    {attempt}
except OSError:
    print("refused", flush=True)
else:
    print("done", flush=True)
"""


@pytest.mark.parametrize("attempt", list(SABOTAGE))
def test_what_a_confined_process_cannot_do_and_another_can(attempt: str, tmp_path: Path) -> None:
    video = tmp_path / "video"
    video.touch()

    def outcome(how: str) -> list[str]:
        script = SABOTEUR.format(attempt=SABOTAGE[attempt])
        result = subprocess.run(
            [sys.executable, "-c", script, str(video), how],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return result.stdout.split()

    *held, last = outcome("confined")
    if held != ["landlock", "seccomp"]:
        pytest.skip(f"this kernel holds only {held}")
    assert last == "refused"
    assert outcome("free") == ["done"]


@pytest.mark.parametrize("trick", list(TRICKS))
def test_a_hostile_child_is_killed_and_costs_nobody_else(
    trick: str, walker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.capture_process.MODULE", "tests.tools.hostile_child")
    with Watch(file_camera(walker, stall_s=2.0), name=trick) as watch:
        watch.until(lambda: watch.camera.pid, 5)
        first = watch.pid
        slowest_s = 0.0

        def replaced() -> bool:
            nonlocal slowest_s
            begun_s = time.perf_counter()
            watch.poll()
            slowest_s = max(slowest_s, time.perf_counter() - begun_s)
            return watch.camera.figures().restarts > 0

        watch.until(replaced, 6)
        assert not psutil.pid_exists(first)
        assert slowest_s < 0.25
        assert "\n" not in watch.camera.figures().reason
        if trick == "shrink":
            assert watch.camera.figures().reason == "the capture ended with exit status 77"
