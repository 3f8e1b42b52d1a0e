"""Cameras that play real files: what is delivered, what is masked, what is judged."""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.core.events import CameraState
from tests.tools.capture import Watch, file_camera, until
from tests.tools.videos import Videos, annex_b, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
FULL = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
UPPER = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.25], [0.0, 0.25]]
LOWER = [[0.0, 0.25], [1.0, 0.25], [1.0, 1.0], [0.0, 1.0]]
WILD = random.Random(5)  # noqa: S311 - the same garbage every time


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    return Videos(tmp_path_factory.getbasetemp() / "camera-videos")


def test_a_walker_is_delivered_fresh_and_within_the_budget(videos: Videos) -> None:
    """From a file of one second that is looped, in one process."""
    short = videos.walker(seconds=1, period_s=1)
    with Watch(file_camera(short, fps=5.0)) as watch:
        watch.until_state(CameraState.OK, 10)
        pid = watch.pid
        frames = watch.during(3)
        assert watch.pid == pid
        assert 10 <= len(frames) <= 17
        assert all(frame.size == (640, 360) for frame in frames)
        assert max(frame.age_s for frame in frames) < 0.4
        assert max(frame.share for frame in frames) > 0.01
        figures = watch.camera.figures()
    assert figures.fps == pytest.approx(25, abs=2)
    assert figures.looked_fps == pytest.approx(5, abs=0.6)
    assert (figures.width, figures.height, figures.broken_frames) == (640, 360, 0)


def test_a_static_noisy_scene_is_delivered_at_its_start_and_when_it_is_attended(
    videos: Videos,
) -> None:
    with Watch(file_camera(videos.noisy())) as watch:
        watch.until(lambda: watch.frames, 10)
        watch.during(0.8)
        assert watch.during(2.5) == []
        assert watch.camera.figures().looked_fps > 1.5
        assert watch.camera.state is CameraState.OK
        watch.camera.attend(1.0)
        assert len(watch.during(1.2)) >= 4
        assert watch.during(1) == []


