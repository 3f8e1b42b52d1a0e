from __future__ import annotations

import numpy as np
import pytest

from agent.border.messages import FEWEST_TRACKS
from models.matcher import Matcher, Policy
from models.strangers import Batch, Strangers, bin_of
from tests.unit.models.makers import gallery_of, probe

MS = 1_000_000
DIM = 16
POLICY = Policy(3, 0.64, 0.64, 0.6, 0.05)


def gathered(count: int, seed: int = 1, *, noise: bool = True) -> tuple[Strangers, np.ndarray]:
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((count, DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    strangers = Strangers(DIM, draw.standard_normal if noise else np.zeros)
    for row in rows:
        strangers.add(row, 5)
        strangers.ended(0.2)
    return strangers, rows


def taken(strangers: Strangers) -> Batch:
    batch = strangers.take()
    assert batch is not None
    return batch


def test_fewer_than_two_hundred_are_never_given_away() -> None:
    strangers, _ = gathered(FEWEST_TRACKS - 1)
    assert strangers.take() is None


def test_a_batch_tells_of_mean_and_covariance_what_turning_does_not_change() -> None:
    many = 20 * FEWEST_TRACKS
    rows = gathered(many)[1].astype(np.float64)
    mean, covariance = rows.mean(0), np.cov(rows.T, bias=True)
    for noise in (False, True):
        batch = taken(gathered(many, noise=noise)[0])
        assert (batch.tracks, batch.entries, sum(batch.scores)) == (many, 5 * many, many)
        found = batch.moments
        assert found.length == pytest.approx(mean @ mean, abs=2e-4)
        assert found.spread == pytest.approx(np.trace(covariance), rel=1e-3)
        assert found.squares == pytest.approx((covariance**2).sum(), rel=1e-2)
        assert found.along == pytest.approx(mean @ covariance @ mean, abs=1e-4)


def test_what_was_given_is_forgotten_and_the_next_batch_has_noise_of_its_own() -> None:
    strangers, rows = gathered(FEWEST_TRACKS)
    one = strangers._total.copy()
    assert taken(strangers).seconds == 0
    assert strangers.take() is None
    for row in rows:
        strangers.add(row, 5)
    assert np.linalg.norm(one - strangers._total) > 1


def test_the_sum_of_one_person_is_no_template() -> None:
    """In memory, where a dump would find it: nearer to most other people than to that one."""
    hits = 0
    for seed in range(200):
        strangers, rows = gathered(1, seed)
        total = strangers._total / np.linalg.norm(strangers._total)
        others = np.random.default_rng(seed + 1000).standard_normal((20, DIM))
        others /= np.linalg.norm(others, axis=1, keepdims=True)
        hits += float(rows[0] @ total) > max(others @ total)
    assert hits < 120


@pytest.mark.parametrize(("score", "place"), [(-3.0, 0), (-1.0, 0), (0.0, 200), (1.0, 399)])
def test_every_score_has_a_bin(score: float, place: int) -> None:
    assert bin_of(score) == place


def walk(matcher: Matcher, track: int, distance: float) -> None:
    for number in range(4):
        matcher.observe(track, probe([distance, 0.0]), (track * 10_000 + number * 200) * MS)
    matcher.end([track])


def test_each_compared_track_counts_once_and_a_lead_is_no_stranger() -> None:
    strangers = Strangers(2, np.zeros)
    matcher = Matcher(POLICY, gallery_of({"wanted": [[0, 0]], "other": [[9, 9]]}), strangers)
    for track, distance in enumerate((0.703, 0.803, 0.383, 0.1)):
        walk(matcher, track, distance)
    matcher.observe(9, probe([0.7, 0.0]), 10**12)
    matcher.end([9])
    counted = {n: int(c) for n, c in enumerate(strangers._scores) if c}
    assert counted == {bin_of(score): 1 for score in (0.297, 0.197, 0.617)}
    assert (strangers._tracks, strangers._entries) == (4, 8)
