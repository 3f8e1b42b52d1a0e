"""Exact intervals against values that stand in textbooks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.intervals import Share, at_most


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (1, 36, 0.0007, 0.1453),
        (0, 86, 0.0, 0.0420),
        (5, 20, 0.0866, 0.4910),
        (0, 0, 0.0, 1.0),
    ],
)
def test_known_intervals(hits: int, trials: int, low: float, high: float) -> None:
    assert Share(hits, trials).bounds == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bounds_leave_a_fortieth_on_either_side(counted: tuple[int, int]) -> None:
    hits, trials = counted
    share = Share(hits, trials)
    low, high = share.bounds
    assert low <= hits / trials <= high
    if hits:
        assert 1 - at_most(hits - 1, trials, low) == pytest.approx(0.025, abs=1e-6)
    if hits < trials:
        assert at_most(hits, trials, high) == pytest.approx(0.025, abs=1e-6)


def test_no_trial_has_no_share() -> None:
    told = Share(0, 0).told()
    assert (told["share"], told["interval95"]) == (None, [0.0, 1.0])
