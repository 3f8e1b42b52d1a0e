"""Enrolled templates and how a probe compares with them. One process, RAM only.

Every entry has one or more templates; its score is the best of them (measured: more photos beat
every other trick). Actual entries and exercise entries never compete: a drill must not hide a
real lead, so hits and margins are counted in each of the two realms alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError, PurposeError
from models.manifest import Metric
from models.nearness import Rows, negative_squares, products, unit
from models.purpose import Purpose
from models.values import Vector

_Scores = npt.NDArray[np.float64]
# Entries and rows taken in at once: some milliseconds.
_PART = 2048


class Listed(Protocol):
    """An entry of a list and how many rows of the matrix are its templates.

    ``look_alikes`` rows come after them: people who are known not to be this person.
    """

    @property
    def entry_id(self) -> str:
        """Id of the entry."""

    @property
    def exercise(self) -> bool:
        """Of a drill."""

    @property
    def templates(self) -> int:
        """Rows of the person."""

    @property
    def look_alikes(self) -> int:
        """Rows of people who are not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A ``Listed``."""

    entry_id: str
    exercise: bool
    templates: int
    look_alikes: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """The best entry of a realm.

    ``margin`` its lead over the second best and over its own look-alikes; None when alone.
    """

    entry_id: str
    exercise: bool
    score: float
    margin: float | None


class Gallery:
    """Templates of one embedder, kept for one purpose.

    Every search names what it is for; :class:`PurposeError` when the gallery is for another.
    """

    def __init__(
        self,
        model_id: str,
        metric: Metric,
        entries: Sequence[Listed],
        rows: Rows,
        purpose: Purpose,
    ) -> None:
        """*rows* (n, dim) in the order of *entries*; :class:`PackError` when they do not fit."""
        self.purpose = purpose
        for _ in self._prepare(model_id, metric, entries, rows):
            pass

    @classmethod
    def in_parts(
        cls,
        model_id: str,
        metric: Metric,
        entries: Sequence[Listed],
        rows: Rows,
        purpose: Purpose,
    ) -> Generator[None, None, Self]:
        """The same, with pauses of a few milliseconds' work between, for who has else to do."""
        made = cls.__new__(cls)
        made.purpose = purpose
        yield from cls._prepare(made, model_id, metric, entries, rows)
        return made

    def _prepare(
        self, model_id: str, metric: Metric, entries: Sequence[Listed], rows: Rows
    ) -> Iterator[None]:
        if rows.ndim != 2 or rows.dtype != np.float32:
            raise PackError("a gallery's templates must be finite float32 rows")
        self.model_id = model_id
        self.metric: Metric = metric
        self.entries: Sequence[Listed] = entries
        counts = np.zeros((len(entries), 2), np.intp)
        exercise = np.zeros(len(entries), bool)
        names: set[tuple[str, bool]] = set()
        for start in range(0, len(entries), _PART):
            part = entries[start : start + _PART]
            counts[start : start + _PART] = [(e.templates, e.look_alikes) for e in part]
            exercise[start : start + _PART] = [entry.exercise for entry in part]
            names.update((entry.entry_id, entry.exercise) for entry in part)
            yield
        self._expect_sound(counts, len(rows), len(names))
        chosen = np.repeat(np.tile([True, False], len(counts)), counts.ravel())
        self._rows = np.empty((int(counts[:, 0].sum()), rows.shape[1]), np.float32)
        self._others = np.empty((len(rows) - len(self._rows), rows.shape[1]), np.float32)
        self._squares = np.empty(len(self._rows), np.float32)
        yield from self._take(rows, chosen)
        self._owners = np.repeat(np.arange(len(counts)), counts[:, 1])
        self._starts = np.concatenate([[0], np.cumsum(counts[:, 0])[:-1]]).astype(np.intp)
        self._realms = tuple((realm, np.flatnonzero(exercise == realm)) for realm in (False, True))

    def _expect_sound(self, counts: npt.NDArray[np.intp], rows: int, names: int) -> None:
        if counts.sum() != rows:
            raise PackError(f"{rows} templates do not belong to {len(counts)} entries")
        if (counts < [1, 0]).any():
            raise PackError("an entry without a template cannot be compared")
        if names != len(counts):
            raise PackError("an entry stands twice in the gallery")

    def _take(self, rows: Rows, chosen: npt.NDArray[np.bool_]) -> Iterator[None]:
        """Copy rows: *chosen* are templates, the others look-alikes."""
        template = other = 0
        for start in range(0, len(rows), _PART):
            part, mine = rows[start : start + _PART], chosen[start : start + _PART]
            if not np.isfinite(part).all():
                raise PackError("a gallery's templates must be finite float32 rows")
            part = unit(part) if self.metric == "cosine" else part
            own = part if mine.all() else part[mine]
            end, other_end = template + len(own), other + len(part) - len(own)
            self._rows[template:end] = own
            self._squares[template:end] = np.einsum("ij,ij->i", own, own)
            self._others[other:other_end] = part[~mine]
            template, other = end, other_end
            yield

    @property
    def dim(self) -> int:
        """Length of a template."""
        return int(self._rows.shape[1])

    def expect_purpose(self, purpose: Purpose) -> None:
        """Refuse to be searched for anything else than what these templates are kept for."""
        if purpose is not self.purpose:
            raise PurposeError(f"templates kept for {self.purpose} are not searched for {purpose}")

    def expect(self, model_id: str, dim: int) -> None:
        """Refuse templates of other weights: their scores would mean nothing."""
        if (self.model_id, self.dim) != (model_id, dim):
            raise PackError(
                f"the gallery's templates are of {self.model_id} ({self.dim} values), this machine"
                f" computes {model_id} ({dim}); enrol the photos again"
            )

    def scores(self, probes: Rows, purpose: Purpose) -> npt.NDArray[np.float64]:
        """(k, entries): how much each of k probes is like each entry, higher is more."""
        self.expect_purpose(purpose)
        if probes.ndim != 2 or probes.shape[1] != self.dim:
            raise PackError(f"probes of shape {probes.shape} cannot be compared with {self.dim}")
        if not self.entries:
            return np.zeros((len(probes), 0))
        nearness = self._nearness(self._rows, self._squares, probes)
        if len(self._starts) < len(self._rows):
            nearness = np.maximum.reduceat(nearness, self._starts, axis=1)
        return self._scores(nearness)

    def look_alikes(self, probe: Vector, purpose: Purpose) -> dict[int, float]:
        """How much a probe is like the nearest look-alike of each entry that has any, by place."""
        self.expect_purpose(purpose)
        if not len(self._owners):
            return {}
        squares = np.einsum("ij,ij->i", self._others, self._others)
        nearness = self._nearness(self._others, squares, probe[None])[0]
        owners, starts = np.unique(self._owners, return_index=True)
        best = self._scores(np.maximum.reduceat(nearness, starts))
        return dict(zip(owners.tolist(), best.tolist(), strict=True))

    def _nearness(self, rows: Rows, squares: Rows, probes: Rows) -> Rows:
        """(k, n), higher is nearer: cosines, or squares of distances below zero."""
        if self.metric == "cosine":
            return products(rows, unit(probes))
        nearness = products(rows, probes)
        for one, probe in zip(nearness, probes, strict=True):
            negative_squares(one, rows, squares, probe)
        return nearness

    def _scores(self, nearness: Rows) -> _Scores:
        scores = nearness.astype(np.float64)
        if self.metric == "euclidean":
            np.sqrt(np.negative(scores, out=scores), out=scores)
            np.subtract(1.0, scores, out=scores)
        return scores

    def best(self, scores: _Scores, look_alikes: Mapping[int, float] | None = None) -> list[Hit]:
        """The best entry of each realm for one probe's row of *scores*, at most one hit a realm.

        An entry does not compete when the probe is at least as near to one of its *look_alikes*.
        """
        near = look_alikes or {}
        out = [place for place, score in near.items() if score >= scores[place]]
        if out:
            scores = scores.copy()
            scores[out] = -np.inf
        hits = []
        for realm, members in self._realms:
            mine = scores if len(members) == len(scores) else scores[members]
            if not len(mine) or mine[first := int(mine.argmax())] == -np.inf:
                continue
            place, top = int(members[first]), float(mine[first])
            others = [float(part.max()) for part in (mine[:first], mine[first + 1 :]) if len(part)]
            rivals = [rival for rival in others if rival > -np.inf]
            rivals += [near[place]] if place in near else []
            margin = top - max(rivals) if rivals else None
            hits.append(Hit(self.entries[place].entry_id, realm, top, margin))
        return hits

    def resembles(
        self,
        vector: Vector,
        entry_id: str,
        at_least: float,
        purpose: Purpose,
        *,
        exercise: bool,
    ) -> str | None:
        """Another entry of that realm that a template is this much like; the most alike."""
        found = self.scores(vector[None], purpose)[0]
        others = [
            place
            for place in np.flatnonzero(found >= at_least).tolist()
            if self.entries[place].exercise is exercise and self.entries[place].entry_id != entry_id
        ]
        best = max(others, key=lambda place: float(found[place]), default=None)
        return None if best is None else self.entries[best].entry_id

    def twins(self, at_least: float, purpose: Purpose) -> list[tuple[str, str, float]]:
        """Pairs of entries of one realm that look like one person, most alike first.

        Such a pair takes each other's margin; whoever imports lists should merge or warn.
        """
        best: dict[tuple[int, int], float] = {}
        entries = self.entries
        owners = np.repeat(np.arange(len(entries)), [entry.templates for entry in entries])
        for row, owner in zip(self._rows, owners.tolist(), strict=True):
            scores = self.scores(row[None], purpose)[0]
            for other in np.flatnonzero(scores >= at_least).tolist():
                if owner < other and entries[owner].exercise == entries[other].exercise:
                    score = float(scores[other])
                    best[owner, other] = max(best.get((owner, other), -1.0), score)
        pairs = [
            (entries[a].entry_id, entries[b].entry_id, score) for (a, b), score in best.items()
        ]
        return sorted(pairs, key=lambda pair: -pair[2])


def mean_template(vectors: Sequence[Vector], metric: Metric) -> Vector:
    """One template for several frames of one face: the mean, of unit vectors for ``cosine``."""
    rows = np.stack(vectors)
    mean = (unit(rows) if metric == "cosine" else rows).mean(0)
    return np.ascontiguousarray(unit(mean[None])[0] if metric == "cosine" else mean, np.float32)


def score(a: Vector, b: Vector, metric: Metric) -> float:
    """How much two templates are alike, higher is more."""
    if metric == "cosine":
        return float(unit(a[None])[0] @ unit(b[None])[0])
    return 1.0 - float(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64)))
