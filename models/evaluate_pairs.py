"""One photo against one photo: how often two people pass for one, how often one is missed.

Here: scores of all pairs, thresholds and rates from them, the points of a DET curve. Not here:
searches in a gallery (``models.evaluate_open``), reading photos (``models.evaluate``). NIST calls
the rates FMR (here FAR) and FNMR (1 - TAR). Photos of one session of a person are near copies and
are not compared with each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.evaluate import NO_SESSION, Rate, Sample, count, threshold_at
from models.gallery import Entry, Gallery
from models.manifest import Metric
from models.purpose import Purpose

Scores = npt.NDArray[np.float64]
_ROWS = 512
# Of fewer pairs a rate near one in a thousand says nothing, and a ratio of it less.
FEWEST_FOR_RATIO = 500


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Scores of pairs of photos: of one person (sessions apart) and of two people."""

    genuine: Scores
    impostors: Scores


@dataclass(frozen=True, slots=True)
class AtRate:
    """TAR where at most ``far`` of the impostors pass; ``tar`` None when too few can show that."""

    far: float
    threshold: float | None
    tar: Rate | None


def score_pairs(samples: Sequence[Sample], metric: Metric) -> Pairs:
    """All pairs of *samples*, each once."""
    if not samples:
        return Pairs(np.zeros(0), np.zeros(0))
    rows = np.stack([sample.vector for sample in samples])
    entries = [Entry(str(i), exercise=False, templates=1) for i in range(len(samples))]
    gallery = Gallery("", metric, entries, rows, Purpose.MEASURE)
    people = np.array([sample.person for sample in samples])
    sessions = np.array([sample.session for sample in samples])
    genuine, impostors = [np.zeros(0)], [np.zeros(0)]
    for start in range(0, len(samples), _ROWS):
        part = slice(start, start + _ROWS)
        scores = gallery.scores(rows[part], Purpose.MEASURE)
        later = np.arange(len(samples)) > np.arange(start, start + len(scores))[:, None]
        same = people[part, None] == people
        apart = (sessions[part, None] != sessions) | (sessions == NO_SESSION)
        genuine.append(scores[later & same & apart])
        impostors.append(scores[later & ~same])
    return Pairs(np.concatenate(genuine), np.concatenate(impostors))


def tar_at(pairs: Pairs, far: float) -> AtRate:
    """The share of genuine pairs accepted where at most *far* of the impostors are."""
    if len(pairs.impostors) * far < 1 or not len(pairs.genuine):
        return AtRate(far, None, None)
    threshold = threshold_at(pairs.impostors, far)
    return AtRate(far, threshold, count(pairs.genuine, threshold))


def worst_best_ratio(rates: Sequence[Rate]) -> float | None:
    """The highest rate over the lowest; None without two rates of 500 trials to compare.

    As soon as a group has no hit at all, Jeffreys' estimate (hits + 1/2) / (trials + 1) stands for
    every rate: "none in a thousand" is then one in two thousand, not nought.
    """
    shown = [rate for rate in rates if rate.trials >= FEWEST_FOR_RATIO]
    if len(shown) < 2:
        return None
    if all(rate.hits for rate in shown):
        values = [rate.value for rate in shown]
    else:
        values = [(rate.hits + 0.5) / (rate.trials + 1) for rate in shown]
    return max(values) / min(values)


def det_points(genuine: Scores, impostors: Scores, most: int = 200) -> list[tuple[float, float]]:
    """(false positive rate, false negative rate), both monotone; at most *most* points.

    Points lie evenly on the logarithm of the false positive rate, from one hit in all trials up.
    """
    if not len(genuine) or not len(impostors):
        return []
    ranked = np.sort(impostors)[::-1]
    wanted = np.geomspace(1, len(ranked), most)
    hits = sorted({math.floor(value) for value in wanted})
    thresholds = ranked[np.array(hits) - 1]
    reached = np.searchsorted(np.sort(impostors), thresholds, side="left")
    missed = np.searchsorted(np.sort(genuine), thresholds, side="left")
    positive = (len(impostors) - reached) / len(impostors)
    negative = missed / len(genuine)
    return list(zip(positive.tolist(), negative.tolist(), strict=True))
