"""Enrolled templates and how a probe compares with them. One process, RAM only.

Every entry has one or more templates; its score is the best of them (measured: more photos beat
every other trick). Actual entries and exercise entries never compete: a drill must not hide a
real lead, so hits and margins are counted in each of the two realms alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.manifest import Metric
from models.values import Vector

Rows = npt.NDArray[np.float32]
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a list and how many rows of the matrix are its templates.

    ``look_alikes`` rows come after them: people who are known not to be this person.
    """

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
    """Templates of one embedder."""

    def __init__(self, model_id: str, metric: Metric, entries: Sequence[Entry], rows: Rows) -> None:
        """*rows* (n, dim) in the order of *entries*; :class:`PackError` when they do not fit."""
        if rows.ndim != 2 or rows.dtype != np.float32 or not np.isfinite(rows).all():
            raise PackError("a gallery's templates must be finite float32 rows")
        if sum(entry.templates + entry.look_alikes for entry in entries) != len(rows):
            raise PackError(f"{len(rows)} templates do not belong to {len(entries)} entries")
        if any(entry.templates < 1 or entry.look_alikes < 0 for entry in entries):
            raise PackError("an entry without a template cannot be compared")
        names = [(entry.entry_id, entry.exercise) for entry in entries]
        if len(set(names)) != len(names):
            raise PackError("an entry stands twice in the gallery")
        self.model_id = model_id
        self.metric: Metric = metric
        self.entries = tuple(entries)
        rows = _unit(rows) if metric == "cosine" else np.ascontiguousarray(rows)
        self._rows, self._others, self._owners = _parted(self.entries, rows)
        sizes = [entry.templates for entry in entries]
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        self._exercise = np.array([entry.exercise for entry in entries], bool)

    @property
    def dim(self) -> int:
        """Length of a template."""
        return int(self._rows.shape[1])

    def expect(self, model_id: str, dim: int) -> None:
        """Refuse templates of other weights: their scores would mean nothing."""
        if (self.model_id, self.dim) != (model_id, dim):
            raise PackError(
                f"the gallery's templates are of {self.model_id} ({self.dim} values), this machine"
                f" computes {model_id} ({dim}); enrol the photos again"
            )

    def scores(self, probes: Rows) -> npt.NDArray[np.float64]:
        """(k, entries): how much each of k probes is like each entry, higher is more."""
        if probes.ndim != 2 or probes.shape[1] != self.dim:
            raise PackError(f"probes of shape {probes.shape} cannot be compared with {self.dim}")
        if not self.entries:
            return np.zeros((len(probes), 0))
        likeness = np.stack([self._likeness(self._rows, probe) for probe in probes])
        best: npt.NDArray[np.float64] = np.maximum.reduceat(likeness, self._starts, axis=1)
        return best

    def look_alikes(self, probe: Vector) -> dict[int, float]:
        """How much a probe is like the nearest look-alike of each entry that has any, by place."""
        if not len(self._owners):
            return {}
        found: dict[int, float] = {}
        likeness = self._likeness(self._others, probe)
        for owner, one in zip(self._owners.tolist(), likeness.tolist(), strict=True):
            found[owner] = max(found.get(owner, -math.inf), one)
        return found

    def _likeness(self, rows: Rows, probe: Vector) -> npt.NDArray[np.float64]:
        if self.metric == "cosine":
            cosines: npt.NDArray[np.float64] = (rows @ _unit(probe[None])[0]).astype(np.float64)
            return cosines
        squares = np.empty(len(rows))
        for start in range(0, len(squares), _BLOCK):
            apart = rows[start : start + _BLOCK] - probe
            squares[start : start + _BLOCK] = np.einsum("ij,ij->i", apart, apart)
        return 1.0 - np.sqrt(squares)

    def best(
        self, scores: npt.NDArray[np.float64], look_alikes: Mapping[int, float] | None = None
    ) -> list[Hit]:
        """The best entry of each realm for one probe's row of *scores*, at most one hit a realm.

        An entry does not compete when the probe is at least as near to one of its *look_alikes*.
        """
        near = look_alikes or {}
        out = [place for place, score in near.items() if score >= scores[place]]
        hits = []
        for realm in (False, True):
            members = np.setdiff1d(np.flatnonzero(self._exercise == realm), out)
            if not len(members):
                continue
            order = members[np.argsort(-scores[members], kind="stable")[:2]].tolist()
            top = float(scores[order[0]])
            rivals = [float(scores[place]) for place in order[1:]]
            rivals += [near[order[0]]] if order[0] in near else []
            margin = top - max(rivals) if rivals else None
            hits.append(Hit(self.entries[order[0]].entry_id, realm, top, margin))
        return hits

    def resembles(
        self, vector: Vector, entry_id: str, at_least: float, *, exercise: bool
    ) -> str | None:
        """Another entry of that realm that a template is this much like; the most alike."""
        found = self.scores(vector[None])[0]
        others = [
            place
            for place in np.flatnonzero(found >= at_least).tolist()
            if self.entries[place].exercise is exercise and self.entries[place].entry_id != entry_id
        ]
        best = max(others, key=lambda place: float(found[place]), default=None)
        return None if best is None else self.entries[best].entry_id

    def twins(self, at_least: float) -> list[tuple[str, str, float]]:
        """Pairs of entries of one realm that look like one person, most alike first.

        Such a pair takes each other's margin; whoever imports lists should merge or warn.
        """
        best: dict[tuple[int, int], float] = {}
        owners = np.repeat(np.arange(len(self.entries)), [e.templates for e in self.entries])
        for row, owner in zip(self._rows, owners.tolist(), strict=True):
            for other in np.flatnonzero(self.scores(row[None])[0] >= at_least).tolist():
                if owner < other and self._exercise[owner] == self._exercise[other]:
                    score = float(self.scores(row[None])[0, other])
                    best[owner, other] = max(best.get((owner, other), -1.0), score)
        pairs = [
            (self.entries[a].entry_id, self.entries[b].entry_id, score)
            for (a, b), score in best.items()
        ]
        return sorted(pairs, key=lambda pair: -pair[2])


def _parted(entries: Sequence[Entry], rows: Rows) -> tuple[Rows, Rows, npt.NDArray[np.intp]]:
    """Templates, look-alikes, and the place of the entry that each look-alike is of."""
    if not any(entry.look_alikes for entry in entries):
        return rows, rows[:0], np.zeros(0, np.intp)
    sizes = [size for entry in entries for size in (entry.templates, entry.look_alikes)]
    other = np.repeat(np.arange(len(sizes)) % 2 == 1, sizes)
    owners = np.repeat(np.arange(len(entries)), [entry.look_alikes for entry in entries])
    return np.ascontiguousarray(rows[~other]), np.ascontiguousarray(rows[other]), owners


def mean_template(vectors: Sequence[Vector], metric: Metric) -> Vector:
    """One template for several frames of one face: the mean, of unit vectors for ``cosine``."""
    rows = np.stack(vectors)
    mean = (_unit(rows) if metric == "cosine" else rows).mean(0)
    return np.ascontiguousarray(_unit(mean[None])[0] if metric == "cosine" else mean, np.float32)


def score(a: Vector, b: Vector, metric: Metric) -> float:
    """How much two templates are alike, higher is more."""
    if metric == "cosine":
        return float(_unit(a[None])[0] @ _unit(b[None])[0])
    return 1.0 - float(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64)))


def _unit(rows: Rows) -> Rows:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.maximum(lengths, 1e-12), np.float32)
