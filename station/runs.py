"""Which sequence numbers of a gate arrived, as runs without a hole. Pure.

The numbers between two runs are missing. Whatever the order and however often numbers arrive, the
same numbers give the same runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Run:
    """Every number from ``first`` to ``last``, both arrived."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Placed:
    """How the runs change: ``old`` go, ``new`` comes; both empty when the number was there."""

    old: tuple[Run, ...] = ()
    new: Run | None = None


def place(seq: int, left: Run | None, right: Run | None) -> Placed:
    """Put *seq* between its neighbours.

    *left* is the run with the greatest first number up to *seq*, *right* the run that starts right
    after *seq*, each None when there is none.
    """
    if left is not None and seq <= left.last:
        return Placed()
    touching = left if left is not None and left.last == seq - 1 else None
    following = right if right is not None and right.first == seq + 1 else None
    old = tuple(run for run in (touching, following) if run is not None)
    first = touching.first if touching else seq
    last = following.last if following else seq
    return Placed(old, Run(first, last))


def missing(runs: Iterable[Run]) -> list[Run]:
    """The holes between *runs*, lowest first."""
    ordered = sorted(runs, key=lambda run: run.first)
    return [Run(low.last + 1, high.first - 1) for low, high in pairwise(ordered)]


def count(runs: Iterable[Run]) -> int:
    """How many numbers stand in *runs*."""
    return sum(run.last - run.first + 1 for run in runs)
