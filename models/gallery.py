"""Enrolled templates and how a probe compares with them. One process, RAM only.

Every entry has one or more templates; its score is the best of them (measured: more photos beat
every other trick). Actual entries and exercise entries never compete: a drill must not hide a
real lead, so hits and margins are counted in each of the two realms alone.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """An entry of a list and how many rows of the matrix are its templates."""

    entry_id: str
    exercise: bool
    templates: int


@dataclass(frozen=True, slots=True)
class Hit:
    """The best entry of a realm. ``margin`` its lead over the second best, None when alone."""

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
        if sum(entry.templates for entry in entries) != len(rows):
            raise PackError(f"{len(rows)} templates do not belong to {len(entries)} entries")
        if any(entry.templates < 1 for entry in entries):
            raise PackError("an entry without a template cannot be compared")
        names = [(entry.entry_id, entry.exercise) for entry in entries]
        if len(set(names)) != len(names):
            raise PackError("an entry stands twice in the gallery")
        self.model_id = model_id
        self.metric: Metric = metric
        self.entries = tuple(entries)
        self._rows = _unit(rows) if metric == "cosine" else np.ascontiguousarray(rows)
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
        likeness = np.stack([self._likeness(probe) for probe in probes])
        best: npt.NDArray[np.float64] = np.maximum.reduceat(likeness, self._starts, axis=1)
        return best

    def _likeness(self, probe: Vector) -> npt.NDArray[np.float64]:
        if self.metric == "cosine":
            cosines: npt.NDArray[np.float64] = (self._rows @ _unit(probe[None])[0]).astype(
                np.float64
            )
            return cosines
        squares = np.empty(len(self._rows))
        for start in range(0, len(squares), _BLOCK):
            apart = self._rows[start : start + _BLOCK] - probe
            squares[start : start + _BLOCK] = np.einsum("ij,ij->i", apart, apart)
        return 1.0 - np.sqrt(squares)

    def best(self, scores: npt.NDArray[np.float64]) -> list[Hit]:
        """The best entry of each realm for one probe's row of *scores*."""
        hits = []
        for realm in (False, True):
            members = np.flatnonzero(self._exercise == realm)
            if not len(members):
                continue
            order = members[np.argsort(-scores[members], kind="stable")[:2]]
            top = float(scores[order[0]])
            margin = top - float(scores[order[1]]) if len(order) > 1 else None
            hits.append(Hit(self.entries[order[0]].entry_id, realm, top, margin))
        return hits

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
