"""How sure a counted share is: Clopper and Pearson's exact interval. Pure.

For few trials and none or all hits, where approximations are too kind. It knows nothing of trials
that depend on each other: windows of one person say less than as many persons.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Share:
    """*hits* of *trials*."""

    hits: int
    trials: int

    @property
    def value(self) -> float | None:
        """As a fraction; None without a trial."""
        return self.hits / self.trials if self.trials else None

    @property
    def bounds(self) -> tuple[float, float]:
        """What holds the true share with 95 % confidence, two-sided; (0, 1) without a trial."""
        n, k, half = self.trials, self.hits, 0.025
        low = 0.0 if k == 0 else _solve(lambda p: 1 - at_most(k - 1, n, p) >= half)
        high = 1.0 if k == n else _solve(lambda p: at_most(k, n, p) <= half)
        return low, high

    def told(self) -> dict[str, float | int | list[float] | None]:
        """For JSON, rounded to four places."""
        value = self.value
        return {
            "hits": self.hits,
            "trials": self.trials,
            "share": None if value is None else round(value, 4),
            "interval95": [round(bound, 4) for bound in self.bounds],
        }


def at_most(hits: int, trials: int, share: float) -> float:
    """The chance of at most *hits* in *trials* when each hits with *share*."""
    return math.fsum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(hits + 1)
    )


def _solve(reached: Callable[[float], bool]) -> float:
    """The least share between 0 and 1 for which *reached* is true; it stays true above."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
