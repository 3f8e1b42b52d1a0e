"""Predictions against strangers whose scores are known, and a search for people in the sums."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from agent.border.messages import SCORE_BINS
from agent.core.errors import CheckFailedError
from models.calibrate import Gathered, Tail, alike, propose
from models.manifest import Metric, Thresholds
from models.strangers import Strangers, bin_of

EDGES = [-1 + 2 * n / SCORE_BINS for n in range(SCORE_BINS + 1)]
DAY_S = 86_400.0
THRESHOLDS = Thresholds(
    frame=0.5, mean_of_3=0.5, mean_of_4=0.5, mean_of_5=0.5, review=0.4, margin=0.05, floor=0.45
)
Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]
Share = Callable[[float], float]


def best_of(entries: int, mean: float, deviation: float) -> tuple[Draw, Share]:
    """The best of so many normal scores: how it is drawn, and how often it reaches a threshold."""
    one = NormalDist(mean, deviation)

    def draw(generator: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
        scores = generator.normal(mean, deviation, (count, entries))
        return np.asarray(scores.max(1), np.float64)

    return draw, lambda threshold: 1 - one.cdf(threshold) ** entries


def gathered(draw: Draw, tracks: int, *, days: float, entries: int, seed: int = 0) -> Gathered:
    scores = [0] * SCORE_BINS
    for score in draw(np.random.default_rng(seed), tracks):
        scores[bin_of(float(score))] += 1
    return Gathered(tracks, tracks * entries, days * DAY_S, scores, EDGES)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("entries", "mean", "deviation"), [(1, 0.1, 0.12), (20, 0.0, 0.1), (200, 0.05, 0.09)]
)
def test_false_leads_a_day_are_foretold(
    entries: int, mean: float, deviation: float, seed: int
) -> None:
    draw, truth = best_of(entries, mean, deviation)
    found = gathered(draw, 20_000, days=10, entries=entries, seed=seed)
    assert found.tracks_a_day == pytest.approx(2000)
    tail = Tail(found)
    for threshold in (0.35, 0.4, 0.45, 0.5, 0.55):
        real = truth(threshold)
        assert real <= tail.at_most(threshold) * 1.001
        if real * 20_000 > 30:
            assert tail.expected(threshold) == pytest.approx(real, rel=0.35)
        elif real * 20_000 > 0.1:
            assert real / 4 < tail.expected(threshold) < real * 4


def test_the_prediction_never_rises_with_the_threshold() -> None:
    draw, _ = best_of(50, 0.05, 0.1)
    tail = Tail(gathered(draw, 5000, days=3, entries=50))
    steps = [n / 200 for n in range(-200, 201)]
    for figures in ([tail.expected(s) for s in steps], [tail.at_most(s) for s in steps]):
        assert all(a >= b - 0.002 for a, b in itertools.pairwise(figures))
        assert all(0 <= figure <= 1 for figure in figures)


def test_a_longer_list_raises_more_strangers() -> None:
    draw, _ = best_of(20, 0.0, 0.1)
    _, longer = best_of(200, 0.0, 0.1)
    tail = Tail(gathered(draw, 50_000, days=10, entries=20), entries=200)
    for threshold in (0.3, 0.35, 0.4):
        assert tail.expected(threshold) == pytest.approx(longer(threshold), rel=0.3)


def test_the_packs_own_threshold_is_kept_where_it_is_good_enough() -> None:
    draw, _ = best_of(20, 0.0, 0.07)
    found = propose(gathered(draw, 20_000, days=10, entries=20), THRESHOLDS, 3, per_day=0.1)
    assert (found.threshold, found.limit) == (0.5, "the pack's own threshold keeps to it")


def test_a_stricter_one_is_proposed_where_strangers_are_alike() -> None:
    draw, truth = best_of(100, 0.2, 0.11)
    found = propose(gathered(draw, 20_000, days=10, entries=100), THRESHOLDS, 3, per_day=0.1)
    assert found.threshold is not None
    assert 0.5 < found.threshold < 0.95
    assert truth(found.threshold) * 2000 <= 0.1
    assert truth(0.5) * 2000 > 0.1


def test_a_pack_that_cannot_tell_them_apart_gets_no_threshold() -> None:
    draw, _ = best_of(20, 0.5, 0.15)
    found = propose(gathered(draw, 5000, days=1, entries=20), THRESHOLDS, 3, per_day=0.1)
    assert found.threshold is None


@pytest.mark.parametrize("tracks", [0, 999])
def test_too_few_passages_foretell_nothing(tracks: int) -> None:
    draw, _ = best_of(5, 0.1, 0.1)
    with pytest.raises(CheckFailedError, match="too few"):
        Tail(gathered(draw, tracks, days=1, entries=5))


def test_scores_that_are_all_alike_foretell_nothing() -> None:
    with pytest.raises(CheckFailedError, match="all alike"):
        Tail(gathered(lambda _, n: np.full(n, 0.1), 2000, days=1, entries=5))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_mean_and_covariance_tell_how_alike_strangers_are(metric: Metric) -> None:
    draw = np.random.default_rng(3)
    shape = draw.standard_normal((64, 64)) * np.linspace(2, 0.2, 64)
    rows = draw.standard_normal((8000, 64)) @ shape.T + 3.0
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    else:
        rows *= 0.5 / np.linalg.norm(rows - rows.mean(0), axis=1).mean()
    strangers = Strangers(64, draw.standard_normal)
    for row in rows:
        strangers.add(row.astype(np.float32), 1)
        strangers.ended(0.0)
    batch = strangers.take()
    assert batch is not None
    mean, deviation = alike(**asdict(batch.moments), metric=metric)
    one, two = rows[:4000], rows[4000:]
    pairs = (one * two).sum(1) if metric == "cosine" else 1 - np.linalg.norm(one - two, axis=1)
    assert mean == pytest.approx(pairs.mean(), abs=0.03)
    assert deviation == pytest.approx(pairs.std(), rel=0.25)
