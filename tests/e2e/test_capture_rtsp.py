"""Network cameras: real RTSP over TCP, a login that shows nowhere, and every way to misbehave."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.core.events import CameraState
from tests.tools import rtsp, videos
from tests.tools.capture import Watch, rtsp_camera, until
from tests.tools.rtsp import RtspCamera
from tests.tools.videos import Videos

MISSING = videos.missing() or rtsp.missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

USER, SECRET = "gate viewer", "s3cr:t@/?#%41"
ENCODED = "s3cr%3At%40%2F%3F%23%2541"


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Videos(tmp_path_factory.getbasetemp() / "camera-videos").walker(seconds=25)


@pytest.fixture
def login(tmp_path: Path) -> tuple[str, Path]:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n", encoding="utf-8")
    return USER, file


def laid_open(pid: int) -> str:
    """What other processes of this user may read about a process."""
    process = Path(f"/proc/{pid}")
    names = ("cmdline", "environ", "comm", "status", "maps")
    return "".join((process / name).read_bytes().decode("utf-8", "replace") for name in names)


def test_frames_arrive_with_a_login_that_shows_nowhere(
    walker: Path, login: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with RtspCamera(walker, user=USER, password=SECRET) as camera:
        with Watch(rtsp_camera(camera.url, login)) as watch:
            watch.until(lambda: len(watch.frames) >= 5, 15)
            told = laid_open(watch.pid)
            assert watch.states == [CameraState.OK]
            assert watch.frames[-1].age_s < 0.3
            told += repr(watch.camera.figures())
        login[1].write_text("wrong", encoding="utf-8")
        with Watch(rtsp_camera(camera.url, login)) as watch:
            verdict = watch.until_state(CameraState.LOST, 6)
            told += repr(watch.verdicts) + repr(watch.camera.figures())
            assert watch.camera.figures().restarts == 0, "a login is not tried again at once"
    assert verdict.reason == "no picture for 2 s: the camera refuses the user name or password"
    told += caplog.text
    assert "devices.capture_child" in told
    assert SECRET not in told
    assert ENCODED not in told


def test_cameras_that_stop_go_away_or_send_garbage_are_back_soon_after(walker: Path) -> None:
    """Three at once: none holds up another."""
    with ExitStack() as stack:
        servers = [stack.enter_context(RtspCamera(walker)) for _ in range(3)]
        stops, goes, spoils = servers
        cameras = [stack.enter_context(Watch(rtsp_camera(server.url))) for server in servers]
        stopped, gone, spoilt = cameras
        until(cameras, lambda: all(watch.frames for watch in cameras), 15)
        begun_s = time.monotonic()
        stops.mode("hold")
        goes.mode("refuse")
        spoils.mode("garbage")
        lost = CameraState.LOST
        until(cameras, lambda: stopped.camera.state is lost and gone.camera.state is lost, 6)
        assert time.monotonic() - begun_s < 3.5
        until(cameras, lambda: spoilt.camera.figures().broken_frames >= 3, 15)
        for server in servers:
            server.mode("pass")
        returned_s = time.monotonic()
        until(cameras, lambda: all(watch.camera.state is CameraState.OK for watch in cameras), 15)
        assert time.monotonic() - returned_s < 15
        seen = [len(watch.frames) for watch in cameras]
        until(
            cameras,
            lambda: all(len(w.frames) > n for w, n in zip(cameras, seen, strict=True)),
            8,
        )


def test_cameras_that_are_silent_refuse_or_know_no_such_stream(walker: Path) -> None:
    with ExitStack() as stack:
        mute, off, lost = (stack.enter_context(RtspCamera(walker)) for _ in range(3))
        mute.mode("silent")
        off.mode("refuse")
        urls = [mute.url, off.url, lost.url + "/nothing"]
        silent, refused, unknown = (
            stack.enter_context(Watch(rtsp_camera(url, open_timeout_s=1.0))) for url in urls
        )
        cameras = [silent, refused, unknown]
        until(cameras, lambda: all(watch.states for watch in cameras), 8)
        until(cameras, lambda: "answer" in silent.camera.figures().reason, 8)
        until(cameras, lambda: "no stream" in unknown.camera.figures().reason, 8)
        assert all(watch.states == [CameraState.LOST] for watch in cameras)
        assert "Connection refused" in refused.camera.figures().reason
        assert "the camera has no stream at this path" in unknown.camera.figures().reason
