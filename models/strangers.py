"""Statistics of the people who pass a gate and are nobody's match: of many together, never of one.

Here: a running mean and covariance of templates and a histogram of best scores, which
``models.calibrate`` predicts false leads from. They live in memory only, and begin with noise that
is larger than a template: a memory dump after the first passer-by holds no template either. What is
given away is a batch of hundreds: the histogram and four numbers that no turning of the space of
templates changes. Mean and covariance themselves stay here: in those, somebody who passes a
hundred times a day would show as a direction of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.border.messages import FEWEST_TRACKS, HIGHEST_SCORE, LOWEST_SCORE, SCORE_BINS
from models.values import Vector

# In every coordinate of the sum; a template is of length 1 or so over all of them together.
SUM_NOISE = 0.5
# In every entry of the sum of products, whose one template has a length of 1 over all of them.
PRODUCT_NOISE = 0.1
Normal = Callable[[int], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the templates' mean m and covariance C: m.m, trace(C), trace(CC), m.Cm."""

    length: float
    spread: float
    squares: float
    along: float


@dataclass(frozen=True, slots=True)
class Batch:
    """At least ``FEWEST_TRACKS`` passages together.

    ``tracks`` were compared with ``entries`` entries (summed over tracks) within ``seconds``;
    ``scores`` counts their best scores by bin.
    """

    tracks: int
    entries: int
    seconds: float
    scores: tuple[int, ...]
    moments: Moments


class Strangers:
    """Gathers batches of tracks.

    Every compared track counts once: its template when it is compared first, and its best score
    when it has ended without a lead.
    """

    def __init__(self, dim: int, normal: Normal) -> None:
        """*normal* gives so many numbers of the standard normal distribution, unforeseeable."""
        self._dim = dim
        self._normal = normal
        self.clear()

    def clear(self) -> None:
        """Begin anew; what was gathered is forgotten."""
        self._tracks = self._entries = 0
        self._seconds = 0.0
        self._scores = np.zeros(SCORE_BINS, np.int64)
        self._total = SUM_NOISE * self._normal(self._dim)
        noise = np.triu(self._normal(self._dim**2).reshape(self._dim, self._dim))
        self._products = PRODUCT_NOISE * (noise + np.triu(noise, 1).T)

    def passed(self, seconds: float) -> None:
        """So long were faces looked for."""
        self._seconds += seconds

    def add(self, template: Vector, entries: int) -> None:
        """A track was compared with *entries* entries for the first time."""
        row = template.astype(np.float64)
        self._tracks += 1
        self._entries += entries
        self._total += row
        self._products += np.outer(row, row)

    def ended(self, score: float) -> None:
        """A track ended; *score* was its best, and it was no lead."""
        self._scores[bin_of(score)] += 1

    def take(self) -> Batch | None:
        """What was gathered, once it is enough; gathering begins anew."""
        if min(self._tracks, int(self._scores.sum())) < FEWEST_TRACKS:
            return None
        scores = tuple(int(count) for count in self._scores)
        batch = Batch(self._tracks, self._entries, self._seconds, scores, self._moments())
        self.clear()
        return batch

    def _moments(self) -> Moments:
        """With what the noise adds on average taken off again."""
        many, dim = self._tracks, self._dim
        mean = self._total / many
        covariance = self._products / many - np.outer(mean, mean)
        length = float(mean @ mean) - dim * (SUM_NOISE / many) ** 2
        squares = float((covariance**2).sum()) - (dim * PRODUCT_NOISE / many) ** 2
        return Moments(
            max(length, 0.0),
            max(float(np.trace(covariance)), 0.0),
            max(squares, 0.0),
            max(float(mean @ covariance @ mean), 0.0),
        )


def bin_of(score: float) -> int:
    """Which bin of the histogram a score falls into."""
    share = (score - LOWEST_SCORE) / (HIGHEST_SCORE - LOWEST_SCORE)
    return min(max(int(share * SCORE_BINS), 0), SCORE_BINS - 1)