def test_the_mask_comes_before_everything_else(videos: Videos) -> None:
    """Three cameras at once: masked above, masked where the walker is, masked wholly."""
    with ExitStack() as stack:
        above, behind, wholly = (
            stack.enter_context(Watch(file_camera(videos.walker(), mask=[mask])))
            for mask in (UPPER, LOWER, FULL)
        )
        cameras = [above, behind, wholly]
        until(cameras, lambda: all(watch.frames for watch in cameras), 10)
        until(cameras, lambda: len(above.frames) >= 18, 10)
        assert behind.camera.state is CameraState.OK
    for frame in above.frames:
        assert not frame.pixels[: 90 // 4].any()
        assert frame.pixels[100 // 4 :].mean() > 50
    for frame in behind.frames:
        assert not frame.pixels[92 // 4 :].any()
    assert not any(frame.pixels.any() for frame in wholly.frames)
    for watch in (behind, wholly):
        assert watch.frames[-1].at_s - watch.frames[0].at_s < 1.2, "motion behind the mask"


def test_cameras_that_are_frozen_dark_lost_done_and_well_side_by_side(
    videos: Videos, tmp_path: Path
) -> None:
    paper, noise, nothing = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"
    paper.write_bytes(b"%PDF-1.7 not a video at all\n" * 500)
    noise.write_bytes(WILD.randbytes(200_000))
    nothing.touch()
    with ExitStack() as stack:

        def camera(path: Path, **changes: Any) -> Watch:
            return stack.enter_context(Watch(file_camera(path, **changes)))

        frozen = camera(videos.still(), frozen_s=5.0)
        dark = camera(videos.dark(), dark_s=5.0)
        bad = [camera(path, stall_s=2.0) for path in (paper, noise, nothing, tmp_path / "d.mp4")]
        well = camera(videos.walker())
        done = camera(videos.walker(seconds=1, period_s=1), loop=False, stall_s=2.0)
        cameras = [frozen, dark, *bad, well, done]
        until(cameras, lambda: frozen.camera.state is CameraState.OK, 10)
        first = frozen.pid
        until(cameras, lambda: frozen.camera.state is CameraState.FROZEN, 9)
        until(cameras, lambda: frozen.camera.pid not in {None, first}, 5)
        until(cameras, lambda: frozen.camera.figures().fps and dark.camera.state, 9)
        assert frozen.states == [CameraState.OK, CameraState.FROZEN]
        assert dark.states == [CameraState.DARK]
        assert all(watch.states == [CameraState.LOST] for watch in bad)
        assert well.states == [CameraState.OK]
        assert done.camera.finished
        assert done.camera.pid is None
        assert done.states == [CameraState.OK], "a file at its end is no lost camera"
        assert len(well.frames) > 25
        assert max(frame.age_s for frame in well.frames) < 0.5
    assert frozen.verdicts[-1].reason == "the same picture for 5 s"
    assert dark.verdicts[-1].reason == "dark for 5 s"
    reasons = [watch.camera.figures().reason for watch in bad]
    assert all("the file is no complete video" in reason for reason in reasons[:3])
    assert "d.mp4: No such file or directory" in reasons[3]


def test_four_megapixels_and_more_are_delivered_whole_and_above_4k_refused(
    videos: Videos,
) -> None:
    large = videos.walker(size="2688x1520", seconds=0.4)
    larger = videos.noisy(size="4352x2304", seconds=0.08, noise=0)
    with (
        Watch(file_camera(large)) as four,
        Watch(file_camera(larger, stall_s=2.0)) as more,
    ):
        until([four, more], lambda: four.frames and more.states, 10)
    assert four.frames[0].size == (2688, 1520)
    assert four.frames[0].pixels.shape == (380, 672, 3)
    assert more.states == [CameraState.LOST]
    assert "4352x2304 is larger than 4096x2160" in more.verdicts[-1].reason


def test_a_change_of_size_and_a_tenfold_bit_rate_are_survived(
    videos: Videos, tmp_path: Path
) -> None:
    small = videos.walker(seconds=1)
    large = videos.walker(size="1280x720", seconds=1, noise=60)
    parts = [annex_b(part) for part in (small, large, small, large)]
    assert len(parts[1]) > 10 * len(parts[0])
    stream = tmp_path / "changing.h264"
    stream.write_bytes(b"".join(parts))
    with Watch(file_camera(stream)) as watch:
        watch.until(lambda: watch.frames, 10)
        pid = watch.pid
        frames = watch.during(3.2)
        assert watch.pid == pid
        assert len(frames) > 9
        assert watch.states == [CameraState.OK]
    assert all(40 < frame.pixels.mean() < 200 for frame in frames)


def test_broken_frames_are_counted_and_survived(videos: Videos, tmp_path: Path) -> None:
    data = bytearray(annex_b(videos.walker()))
    for _ in range(1000):
        data[WILD.randrange(4000, len(data))] ^= WILD.randrange(1, 256)
    stream = tmp_path / "broken.h264"
    stream.write_bytes(bytes(data))
    with Watch(file_camera(stream)) as watch:
        watch.until(lambda: watch.camera.figures().broken_frames >= 5, 15)
        watch.until(lambda: len(watch.frames) >= 5, 10)
        assert CameraState.LOST not in watch.states


def test_real_videos_are_delivered() -> None:
    names = ["intel/car-detection.mp4", "face_recognition/short_hamilton_clip.mp4"]
    if not all((REAL / name).exists() for name in names):
        pytest.skip(f"no {names} in {REAL}")
    with Watch(file_camera(REAL / names[0])) as cars, Watch(file_camera(REAL / names[1])) as play:
        until([cars, play], lambda: min(len(cars.frames), len(play.frames)) >= 6, 10)
        assert cars.states == play.states == [CameraState.OK]
    means = [float(np.mean(frame.pixels)) for frame in cars.frames + play.frames]
    assert all(mean > 5 for mean in means)
