"""How long to wait before trying again: exponential, capped, jittered, reset by success.

Pure: randomness is passed in. Jitter is 'equal jitter': half the step is certain, half is random,
so a fleet that lost its broker at once does not come back at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Seconds: the first step, the cap, and the growth from one failure to the next."""

    first_s: float = 1.0
    max_s: float = 60.0
    factor: float = 2.0


class Backoff:
    """Counts failures and names the next waiting time."""

    def __init__(self, policy: BackoffPolicy, uniform: Callable[[], float]) -> None:
        """*uniform* returns a float in [0, 1)."""
        self._policy = policy
        self._uniform = uniform
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def failed(self) -> float:
        """Count a failure; returns seconds to wait, within [step/2, step)."""
        exponent = min(self._failures, 62)
        step = min(self._policy.first_s * self._policy.factor**exponent, self._policy.max_s)
        self._failures += 1
        return step / 2 + step / 2 * self._uniform()

    def part_of(self, seconds: float) -> float:
        """A random part of *seconds*, for what many do for the same reason at the same time."""
        return seconds * self._uniform()

    def succeeded(self) -> None:
        """Start from the first step again."""
        self._failures = 0
