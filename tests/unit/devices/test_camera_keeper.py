"""When a capture is started, killed and started again; no process, no waiting."""

from __future__ import annotations

import math

import pytest

from devices.capture_keeper import TRANSITIONS, CaptureKeeper, Happening, Patience, Phase
from devices.capture_wire import Cause

PATIENCE = Patience(load_s=20, open_s=25, run_s=10, steady_s=20)


def keeper(uniform: float = 0.999) -> CaptureKeeper:
    return CaptureKeeper(PATIENCE, lambda: uniform, 0.0)


def running(now_s: float = 0.0) -> CaptureKeeper:
    ready = keeper()
    ready.started(now_s)
    ready.loaded(now_s)
    ready.beat(now_s)
    return ready


def test_the_first_start_is_due_at_once() -> None:
    assert keeper().start_is_due(0.0)


@pytest.mark.parametrize(
    ("steps", "patience_s"), [((), 20.0), (("loaded",), 25.0), (("loaded", "beat"), 10.0)]
)
def test_silence_is_borne_for_a_time_in_every_phase(
    steps: tuple[str, ...], patience_s: float
) -> None:
    ready = keeper()
    ready.started(100.0)
    for step in steps:
        getattr(ready, step)(100.0)
    assert ready.due_s() == 100 + patience_s
    assert not ready.kill_is_due(100 + patience_s - 0.01)
    assert ready.kill_is_due(100 + patience_s)


def test_a_beat_buys_time() -> None:
    ready = running()
    for second in range(1, 100):
        ready.beat(float(second))
        assert not ready.kill_is_due(second + 9.9)


def test_nothing_is_due_while_a_killed_capture_is_not_buried() -> None:
    ready = running()
    ready.killed()
    assert ready.phase is Phase.DYING
    assert ready.due_s() == math.inf
    assert not ready.start_is_due(1e9)
    assert not ready.kill_is_due(1e9)


def test_waiting_grows_up_to_ten_seconds() -> None:
    ready, now_s, waits = keeper(), 0.0, []
    for _ in range(8):
        ready.started(now_s)
        ready.gone(now_s, Cause.UNREACHABLE)
        waits.append(ready.due_s() - now_s)
        now_s = ready.due_s()
    assert waits == pytest.approx([1, 2, 4, 8, 10, 10, 10, 10], rel=0.01)


def test_waiting_is_jittered() -> None:
    waits = []
    for uniform in (0.0, 0.5, 0.99):
        ready = keeper(uniform)
        ready.started(0.0)
        ready.gone(0.0, None)
        waits.append(ready.due_s())
    assert waits == pytest.approx([0.5, 0.75, 0.995])


@pytest.mark.parametrize("cause", [Cause.LOGIN, Cause.TOO_LARGE, Cause.NOT_VIDEO])
def test_what_only_a_person_can_put_right_is_tried_seldom(cause: Cause) -> None:
    ready, now_s, waits = keeper(), 0.0, []
    for _ in range(6):
        ready.started(now_s)
        ready.gone(now_s, cause)
        waits.append(ready.due_s() - now_s)
        now_s = ready.due_s()
    assert waits == pytest.approx([30, 60, 120, 240, 300, 300], rel=0.01)


def test_only_a_capture_that_ran_for_a_while_is_a_success() -> None:
    ready, now_s = keeper(), 0.0
    for _ in range(5):
        ready.started(now_s)
        ready.loaded(now_s)
        ready.beat(now_s)
        ready.beat(now_s + 5)
        ready.gone(now_s + 5, Cause.BROKEN)
        now_s = ready.due_s()
    assert ready.due_s() - now_s == 0
    ready.started(now_s)
    ready.loaded(now_s)
    for second in range(21):
        ready.beat(now_s + second)
    ready.gone(now_s + 21, Cause.BROKEN)
    assert ready.due_s() - (now_s + 21) == pytest.approx(1, rel=0.01)


def test_restarts_are_counted() -> None:
    ready = running()
    assert ready.restarts == 0
    ready.gone(5.0, None)
    ready.started(6.0)
    assert ready.restarts == 1


def test_a_start_that_fails_is_tried_again() -> None:
    ready = keeper()
    ready.gone(0.0, None)
    assert not ready.start_is_due(0.5)
    assert ready.start_is_due(1.0)


def test_a_finished_file_starts_nothing_more() -> None:
    ready = running()
    ready.finished()
    ready.gone(1.0, Cause.FINISHED)
    assert ready.phase is Phase.DONE
    assert ready.due_s() == math.inf
    assert not ready.start_is_due(1e9)


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("happening", list(Happening))
def test_what_is_not_in_the_table_is_an_error(phase: Phase, happening: Happening) -> None:
    ways = {
        Phase.WAITING: (),
        Phase.LOADING: (Happening.STARTED,),
        Phase.OPENING: (Happening.STARTED, Happening.LOADED),
        Phase.RUNNING: (Happening.STARTED, Happening.LOADED, Happening.BEAT),
        Phase.DYING: (Happening.STARTED, Happening.KILLED),
        Phase.DONE: (Happening.STARTED, Happening.LOADED, Happening.FINISHED),
    }
    ready = keeper()
    for step in ways[phase]:
        do(ready, step)
    assert ready.phase is phase
    assert ready.may(happening) == ((phase, happening) in TRANSITIONS)
    if ready.may(happening):
        do(ready, happening)
        assert ready.phase is TRANSITIONS[phase, happening]
    elif (phase, happening) != (Phase.DONE, Happening.GONE):
        with pytest.raises(ValueError, match="cannot be"):
            do(ready, happening)


def do(ready: CaptureKeeper, happening: Happening) -> None:
    steps = {
        Happening.STARTED: lambda: ready.started(0.0),
        Happening.LOADED: lambda: ready.loaded(0.0),
        Happening.BEAT: lambda: ready.beat(0.0),
        Happening.KILLED: ready.killed,
        Happening.GONE: lambda: ready.gone(0.0, None),
        Happening.FINISHED: ready.finished,
    }
    steps[happening]()
