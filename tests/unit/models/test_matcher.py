from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.gallery import Gallery
from models.manifest import Thresholds
from models.matcher import Band, Matcher, Policy, Verdict, band_of, policy_for
from models.purpose import Purpose
from models.values import Probe
from tests.unit.models.makers import MODEL_ID, gallery_of, probe, quality

MS = 1_000_000
THRESHOLDS = Thresholds(
    frame=0.64, mean_of_3=0.64, mean_of_4=0.65, mean_of_5=0.66, review=0.6, margin=0.05, floor=0.63
)
POLICY = policy_for(THRESHOLDS, 3)
WANTED = gallery_of({"wanted": [[0, 0]], "other": [[5, 5]]})
SCORES = st.floats(-1, 1)


def at(distance: float) -> list[float]:
    """A template at this distance of the wanted one."""
    return [distance, 0.0]


def seen(
    matcher: Matcher, *distances: float, track: int = 1, step_ms: int = 200, start_ms: int = 0
) -> list[Verdict]:
    verdicts = []
    for i, distance in enumerate(distances):
        verdicts += matcher.observe(track, probe(at(distance)), (start_ms + i * step_ms) * MS)
    return verdicts


@given(SCORES, st.none() | st.floats(0, 2), st.integers(0, 6), st.integers(0, 6))
def test_every_answer_has_exactly_one_band(
    score: float, margin: float | None, frames: int, agreeing: int
) -> None:
    band = band_of(POLICY, score, margin, frames=frames, agreeing=agreeing)
    assert (band is Band.UNKNOWN) == (frames < 3 or score < POLICY.review)
    if band is Band.LEAD:
        assert score >= POLICY.lead
        assert agreeing >= 2
        assert margin is None or margin >= POLICY.margin


@given(SCORES, SCORES, st.integers(3, 5))
def test_more_alike_is_never_a_lower_band(one: float, two: float, frames: int) -> None:
    low, high = sorted((one, two))
    ranks = [band_of(POLICY, s, None, frames=frames, agreeing=3).rank for s in (low, high)]
    assert ranks[0] <= ranks[1]


def test_three_good_frames_are_a_lead() -> None:
    (verdict,) = seen(Matcher(POLICY, WANTED), 0.3, 0.32, 0.31)
    assert verdict.band is Band.LEAD
    assert verdict.entry_id == "wanted"
    assert verdict.score == pytest.approx(0.69)
    assert verdict.threshold == 0.64
    assert verdict.frames == 3
    assert verdict.margin is not None
    assert verdict.margin > 5
    assert verdict.at_ns == 400 * MS


def test_somebody_who_comes_nearer_is_not_one_frame_for_ever() -> None:
    """At 15 frames a second each is better than the last, and near enough to take its place."""
    matcher, found = Matcher(POLICY, WANTED), []
    for i in range(6):
        frame = probe(at(0.3), 0.3 + 0.05 * i)
        found += matcher.observe(1, frame, i * 66 * MS)
    assert [(verdict.band, verdict.at_ns) for verdict in found] == [(Band.LEAD, 264 * MS)]


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_say_nothing_however_good(frames: int) -> None:
    assert seen(Matcher(POLICY, WANTED), *[0.0] * frames) == []


def test_one_good_frame_among_bad_ones_is_no_lead() -> None:
    verdicts = seen(Matcher(POLICY, WANTED), 0.0, 0.5, 0.5)
    assert [verdict.band for verdict in verdicts] == [Band.REVIEW]


def test_a_stranger_is_never_spoken_of() -> None:
    matcher = Matcher(POLICY, WANTED)
    assert seen(matcher, *[0.7] * 12) == []
    assert matcher.compared == 1


def test_a_lead_is_said_once() -> None:
    assert len(seen(Matcher(POLICY, WANTED), *[0.2] * 20)) == 1


def test_a_review_may_rise_to_a_lead_and_never_falls() -> None:
    matcher = Matcher(POLICY, WANTED)
    bands = [v.band for v in seen(matcher, 0.39, 0.39, 0.39)]
    later = seen(matcher, 0.2, 0.2, 0.2, start_ms=3000)
    after = seen(matcher, 0.39, 0.39, 0.39, start_ms=6000)
    assert bands == [Band.REVIEW]
    assert [v.band for v in later] == [Band.LEAD]
    assert after == []


def test_a_new_track_is_a_new_question() -> None:
    matcher = Matcher(POLICY, WANTED)
    assert seen(matcher, 0.2, 0.2, 0.2)
    matcher.end([1])
    assert seen(matcher, 0.2, 0.2, 0.2, track=2, start_ms=1000)
    assert matcher.compared == 2


def test_two_entries_alike_are_for_a_person_to_tell_apart() -> None:
    gallery = gallery_of({"a": [[0, 0]], "b": [[0.01, 0]]})
    (verdict,) = seen(Matcher(POLICY, gallery), 0.1, 0.1, 0.1)
    assert verdict.band is Band.REVIEW


def test_frames_that_agree_on_somebody_else_are_no_lead() -> None:
    gallery = gallery_of({"a": [[0, 0]], "b": [[0.5, 0]]})
    matcher = Matcher(replace(POLICY, margin=0.0), gallery)
    verdicts = seen(matcher, 0.1, 0.3, 0.3)
    assert [(v.entry_id, v.band) for v in verdicts] == [("a", Band.REVIEW)]


def test_a_drill_and_the_real_thing_are_both_said() -> None:
    gallery = gallery_of({"real": [[0, 0]], "drill": [[0, 0]]}, exercise=["drill"])
    verdicts = seen(Matcher(POLICY, gallery), 0.2, 0.2, 0.2)
    assert [(v.entry_id, v.exercise, v.band) for v in verdicts] == [
        ("real", False, Band.LEAD),
        ("drill", True, Band.LEAD),
    ]


