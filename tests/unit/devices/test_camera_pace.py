"""The frame budget, the live edge, and the speed of files; no time passes."""

from __future__ import annotations

import pytest

from devices.pace import BEHIND_S, BLIND_S, Budget, Chatter, Edge, FileTempo


def looks(budget: Budget, camera_fps: float, seconds: float, *, awake: bool = True) -> list[float]:
    taken = []
    for number in range(round(seconds * camera_fps)):
        now_s = number / camera_fps
        if budget.due(now_s, awake=awake):
            budget.spend(now_s, awake=awake)
            taken.append(now_s)
    return taken


@pytest.mark.parametrize("camera_fps", [5, 6, 12.5, 15, 20, 25, 29.97, 30, 60])
def test_the_budget_is_kept_and_used(camera_fps: float) -> None:
    assert len(looks(Budget(5.0), camera_fps, 100)) == pytest.approx(500, rel=0.02)


def test_a_slow_camera_is_looked_at_every_time() -> None:
    assert len(looks(Budget(5.0), 2.0, 100)) == 200


def test_frames_that_jitter_are_not_skipped() -> None:
    budget, taken = Budget(5.0), 0
    for number in range(500):
        now_s = number / 5 + (0.03 if number % 2 else -0.03)
        if budget.due(now_s, awake=True):
            budget.spend(now_s, awake=True)
            taken += 1
    assert taken == 500


@pytest.mark.parametrize(
    ("fps", "idle"), [(5.0, 2.5), (10.0, 5.0), (3.0, 2.0), (2.0, 2.0), (0.5, 0.5)]
)
def test_a_quiet_scene_is_looked_at_half_as_often(fps: float, idle: float) -> None:
    taken = len(looks(Budget(fps), 30.0, 200, awake=False))
    assert taken == pytest.approx(idle * 200, rel=0.03)


def test_waking_up_takes_no_longer_than_an_idle_period() -> None:
    budget = Budget(5.0)
    budget.spend(10.0, awake=False)
    assert not budget.due(10.1, awake=True)
    assert budget.due(10.2, awake=True)


def test_a_pause_is_not_made_up_for() -> None:
    budget = Budget(5.0)
    budget.spend(0.0, awake=True)
    budget.spend(60.0, awake=True)
    assert not budget.due(60.1, awake=True)


def test_a_capture_at_the_edge_may_look() -> None:
    edge = Edge(0.0)
    edge.grabbed(1.0, waited=True)
    assert edge.may_look(1.0)
    assert edge.behind_s(1.0) == 0


def test_a_backlog_is_grabbed_through_without_looking() -> None:
    edge = Edge(0.0)
    edge.grabbed(10.0, waited=True)
    edge.looked(10.0)
    edge.grabbed(10.0 + BEHIND_S + 0.1, waited=False)
    assert not edge.may_look(10.0 + BEHIND_S + 0.1)
    edge.grabbed(11.0, waited=True)
    assert edge.may_look(11.0)


def test_a_capture_that_never_catches_up_is_not_blind() -> None:
    edge, taken = Edge(0.0), 0
    for number in range(600):
        now_s = number / 20
        edge.grabbed(now_s, waited=False)
        if edge.may_look(now_s):
            edge.looked(now_s)
            taken += now_s > BLIND_S
    assert taken == pytest.approx(30 / BLIND_S, abs=2)
    assert edge.behind_s(30.0) == 30


def test_a_file_is_played_at_its_own_speed() -> None:
    tempo = FileTempo(25.0)
    due = [tempo.due_s(number / 25, 100.0) for number in range(50)]
    assert due == pytest.approx([100 + number / 25 for number in range(50)])


def test_a_file_begins_again_without_a_gap() -> None:
    tempo = FileTempo(25.0)
    for number in range(50):
        tempo.due_s(number / 25, 100.0)
    assert tempo.due_s(0.0, 101.96) == pytest.approx(102.0)
    assert tempo.due_s(0.04, 102.0) == pytest.approx(102.04)


def test_a_file_that_is_too_slow_to_decode_slips_and_does_not_hurry() -> None:
    tempo = FileTempo(25.0)
    tempo.due_s(0.0, 100.0)
    assert tempo.due_s(0.04, 105.0) == 105.0
    assert tempo.due_s(0.08, 105.01) == pytest.approx(105.04)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf"), 90_000.0])
def test_positions_that_stand_still_advance_by_a_frame(fps: float) -> None:
    tempo = FileTempo(fps)
    due = [tempo.due_s(0.0, 100.0) for _ in range(4)]
    assert due == pytest.approx([100.0, 100.04, 100.08, 100.12])


def test_a_busy_camera_does_not_say_too_much() -> None:
    chatter = Chatter(100.0)
    assert not any(chatter.too_much(32, float(second)) for second in range(60))
    assert not chatter.too_much(300, 400.0), "a parent that was busy for minutes hears a burst"


def test_one_that_shouts_does() -> None:
    chatter = Chatter(100.0)
    assert any(chatter.too_much(64, 10 + turn / 1000) for turn in range(9))
    assert not chatter.too_much(1, 100.0)
