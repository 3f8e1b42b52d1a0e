"""Predicts, from the statistics of a gate's own passers-by, how often strangers would be leads.

Here: false leads a day at each threshold, and which threshold to take. Where enough scores lie
above a threshold they are counted; beyond, two tails bracket the truth: a normal one through what
was counted (``expected``) and an exponential one, heavier than any that was measured (``at_most``).
Both leave out that a lead also needs agreeing frames and a margin, so both err to the safe side.
Pure Python. Not here: gathering (``models.strangers``), keeping (``agent.pipeline.statistics``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist

from agent.core.errors import CheckFailedError
from models.manifest import Metric, Thresholds

DAY_S = 86_400.0
FEWEST_TRACKS = 1000
_COUNTED = 10
_HEAVIEST = 100
_TAIL_FROM = 0.10
_NORMAL = NormalDist()
_UPPER = 2.326


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of a gate's strangers; see ``models.strangers.Batch``.

    ``edges`` are the lower edges of the bins of ``scores``, ``edges[n + 1]`` the upper one of n.
    """

    tracks: int
    entries: int
    seconds: float
    scores: Sequence[int]
    edges: Sequence[float]

    @property
    def mean_entries(self) -> float:
        """How many entries a track was compared with."""
        return self.entries / max(self.tracks, 1)

    @property
    def tracks_a_day(self) -> float:
        """How many faces were compared in a day of looking."""
        return self.tracks / self.seconds * DAY_S


@dataclass(frozen=True, slots=True)
class Prediction:
    """False leads a day at *threshold*: what is to be expected, and what is hardly exceeded."""

    threshold: float
    expected: float
    at_most: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """The lowest threshold that keeps to the wanted rate; ``limit`` says what held it there."""

    threshold: float | None
    limit: str
    table: tuple[Prediction, ...]


class Tail:
    """The share of strangers whose best score reaches a threshold."""

    def __init__(self, gathered: Gathered, entries: float | None = None) -> None:
        """*entries*: what it would be with so many entries instead of those that were compared.

        :class:`CheckFailedError` when too few passed to say anything.
        """
        self._total = sum(gathered.scores)
        if self._total < FEWEST_TRACKS or gathered.seconds <= 0:
            raise CheckFailedError(
                f"{self._total} passages without a lead are too few to predict from; at least"
                f" {FEWEST_TRACKS} are needed, better ten times as many"
            )
        self._edges = gathered.edges
        self._above = [*reversed(list(accumulate(reversed(gathered.scores)))), 0]
        self._entries = max(gathered.mean_entries, 1.0)
        self._power = 1.0 if entries is None else entries / self._entries
        self._slope, self._offset = self._probit()
        self._from, self._rate = self._exponential()

    def expected(self, threshold: float) -> float:
        """The share that is to be expected."""
        return _of_several(self._share(threshold), self._power)

    def at_most(self, threshold: float) -> float:
        """A share that is hardly exceeded."""
        count = self._count(threshold)
        if count >= _COUNTED:
            bound = (count + _UPPER * math.sqrt(count) + 2) / self._total
        else:
            steps = max(threshold - self._edges[self._from], 0.0)
            bound = self._above[self._from] / self._total * math.exp(-self._rate * steps)
            bound = min(bound, (_COUNTED + _UPPER * math.sqrt(_COUNTED) + 2) / self._total)
        return _of_several(max(min(bound, 1.0), self._share(threshold)), self._power)

    def _share(self, threshold: float) -> float:
        count = self._count(threshold)
        if count >= _COUNTED:
            return count / self._total
        one = _NORMAL.cdf(-self._offset - self._slope * threshold)
        return _of_several(one, self._entries)

    def _count(self, threshold: float) -> float:
        """Scores at or above; a bin that the threshold cuts counts in part."""
        edges = self._edges
        if threshold <= edges[0]:
            return float(self._total)
        if threshold >= edges[-1]:
            return 0.0
        width = (edges[-1] - edges[0]) / (len(edges) - 1)
        at = min(int((threshold - edges[0]) / width), len(edges) - 2)
        part = (edges[at + 1] - threshold) / (edges[at + 1] - edges[at])
        return self._above[at + 1] + part * (self._above[at] - self._above[at + 1])

    def _probit(self) -> tuple[float, float]:
        """Slope and offset of a normal tail, by weighted least squares.

        It is that of one entry's score: the best of many is not normal.
        """
        found = [
            (self._edges[n], -_NORMAL.inv_cdf(self._of_one(above)), float(min(above, _HEAVIEST)))
            for n, above in enumerate(self._above[:-1])
            if _COUNTED <= above <= self._total * 2 * _TAIL_FROM
        ]
        if len(found) < 3:
            raise CheckFailedError("the strangers' scores are all alike; nothing can be predicted")
        weight = sum(w for _, _, w in found)
        x0 = sum(w * x for x, _, w in found) / weight
        y0 = sum(w * y for _, y, w in found) / weight
        over = sum(w * (x - x0) ** 2 for x, _, w in found)
        slope = sum(w * (x - x0) * (y - y0) for x, y, w in found) / over
        return slope, y0 - slope * x0

    def _of_one(self, above: float) -> float:
        return _of_several(above / self._total, 1 / self._entries)

    def _exponential(self) -> tuple[int, float]:
        """From which bin on, and how fast, a tail falls that is heavier than the measured one."""
        start = next(n for n, above in enumerate(self._above) if above <= self._total * _TAIL_FROM)
        start = min(start, max(n for n, a in enumerate(self._above) if a >= _COUNTED))
        width = self._edges[1] - self._edges[0]
        excess = sum(self._above[start + 1 : -1]) * width + self._above[start] * width / 2
        return start, self._above[start] / excess if excess else math.inf


def _of_several(share: float, power: float) -> float:
    """The share of tracks that reach any of *power* entries, when *share* reach one."""
    if power == 1.0 or not 0.0 < share < 1.0:
        return share
    return -math.expm1(power * math.log1p(-share))


def propose(
    gathered: Gathered,
    thresholds: Thresholds,
    frames: int,
    per_day: float,
    entries: float | None = None,
) -> Proposal:
    """Which threshold to take for at most *per_day* false leads, and the table of all."""
    tail = Tail(gathered, entries)
    lowest = thresholds.lead(frames)
    steps = [round(thresholds.floor + 0.01 * n, 4) for n in range(100)]
    wanted = sorted({*(s for s in steps if s <= 1.0), round(lowest, 4)})
    many = gathered.tracks_a_day
    table = tuple(Prediction(t, many * tail.expected(t), many * tail.at_most(t)) for t in wanted)
    good = [row for row in table if row.at_most <= per_day and row.threshold >= lowest]
    if not good:
        return Proposal(None, "no threshold keeps to it; use a better pack, or review only", table)
    kept = "the pack's own threshold keeps to it" if good[0].threshold <= lowest + 1e-9 else ""
    return Proposal(good[0].threshold, kept or f"at most {per_day:g} false leads a day", table)


def alike(
    length: float, spread: float, squares: float, along: float, metric: Metric
) -> tuple[float, float]:
    """Mean and standard deviation of the score of two strangers of this gate.

    From ``models.strangers.Moments``, as if their templates were normal.
    """
    if metric == "cosine":
        return length, math.sqrt(squares + 2 * along)
    far, apart = max(2 * spread, 1e-12), math.sqrt(8 * squares)
    return 1 - math.sqrt(far) * (1 - (apart / far) ** 2 / 8), apart / (2 * math.sqrt(far))