@given(st.lists(st.tuples(st.integers(0, 900), st.floats(0, 1)), max_size=30))
def test_no_template_outlives_the_holding_time(frames: list[tuple[int, float]]) -> None:
    matcher, now = Matcher(POLICY, WANTED), 0
    for passed, score in frames:
        now += passed * MS
        matcher.observe(1, probe(at(0.5), score), now)
        assert matcher.held <= POLICY.frames
    matcher.forget(now + 2000 * MS)
    assert matcher.held == 0


def test_the_best_frames_are_kept() -> None:
    matcher = Matcher(POLICY, WANTED)
    for i, score in enumerate((0.1, 0.9, 0.2, 0.8, 0.7)):
        assert matcher.wants(1, quality(score), i * 200 * MS)
        matcher.observe(1, probe(at(1 - score), score), i * 200 * MS)
    assert not matcher.wants(1, quality(0.5), 1000 * MS)
    assert matcher.observe(1, probe(at(0.0), 0.5), 1000 * MS) == []


def test_frames_of_one_moment_count_as_one() -> None:
    matcher = Matcher(POLICY, WANTED)
    assert seen(matcher, *[0.0] * 5, step_ms=10) == []
    assert matcher.held == 1


def test_nobody_enrolled_means_no_work_and_no_templates() -> None:
    empty = Gallery(MODEL_ID, "euclidean", [], np.zeros((0, 2), np.float32), Purpose.WATCHLIST)
    matcher = Matcher(POLICY, empty)
    assert not matcher.wants(1, quality(1.0), 0)
    assert seen(matcher, 0.0, 0.0, 0.0) == []
    assert matcher.held == 0


def test_a_new_gallery_is_compared_at_once() -> None:
    matcher = Matcher(POLICY, gallery_of({"somebody": [[9, 9]]}))
    assert seen(matcher, 0.2, 0.2, 0.2) == []
    matcher.replace_gallery(WANTED)
    (verdict,) = matcher.observe(1, probe(at(0.2), 0.9), 600 * MS)
    assert verdict.band is Band.LEAD


@pytest.mark.parametrize("frames", [3, 4, 5])
def test_a_lead_needs_all_the_frames_that_were_asked_for(frames: int) -> None:
    policy = policy_for(THRESHOLDS, frames)
    verdicts = seen(Matcher(policy, WANTED), *[0.1] * 8)
    assert [(v.band, v.frames) for v in verdicts if v.band is Band.LEAD] == [(Band.LEAD, frames)]
    assert policy.lead == THRESHOLDS.lead(frames)


def test_a_configured_threshold_may_be_stricter_and_hardly_laxer() -> None:
    assert policy_for(THRESHOLDS, 3, 0.8).lead == 0.8
    assert policy_for(THRESHOLDS, 3, 0.8).frame == pytest.approx(0.8)
    assert policy_for(THRESHOLDS, 3, 0.63).frame == 0.64
    with pytest.raises(PackError, match="higher is stricter"):
        policy_for(THRESHOLDS, 3, 0.5)


@pytest.mark.parametrize("frames", [0, 1, 2, 6])
def test_other_numbers_of_frames_are_refused(frames: int) -> None:
    with pytest.raises(PackError, match="choose 3 to 5"):
        policy_for(THRESHOLDS, frames)


def test_the_policy_keeps_the_packs_words() -> None:
    assert Policy(3, 0.64, 0.64, 0.6, 0.05) == POLICY


def like(distance: float) -> Gallery:
    """Somebody wanted, somebody else far away, and a look-alike at *distance* of the wanted."""
    return gallery_of({"wanted": [[0, 0]], "other": [[5, 5]]}, not_them={"wanted": [at(distance)]})


def test_a_neighbour_who_is_known_not_to_be_the_person_is_nobody() -> None:
    neighbour = [0.3, 0.3, 0.3]
    assert [v.band for v in seen(Matcher(POLICY, WANTED), *neighbour)] == [Band.LEAD]
    assert seen(Matcher(POLICY, like(0.35)), *neighbour) == []


def test_the_person_is_still_found_beside_the_look_alike() -> None:
    (verdict,) = seen(Matcher(POLICY, like(0.35)), 0.05, 0.05, 0.05)
    assert (verdict.band, verdict.entry_id) == (Band.LEAD, "wanted")
    assert verdict.margin == pytest.approx(0.25)


def test_between_the_person_and_the_look_alike_a_person_decides() -> None:
    (verdict,) = seen(Matcher(POLICY, like(0.35)), 0.16, 0.16, 0.16)
    assert verdict.band is Band.REVIEW
    assert verdict.margin == pytest.approx(0.03)


def test_as_near_to_the_one_as_to_the_other_is_nobody() -> None:
    assert seen(Matcher(POLICY, like(0.0)), 0.0, 0.0, 0.0) == []


def test_a_frame_whose_norm_or_mirror_image_says_blur_gives_way() -> None:
    matcher, vector = Matcher(POLICY, WANTED), np.array(at(0.1), np.float32)
    for number, norm in enumerate((9.0, 3.0, 8.0)):
        matcher.observe(1, Probe(vector, quality(0.8), norm, 0.9), number * 200 * MS)
    assert matcher.wants(1, quality(0.81), 600 * MS)
    blurred = Probe(vector, quality(0.81), 9.0, 0.2)
    assert matcher.observe(1, blurred, 600 * MS) == []
    assert [held.probe.norm for held in matcher._held[1]] == [9.0, 3.0, 8.0]
    matcher.observe(1, Probe(vector, quality(0.81), 9.0, 0.9), 700 * MS)
    assert sorted(held.probe.norm for held in matcher._held[1]) == [8.0, 9.0, 9.0]
