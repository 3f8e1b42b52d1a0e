"""What the core believes of the vision program and its cameras."""

from __future__ import annotations

import pytest

from agent.core.clock import ManualClock
from agent.core.events import CameraChanged, CameraState
from agent.pipeline.vision_watch import NO_ANSWER, Presence, VisionWatch
from tests.support.beats import beat, report
from tests.support.samples import at

OK, LOST, DARK = CameraState.OK, CameraState.LOST, CameraState.DARK
ABSENT, PRESENT, SILENT = Presence.ABSENT, Presence.PRESENT, Presence.SILENT


@pytest.fixture
def watch(clock: ManualClock) -> VisionWatch:
    return VisionWatch(["north", "south"], at(clock))


def told(changes: list[CameraChanged]) -> list[tuple[str, str]]:
    return [(change.camera, change.state.value) for change in changes]


@pytest.mark.parametrize(
    ("story", "presence"),
    [
        ([], ABSENT),
        (["hello"], PRESENT),
        (["hello", "beat"], PRESENT),
        (["hello", "29 s"], PRESENT),
        (["hello", "30 s"], SILENT),
        (["hello", "beat", "9 s"], PRESENT),
        (["hello", "beat", "10 s"], SILENT),
        (["hello", "beat", "10 s", "beat"], PRESENT),
        (["hello", "beat", "10 s", "hung up"], ABSENT),
        (["hello", "hung up"], ABSENT),
        (["hello", "hung up", "30 s"], ABSENT),
        (["hello", "hung up", "hello"], PRESENT),
    ],
    ids=str,
)
def test_the_program_is_absent_present_or_silent(
    watch: VisionWatch, clock: ManualClock, story: list[str], presence: Presence
) -> None:
    for step in story:
        match step.split():
            case [seconds, "s"]:
                clock.advance(float(seconds))
                watch.check(at(clock))
            case ["hello"]:
                watch.hello()
            case ["beat"]:
                watch.beat(beat(), at(clock))
            case _:
                watch.hung_up()
    assert watch.presence is presence


def test_a_program_that_is_starting_has_thirty_seconds(
    watch: VisionWatch, clock: ManualClock
) -> None:
    clock.advance(29.9)
    assert watch.check(at(clock)) == []
    clock.advance(0.1)
    changes = watch.check(at(clock))
    assert told(changes) == [("north", "lost"), ("south", "lost")]
    assert {change.reason for change in changes} == {NO_ANSWER}
    assert watch.check(at(clock)) == []


def test_silence_loses_every_camera_once_and_a_beat_brings_them_back(
    watch: VisionWatch, clock: ManualClock
) -> None:
    watch.hello()
    watch.beat(beat(north=OK, south=OK), at(clock))
    clock.advance(10)
    assert told(watch.check(at(clock))) == [("north", "lost"), ("south", "lost")]
    clock.advance(60)
    assert watch.check(at(clock)) == []
    assert told(watch.beat(beat(north=OK, south=OK), at(clock))) == [
        ("north", "ok"),
        ("south", "ok"),
    ]


def test_a_hung_up_program_loses_its_cameras_after_ten_seconds_of_silence(
    watch: VisionWatch, clock: ManualClock
) -> None:
    watch.hello()
    watch.beat(beat(north=OK), at(clock))
    watch.hung_up()
    clock.advance(9)
    assert watch.check(at(clock)) == []
    clock.advance(1)
    assert ("north", "lost") in told(watch.check(at(clock)))


def test_a_program_that_comes_and_goes_without_a_beat_loses_its_cameras(
    watch: VisionWatch, clock: ManualClock
) -> None:
    watch.hello()
    watch.beat(beat(north=OK, south=OK), at(clock))
    changes = []
    for _ in range(5):
        watch.hung_up()
        clock.advance(3)
        watch.hello()
        changes += watch.check(at(clock))
    assert told(changes) == [("north", "lost"), ("south", "lost")]


def test_a_camera_that_is_well_from_the_start_is_not_worth_a_word(
    watch: VisionWatch, clock: ManualClock
) -> None:
    assert watch.beat(beat(north=OK, south=None), at(clock)) == []
    assert dict(watch.states) == {"north": OK, "south": None}


def test_a_camera_that_is_ill_from_the_start_is_told(
    watch: VisionWatch, clock: ManualClock
) -> None:
    assert told(watch.beat(beat(north=DARK), at(clock))) == [("north", "dark")]


def test_each_change_is_told_once_by_report_or_beat(watch: VisionWatch, clock: ManualClock) -> None:
    watch.beat(beat(north=OK), at(clock))
    (change,) = watch.report(report("north", LOST), at(clock))
    assert (change.camera, change.state, change.reason) == ("north", LOST, "why")
    assert change.at == at(clock)
    assert watch.beat(beat(north=LOST), at(clock)) == []
    assert told(watch.beat(beat(north=OK), at(clock))) == [("north", "ok")]


def test_a_camera_that_is_starting_again_keeps_its_state(
    watch: VisionWatch, clock: ManualClock
) -> None:
    watch.beat(beat(north=LOST), at(clock))
    assert watch.beat(beat(north=None), at(clock)) == []
    assert watch.states[next(iter(watch.states))] is LOST


def test_a_camera_that_the_gate_does_not_have_is_not_believed(
    watch: VisionWatch, clock: ManualClock
) -> None:
    assert watch.beat(beat(elsewhere=LOST), at(clock)) == []
    assert watch.report(report("elsewhere", LOST), at(clock)) == []
    assert set(watch.states) == {"north", "south"}


def test_a_report_is_a_sign_of_life(watch: VisionWatch, clock: ManualClock) -> None:
    watch.beat(beat(), at(clock))
    clock.advance(9)
    watch.report(report("north", OK), at(clock))
    clock.advance(9)
    assert watch.check(at(clock)) == []
