"""The whole evaluation of a pack on groups of people, as values and as the JSON that is promised.

Here: which figures belong together. Not here: reading photos, how a figure is counted, the page
for people. Everything is deterministic: the same photos give the same report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.evaluate import Collected, Outcome, Rate, count, passages
from models.evaluate_groups import People
from models.evaluate_open import OpenRow, Searches, missed, row_at, search
from models.evaluate_pairs import AtRate, det_points, score_pairs, tar_at, worst_best_ratio
from models.manifest import FEWEST_FRAMES, Metric, Thresholds
from models.matcher import policy_for

FARS = (1e-2, 1e-3, 1e-4)
FPIRS = (1e-2, 3e-3, 1e-3)
GALLERIES = (20, 100, 500)
PHOTOS = (1, 3)
# The DET curve of searches on the page.
SHOWN_GALLERY = (100, 1)

Points = list[tuple[float, float]]
Stage = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class AtShipped:
    """A gallery searched at the shipped threshold."""

    gallery: int
    photos: int
    fpir: Rate
    fnir: Rate


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All figures of one group."""

    people: int
    images: int
    acquired: int
    failures: dict[str, int]
    genuine: int
    impostors: int
    tar_at_far: tuple[AtRate, ...]
    far_at_threshold: Rate
    tar_at_threshold: Rate
    open_set: tuple[OpenRow, ...]
    open_set_at_threshold: tuple[AtShipped, ...]
    passages: Outcome
    det: Points
    det_open: Points


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A pack on groups of people, at the one threshold it is shipped with.

    ``detector``: what found the faces, which moves every figure.
    """

    pack: str
    model_id: str
    detector: str
    threshold: float
    people: People
    groups: dict[str, Group]

    @property
    def worst_best_far_ratio(self) -> float | None:
        """Highest FAR of a group over the lowest, at the shipped threshold."""
        return worst_best_ratio([group.far_at_threshold for group in self.groups.values()])


def evaluate(
    pack: str,
    model_id: str,
    thresholds: Thresholds,
    metric: Metric,
    collected: Mapping[str, Collected],
    *,
    detector: str,
    people: People = People.ALL,
    stage: Stage = lambda _name, _share: None,
) -> Evaluation:
    """All figures of all groups. The threshold is the one for a single frame."""
    samples = {name: found.samples for name, found in collected.items()}
    groups = {}
    for number, (name, found) in enumerate(collected.items(), 1):
        searches = {
            (size, photos): search(samples, name, metric, gallery=size, photos=photos)
            for size in GALLERIES
            for photos in PHOTOS
        }
        groups[name] = _group(found, metric, thresholds, searches)
        stage("compare", number / len(collected))
    return Evaluation(pack, model_id, detector, thresholds.frame, people, groups)


def _group(
    found: Collected,
    metric: Metric,
    thresholds: Thresholds,
    searches: Mapping[tuple[int, int], Searches],
) -> Group:
    pairs = score_pairs(found.samples, metric)
    threshold = thresholds.frame
    shown = searches[SHOWN_GALLERY]
    return Group(
        people=found.people,
        images=found.images,
        acquired=len(found.samples),
        failures=dict(sorted(found.skipped.items())),
        genuine=len(pairs.genuine),
        impostors=len(pairs.impostors),
        tar_at_far=tuple(tar_at(pairs, far) for far in FARS),
        far_at_threshold=count(pairs.impostors, threshold),
        tar_at_threshold=count(pairs.genuine, threshold),
        open_set=tuple(
            row_at(drawn, size, photos, fpir)
            for (size, photos), drawn in searches.items()
            for fpir in FPIRS
        ),
        open_set_at_threshold=tuple(
            AtShipped(size, photos, count(drawn.strangers, threshold), missed(drawn, threshold))
            for (size, photos), drawn in searches.items()
            if not drawn.why
        ),
        passages=_passages(found, metric, thresholds),
        det=det_points(pairs.genuine, pairs.impostors),
        det_open=det_points(shown.mated, shown.strangers),
    )


def _passages(found: Collected, metric: Metric, thresholds: Thresholds) -> Outcome:
    if not found.samples:
        return Outcome(0, *(Rate(0, 0) for _ in range(4)))
    return passages(found.samples, policy_for(thresholds, FEWEST_FRAMES), metric)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The promised JSON; intervals (95 %, Wilson) and counts stand beside the rates."""
    return {
        "pack": evaluation.pack,
        "model_id": evaluation.model_id,
        "detector": evaluation.detector,
        "threshold": evaluation.threshold,
        "people": evaluation.people.value,
        "groups": {name: _group_json(group) for name, group in evaluation.groups.items()},
        "worst_best_far_ratio": evaluation.worst_best_far_ratio,
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "people": group.people,
        "images": group.images,
        "acquired": group.acquired,
        "failures_to_acquire": group.failures,
        "genuine_pairs": group.genuine,
        "impostor_pairs": group.impostors,
        "tar_at_far": {f"{row.far:g}": _value(row.tar) for row in group.tar_at_far},
        "tar_at_far_bounds": {f"{row.far:g}": _bounds(row.tar) for row in group.tar_at_far},
        "tar_at_far_threshold": {f"{row.far:g}": row.threshold for row in group.tar_at_far},
        "far_at_threshold": _value(group.far_at_threshold),
        "far_at_threshold_bounds": _bounds(group.far_at_threshold),
        "tar_at_threshold": _value(group.tar_at_threshold),
        "tar_at_threshold_bounds": _bounds(group.tar_at_threshold),
        "open_set": [_row_json(row) for row in group.open_set],
        "open_set_at_threshold": [
            {
                "gallery": row.gallery,
                "photos": row.photos,
                "fpir": _value(row.fpir),
                "fpir_bounds": _bounds(row.fpir),
                "fnir": _value(row.fnir),
                "fnir_bounds": _bounds(row.fnir),
            }
            for row in group.open_set_at_threshold
        ],
        "passages": {
            "false_leads": _value(group.passages.false_leads),
            "false_leads_bounds": _bounds(group.passages.false_leads),
            "false_reviews": _value(group.passages.false_reviews),
            "true_leads": _value(group.passages.true_leads),
            "true_reviews": _value(group.passages.true_reviews),
            "of_strangers": group.passages.false_leads.trials,
            "of_enrolled": group.passages.true_leads.trials,
        },
    }


def _row_json(row: OpenRow) -> dict[str, Any]:
    return {
        "gallery": row.gallery,
        "photos": row.photos,
        "fpir": row.fpir,
        "fnir": _value(row.fnir),
        "strangers": row.strangers,
        "fnir_bounds": _bounds(row.fnir),
        "threshold": row.threshold,
        "strangers_of_other_groups": row.joined,
        "stranger_searches": row.searches,
        "mated_searches": row.fnir.trials if row.fnir else 0,
        "gallery_of_other_groups": row.fillers,
        "why": row.why or None,
    }


def _value(rate: Rate | None) -> float | None:
    return rate.value if rate is not None and rate.trials else None


def _bounds(rate: Rate | None) -> list[float] | None:
    return list(rate.bounds) if rate is not None and rate.trials else None
