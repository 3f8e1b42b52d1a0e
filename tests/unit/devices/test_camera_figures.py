"""A camera's figures over the beats of one capture after another."""

from __future__ import annotations

from dataclasses import replace

from agent.core.events import CameraState
from devices.camera_figures import Tally
from devices.capture_wire import Beat

BEAT = Beat(0, 0, 0, 0, 1280, 720, luma=99, spread=30, detail=3, still_s=0.2, behind_s=0)


def test_without_a_beat_everything_is_zero() -> None:
    figures = Tally().figures(None, "starting", 0)
    assert (figures.fps, figures.width, figures.broken_frames) == (0, 0, 0)
    assert figures.reason == "starting"


def test_rates_are_those_of_the_last_seconds() -> None:
    tally = Tally()
    for second in range(30):
        fps = 25 if second < 20 else 10
        grabbed = 25 * min(second, 20) + fps * max(second - 20, 0)
        tally.beat(replace(BEAT, grabbed=grabbed, looked=second * 5), float(second))
    figures = tally.figures(CameraState.OK, "", 0)
    assert (figures.fps, figures.looked_fps) == (10, 5)
    assert (figures.width, figures.height) == (1280, 720)


def test_counts_go_on_over_restarts() -> None:
    tally = Tally()
    tally.loaded("seccomp")
    tally.beat(replace(BEAT, grabbed=100, sent=9, broken=3), 1.0)
    tally.restarted()
    assert tally.figures(CameraState.LOST, "", 1).confined == ""
    tally.beat(replace(BEAT, grabbed=5, sent=1, broken=2), 20.0)
    figures = tally.figures(CameraState.OK, "", 1)
    assert (figures.sent, figures.broken_frames, figures.restarts) == (10, 5, 1)
    assert figures.fps == 0
