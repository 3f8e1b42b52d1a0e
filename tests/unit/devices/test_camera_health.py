"""Is a camera ok, lost, frozen or dark? Judged in seconds that nobody waits for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from agent.core.events import CameraState
from devices.camera_health import TRANSITIONS, CameraJudge, Finding, Limits, Verdict
from devices.capture_wire import Beat

GOOD = Beat(0, 0, 0, 0, 640, 360, luma=110, spread=40, detail=4, still_s=0, behind_s=0)
DARK = replace(GOOD, luma=5, spread=1, detail=0.5)
COVERED = replace(GOOD, luma=90, spread=3, detail=0.1)


@dataclass
class Site:
    """A judge, the time, and a capture that goes on counting."""

    judge: CameraJudge
    now_s: float
    grabbed: int = 0

    def beats(self, beat: Beat, seconds: float, *, live: bool = True) -> list[Verdict]:
        """A beat a second; *live*: frames come in between."""
        verdicts = []
        for _ in range(round(seconds)):
            self.now_s += 1
            self.grabbed += 25 if live else 0
            looked = max(self.grabbed // 5, 1 if self.grabbed else 0)
            said = replace(beat, grabbed=self.grabbed, looked=looked)
            verdicts.append(self.judge.beat(said, self.now_s))
        return [verdict for verdict in verdicts if verdict is not None]

    def still(self, seconds: float) -> list[Verdict]:
        """A picture that stands still, a second more each second."""
        found = []
        for second in range(1, round(seconds) + 1):
            found += self.beats(replace(GOOD, still_s=second), 1)
        return found

    def silence(self, seconds: float, why: str = "") -> list[Verdict]:
        """No beat at all; looked at each second."""
        verdicts = []
        for _ in range(round(seconds)):
            self.now_s += 1
            verdicts.append(self.judge.look(self.now_s, why))
        return [verdict for verdict in verdicts if verdict is not None]


@pytest.fixture
def site() -> Site:
    judge = CameraJudge(Limits(), 1000.0)
    judge.began(1000.0)
    return Site(judge, 1000.0)


def states(verdicts: list[Verdict]) -> list[CameraState]:
    return [verdict.state for verdict in verdicts]


def test_the_first_picture_makes_a_camera_ok(site: Site) -> None:
    assert site.judge.state is None
    assert states(site.beats(GOOD, 1)) == [CameraState.OK]


def test_beats_without_a_picture_do_not(site: Site) -> None:
    assert site.beats(GOOD, 9, live=False) == []


def test_a_camera_that_never_shows_anything_is_lost_at_the_stall_time(site: Site) -> None:
    assert site.judge.due_s() == 1010
    assert site.silence(9) == []
    (verdict,) = site.silence(1, why="the camera refuses the user name or password")
    assert verdict.state is CameraState.LOST
    assert verdict.reason == "no picture for 10 s: the camera refuses the user name or password"


def test_a_capture_that_loads_slowly_after_a_boot_is_no_lost_camera() -> None:
    site = Site(CameraJudge(Limits(stall_s=10, load_s=15), 1000.0), 1000.0)
    assert site.silence(14) == []
    site.judge.began(site.now_s)
    assert site.silence(9) == []
    assert states(site.beats(GOOD, 1)) == [CameraState.OK]


def test_a_capture_that_never_loads_is() -> None:
    site = Site(CameraJudge(Limits(stall_s=10, load_s=15), 1000.0), 1000.0)
    assert site.silence(24) == []
    assert states(site.silence(1)) == [CameraState.LOST]


def test_restarts_buy_a_camera_no_time(site: Site) -> None:
    assert site.silence(9) == []
    site.judge.restarted()
    site.judge.began(site.now_s)
    assert states(site.silence(1)) == [CameraState.LOST]


def test_a_stream_that_stops_is_lost_within_the_stall_time(site: Site) -> None:
    site.beats(GOOD, 60)
    assert site.judge.due_s() == site.now_s + 10
    assert site.silence(9) == []
    assert states(site.silence(1)) == [CameraState.LOST]


def test_a_capture_that_beats_without_frames_is_lost_too(site: Site) -> None:
    site.beats(GOOD, 60)
    assert states(site.beats(GOOD, 12, live=False)) == [CameraState.LOST]


def test_a_lost_camera_is_told_once(site: Site) -> None:
    site.silence(10)
    assert site.silence(600) == []
    assert site.judge.due_s() == float("inf")


def test_a_lost_camera_is_back_when_pictures_last(site: Site) -> None:
    site.beats(GOOD, 60)
    site.silence(20)
    site.judge.restarted()
    site.grabbed = 0
    assert site.beats(GOOD, 3) == []
    assert states(site.beats(GOOD, 1)) == [CameraState.OK]


def test_a_camera_that_flaps_stays_lost(site: Site) -> None:
    site.silence(10)
    for _ in range(10):
        assert site.beats(GOOD, 2) == []
        assert site.silence(15) == []
        site.judge.restarted()
        site.grabbed = 0
    assert site.judge.state is CameraState.LOST


def test_a_short_gap_is_nothing(site: Site) -> None:
    site.beats(GOOD, 60)
    assert site.silence(8) == []
    site.judge.restarted()
    site.grabbed = 0
    assert site.beats(GOOD, 60) == []


def test_the_same_picture_is_frozen(site: Site) -> None:
    site.beats(GOOD, 60)
    assert site.still(29) == []
    assert states(site.beats(replace(GOOD, still_s=30), 1)) == [CameraState.FROZEN]


def test_a_frozen_camera_thaws_when_the_picture_lives(site: Site) -> None:
    site.beats(GOOD, 10)
    site.still(30)
    assert site.beats(replace(GOOD, still_s=1.0), 1) == []
    assert site.still(10) == []
    assert states(site.beats(GOOD, 4)) == [CameraState.OK]


def test_a_restart_does_not_thaw_a_frozen_camera(site: Site) -> None:
    site.beats(GOOD, 10)
    site.still(30)
    for _ in range(5):
        site.judge.restarted()
        site.grabbed = 0
        thawed = [v for v in site.still(60) if v.state is CameraState.OK]
        assert thawed == []


def test_darkness_is_told_after_its_time(site: Site) -> None:
    site.beats(GOOD, 60)
    assert site.beats(DARK, 60) == []
    (verdict,) = site.beats(DARK, 1)
    assert verdict == Verdict(CameraState.DARK, "dark for 60 s")


def test_a_covered_lens_is_dark_though_it_is_bright(site: Site) -> None:
    site.beats(GOOD, 60)
    (verdict,) = site.beats(COVERED, 61)
    assert verdict.state is CameraState.DARK
    assert "covered" in verdict.reason


def test_a_black_picture_is_dark_and_not_frozen(site: Site) -> None:
    site.beats(GOOD, 5)
    verdicts = []
    for second in range(1, 120):
        verdicts += site.beats(replace(DARK, still_s=second), 1)
    assert states(verdicts) == [CameraState.DARK]


def test_a_passing_shadow_is_nothing(site: Site) -> None:
    site.beats(GOOD, 60)
    for _ in range(20):
        assert site.beats(DARK, 50) == []
        assert site.beats(GOOD, 10) == []


def test_dusk_around_the_level_does_not_flap(site: Site) -> None:
    site.beats(GOOD, 10)
    verdicts = []
    for number in range(600):
        verdicts += site.beats(replace(GOOD, luma=11.5 if number % 2 else 12.5), 1)
    assert states(verdicts) == [CameraState.DARK]


def test_a_camera_that_starts_in_the_dark(site: Site) -> None:
    assert states(site.beats(DARK, 61)) == [CameraState.DARK]
    assert site.beats(GOOD, 3) == []
    assert states(site.beats(GOOD, 1)) == [CameraState.OK]


def test_a_night_scene_with_structure_is_ok(site: Site) -> None:
    night = replace(GOOD, luma=22, spread=2.5, detail=0.2)
    assert states(site.beats(night, 300)) == [CameraState.OK]


def test_a_dark_camera_that_stops_is_lost(site: Site) -> None:
    site.beats(DARK, 70)
    assert states(site.silence(10)) == [CameraState.LOST]


def test_no_transition_leads_to_the_state_it_leaves() -> None:
    assert all(before is not after for (before, _), after in TRANSITIONS.items())


def test_every_state_can_be_lost_and_recovered() -> None:
    for state in CameraState:
        if state is not CameraState.LOST:
            assert TRANSITIONS[state, Finding.NO_PICTURE] is CameraState.LOST
        if state is not CameraState.OK:
            assert TRANSITIONS[state, Finding.GOOD] is CameraState.OK
