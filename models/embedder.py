"""Turns aligned chips into templates.

Here: colour order, normalisation, the mirror image, and the network. Not here: cutting chips
(``models.chips``), comparing templates (``models.gallery``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.core.errors import PackError
from models.gallery import score
from models.manifest import EmbedderSpec
from models.normalise import Normalise
from models.sessions import Session, Tensor
from models.values import Image, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A template, and what the network's own answer says of its worth (see ``Probe``)."""

    vector: Vector
    norm: float
    agreement: float


class Embedder:
    """One embedding network and what it expects."""

    def __init__(self, session: Session, spec: EmbedderSpec) -> None:
        self._session = session
        self._spec = spec
        self._normalise = Normalise(spec.colour, spec.mean, spec.scale)

    def embed(self, chip: Image) -> Vector:
        """The template, float32 (dim,), of a BGR chip of the network's side."""
        return self.measure(chip).vector

    def measure(self, chip: Image) -> Measured:
        """The template of a chip, with its norm and the agreement of its mirror image."""
        side = self._spec.geometry.side_px
        if chip.shape != (side, side, 3):
            raise PackError(f"a chip of shape {chip.shape} where ({side}, {side}, 3) is due")
        batch = self._normalise(chip[None])
        if self._spec.mirror:
            batch = np.concatenate([batch, batch[:, :, :, ::-1]])
        return self._join(self._session.run(np.ascontiguousarray(batch))[0])

    def _join(self, rows: Tensor) -> Measured:
        if rows.ndim != 2 or rows.shape[1] != self._spec.dim or not np.isfinite(rows).all():
            raise PackError(f"the embedder gave {rows.shape}, not vectors of {self._spec.dim}")
        agreement, norm = self._agreement(rows), 1.0
        if self._spec.metric == "cosine":
            norms = np.linalg.norm(rows, axis=1, keepdims=True)
            rows, norm = rows / np.maximum(norms, 1e-12), float(norms.mean())
        joined = rows.mean(0)
        if self._spec.metric == "cosine":
            joined = joined / max(float(np.linalg.norm(joined)), 1e-12)
        return Measured(np.ascontiguousarray(joined, np.float32), norm, agreement)

    def _agreement(self, rows: Tensor) -> float:
        """How much face and mirror image are alike; never below 0."""
        if len(rows) < 2:
            return 1.0
        return max(score(rows[0], rows[1], self._spec.metric), 0.0)
