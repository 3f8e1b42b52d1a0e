from __future__ import annotations

from typing import Literal, cast

import numpy as np
import pytest

from models.chips import Geometry
from models.embedder import Embedder
from models.manifest import EmbedderSpec, Metric
from models.sessions import Session, Tensor

CHIP = np.full((112, 112, 3), 90, np.uint8)


class Fixed:
    """A network that gives these rows."""

    def __init__(self, *rows: list[float]) -> None:
        self._rows = np.array(rows, np.float32)

    def run(self, batch: Tensor) -> list[Tensor]:
        assert len(batch) == len(self._rows)
        return [self._rows]


def embedder(metric: Literal["cosine", "euclidean"], *rows: list[float]) -> Embedder:
    one = (1.0, 1.0, 1.0)
    found: Metric = metric
    spec = EmbedderSpec(Geometry.ARCFACE_112, "rgb", one, one, 2, found, mirror=len(rows) > 1)
    return Embedder(cast("Session", Fixed(*rows)), spec)


def test_the_norm_before_normalising_and_the_mirror_image_tell_what_a_frame_is_worth() -> None:
    made = embedder("cosine", [6.0, 0.0], [6.0, 8.0]).measure(CHIP)
    assert made.norm == pytest.approx(8.0)
    assert made.agreement == pytest.approx(0.6)
    assert np.linalg.norm(made.vector) == pytest.approx(1.0)


def test_a_network_whose_answers_are_not_normalised_has_no_norm_to_tell() -> None:
    made = embedder("euclidean", [0.9, 0.0], [0.9, 0.3]).measure(CHIP)
    assert made.norm == 1.0
    assert made.agreement == pytest.approx(0.7)
    assert made.vector.tolist() == pytest.approx([0.9, 0.15])


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_without_a_mirror_image_nothing_disagrees(metric: Metric) -> None:
    assert embedder(metric, [3.0, 4.0]).measure(CHIP).agreement == 1.0


def test_opposite_mirror_images_are_worth_nothing() -> None:
    assert embedder("cosine", [1.0, 0.0], [-1.0, 0.1]).measure(CHIP).agreement == 0.0
