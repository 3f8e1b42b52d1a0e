from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluate import Rate, Sample
from models.evaluate_pairs import Pairs, det_points, score_pairs, tar_at, worst_best_ratio

RANGE = st.lists(st.floats(-1, 1, allow_nan=False, width=32), min_size=1, max_size=60)


def sample(person: str, at: float, session: str = ".") -> Sample:
    return Sample(person, session, np.array([at, 0], np.float32))


def test_scores_are_those_of_the_distances() -> None:
    pairs = score_pairs([sample("a", 0), sample("a", 0.25), sample("b", 1)], "euclidean")
    assert pairs.genuine.tolist() == pytest.approx([0.75])
    assert sorted(pairs.impostors.tolist()) == pytest.approx([0.0, 0.25])


def test_every_pair_is_counted_once_over_the_blocks() -> None:
    people = [sample(str(i // 2), i) for i in range(1100)]
    pairs = score_pairs(people, "euclidean")
    assert len(pairs.genuine) == 550
    assert len(pairs.impostors) == 1100 * 1099 // 2 - 550


def test_photos_of_one_session_are_not_compared() -> None:
    people = [sample("a", 0, "mon"), sample("a", 0, "mon"), sample("a", 0, "tue")]
    assert len(score_pairs(people, "euclidean").genuine) == 2


def test_nobody_has_no_pairs() -> None:
    pairs = score_pairs([], "cosine")
    assert len(pairs.genuine) == len(pairs.impostors) == 0
    assert det_points(pairs.genuine, pairs.impostors) == []


def test_tar_is_read_where_the_impostors_allow_it() -> None:
    pairs = Pairs(np.array([0.95, 0.985, 0.5, 0.999]), np.arange(100) / 100)
    at = tar_at(pairs, 0.01)
    assert at.tar == Rate(2, 4)
    assert at.threshold == pytest.approx(0.98)
    assert tar_at(pairs, 0.001).tar is None
    assert tar_at(Pairs(np.zeros(0), np.arange(100) / 100), 0.01).tar is None


def test_the_ratio_is_of_worst_and_best_group() -> None:
    assert worst_best_ratio([Rate(4, 1000), Rate(1, 1000), Rate(1, 500)]) == pytest.approx(4)


def test_a_group_without_a_hit_does_not_make_the_ratio_infinite() -> None:
    ratio = worst_best_ratio([Rate(4, 1000), Rate(0, 1000)])
    assert ratio == pytest.approx(9)


def test_a_ratio_needs_two_groups_of_some_size() -> None:
    assert worst_best_ratio([Rate(4, 1000), Rate(3, 10)]) is None
    assert worst_best_ratio([]) is None


@given(RANGE, RANGE)
def test_a_det_curve_never_turns_back(genuine: list[float], impostors: list[float]) -> None:
    points = det_points(np.array(genuine), np.array(impostors))
    positive, negative = zip(*points, strict=True)
    assert list(positive) == sorted(positive)
    assert list(negative) == sorted(negative, reverse=True)
    assert all(0 < value <= 1 for value in positive)
    assert all(0 <= value <= 1 for value in negative)


@given(RANGE, RANGE)
def test_each_point_of_a_det_curve_is_what_some_threshold_gives(
    genuine: list[float], impostors: list[float]
) -> None:
    own, other = np.array(genuine), np.array(impostors)
    possible = {((other >= at).mean(), (own < at).mean()) for at in impostors}
    assert set(det_points(own, other)) <= possible


@given(RANGE, RANGE)
def test_a_stricter_far_never_raises_the_tar(genuine: list[float], impostors: list[float]) -> None:
    pairs = Pairs(np.array(genuine), np.array(impostors * 100))
    tars = [at.tar.value for far in (1e-2, 1e-1, 0.5) if (at := tar_at(pairs, far)).tar]
    assert tars == sorted(tars)
