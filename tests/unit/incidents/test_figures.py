"""Where months end, and quantiles of times."""

from __future__ import annotations

import pytest

from agent.incidents.figures import BOUNDS_S, BUCKETS, EMPTY, add, end_of, month_of, quantile


@pytest.mark.parametrize(("month", "end"), [("2026-11", "2026-12"), ("2026-12", "2027-01")])
def test_months_end_where_the_next_begins(month: str, end: str) -> None:
    assert month_of(end_of(month)) == end
    assert month_of(end_of(month) - 1) == month


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0, 21.5, 300.0, 1e9])
def test_a_quantile_is_within_a_bucket_of_the_truth(seconds: float) -> None:
    histogram = EMPTY
    for _ in range(100):
        histogram = add(histogram, seconds)
    found = quantile(histogram, 0.95)
    assert len(histogram) == BUCKETS
    assert found is not None
    assert found <= max(BOUNDS_S[0], min(seconds * 1.25, BOUNDS_S[-1]))
    assert quantile(EMPTY, 0.5) is None
