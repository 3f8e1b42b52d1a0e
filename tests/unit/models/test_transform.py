"""The site's transform: orthogonal, the same everywhere, and nothing like another site's."""

from __future__ import annotations

import numpy as np
import pytest

from agent.core.errors import PackError
from models.gallery import score
from models.manifest import Metric
from models.transform import SiteTransform, matrix_of

SEED, OTHER = b"\x01" * 32, b"\x02" * 32


@pytest.mark.parametrize("dim", [1, 4, 128, 512])
def test_the_matrix_is_orthogonal(dim: int) -> None:
    turned = matrix_of(SEED, dim)
    assert np.abs(turned @ turned.T - np.eye(dim)).max() < 1e-12


def test_a_seed_is_one_matrix_on_each_machine() -> None:
    """Stored templates would be lost if these figures ever changed."""
    expected = [0.10586905, -0.19286848, 0.06410261, -0.04880175]
    assert np.allclose(matrix_of(SEED, 128)[0, :4], expected, atol=1e-7)
    assert np.abs(matrix_of(SEED, 128) - matrix_of(OTHER, 128)).max() > 0.1


def test_every_value_goes_into_every_value() -> None:
    """No value of a template is left in its place, as a permutation would leave it."""
    assert np.abs(matrix_of(SEED, 128)).max() < 0.5


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("dim", [128, 512])
def test_scores_are_the_same_with_and_without(metric: Metric, dim: int) -> None:
    rows = np.random.default_rng(5).standard_normal((40, dim)).astype(np.float32) / dim**0.5
    turned = SiteTransform("", SEED).apply(rows)
    apart = max(
        abs(score(a, b, metric) - score(x, y, metric))
        for a, x in zip(rows, turned, strict=True)
        for b, y in zip(rows, turned, strict=True)
    )
    assert apart < 1e-5
    assert np.abs(SiteTransform("", SEED).undo(turned) - rows).max() < 1e-6


def test_one_template_at_two_sites_is_like_two_directions_drawn_by_chance() -> None:
    rows = np.random.default_rng(6).standard_normal((2000, 128)).astype(np.float32)
    here, there = SiteTransform("", SEED).apply(rows), SiteTransform("", OTHER).apply(rows)
    found = np.array([score(a, b, "cosine") for a, b in zip(here, there, strict=True)])
    assert abs(found.mean()) < 0.04, "a trace over 128: five of its deviations"
    assert abs(found.std() - 1 / np.sqrt(128)) < 0.005
    assert found.max() < 0.4


@pytest.mark.parametrize("dim", [0, 1025])
def test_what_is_no_template_is_refused(dim: int) -> None:
    with pytest.raises(PackError):
        matrix_of(SEED, dim)
