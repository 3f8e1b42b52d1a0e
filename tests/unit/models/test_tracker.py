from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tracker import Tracker
from models.values import Box
from tests.unit.models.makers import box_at

S = 1_000_000_000
COORDINATES = st.floats(0, 2000)
BOXES = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), COORDINATES, COORDINATES,
    st.floats(0, 400), st.floats(0, 400),
)  # fmt: skip


def walk(tracker: Tracker, times: list[float], *paths: tuple[float, float]) -> list[list[int]]:
    """Track numbers picture by picture of people who start at x and walk at px a second."""
    numbers = []
    for t in times:
        boxes = [box_at(x + speed * t) for x, speed in paths]
        numbers.append([track.number for track in tracker.update(boxes, round(t * S)).tracks])
    return numbers


@given(st.lists(st.tuples(st.floats(0, 3), st.lists(BOXES, max_size=6)), max_size=8))
def test_every_box_has_a_track_of_its_own(steps: list[tuple[float, list[Box]]]) -> None:
    tracker, now, alive, ended = Tracker(), 0, set[int](), set[int]()
    for passed, boxes in steps:
        now += round(passed * S)
        step = tracker.update(boxes, now)
        numbers = [track.number for track in step.tracks]
        assert [track.box for track in step.tracks] == boxes
        assert len(set(numbers)) == len(numbers)
        assert not ended & set(numbers)
        ended |= set(step.ended)
        alive = (alive | set(numbers)) - set(step.ended)
        assert {track.number for track in tracker.tracks} == alive
    assert not alive & ended


@given(st.floats(-700, 700), st.integers(0, 1000), st.floats(0, 0.7))
def test_one_person_is_one_track_however_many_pictures_are_skipped(
    speed: float, seed: int, skip: float
) -> None:
    draw = random.Random(seed)  # noqa: S311 - repeatable
    times = [0.0] + [i / 10 for i in range(1, 40) if draw.random() >= skip]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    if max(gaps, default=0) > 0.9:
        return
    assert {n for numbers in walk(Tracker(), times, (3000, speed)) for n in numbers} == {1}


@pytest.mark.parametrize("fps", [3, 5, 10])
@pytest.mark.parametrize("speeds", [(200, -200), (150, -90), (300, 60)])
def test_people_who_cross_do_not_swap(fps: int, speeds: tuple[float, float]) -> None:
    times = [i / fps for i in range(4 * fps)]
    numbers = walk(Tracker(), times, (100, speeds[0]), (700, speeds[1]))
    assert numbers[-1] == numbers[0] == [1, 2]
    assert all(pair == [1, 2] for pair in numbers)


def test_a_person_hidden_behind_another_is_found_again() -> None:
    tracker = Tracker()
    for i in range(10):
        tracker.update([box_at(100 + 40 * i), box_at(500 - 40 * i)], i * S // 5)
    for i in (10, 11, 12):
        tracker.update([box_at(100 + 40 * i)], i * S // 5)
    step = tracker.update([box_at(100 + 40 * 13), box_at(500 - 40 * 13)], 13 * S // 5)
    assert [track.number for track in step.tracks] == [1, 2]


def test_a_track_ends_after_the_gap_and_never_before() -> None:
    tracker = Tracker(gap_s=1.0)
    tracker.update([box_at(100)], 0)
    assert tracker.update([], S).ended == ()
    assert tracker.update([], S + 1).ended == (1,)
    assert [track.number for track in tracker.update([box_at(100)], S + 2).tracks] == [2]


def test_another_place_or_size_is_another_person() -> None:
    tracker = Tracker()
    tracker.update([box_at(100)], 0)
    far = tracker.update([box_at(900)], S // 5)
    assert [track.number for track in far.tracks] == [2]
    large = tracker.update([box_at(900, size=300)], 2 * S // 5)
    assert [track.number for track in large.tracks] == [3]


def test_a_track_remembers_since_when_and_how_often() -> None:
    tracker = Tracker()
    for i in range(3):
        (track,) = tracker.update([box_at(100 + i)], i * S // 2).tracks
    assert (track.since_ns, track.last_ns, track.seen) == (0, S, 3)


def test_time_never_goes_back() -> None:
    tracker = Tracker()
    tracker.update([box_at(100)], S)
    with pytest.raises(ValueError, match="forward only"):
        tracker.update([], 0)


def test_a_lost_camera_ends_all_tracks() -> None:
    tracker = Tracker()
    tracker.update([box_at(100), box_at(500)], 0)
    assert tracker.clear() == (1, 2)
    assert tracker.tracks == ()
