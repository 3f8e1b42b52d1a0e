"""Turns aligned chips into templates.

Here: colour order, normalisation, the mirror image, and the network. Not here: cutting chips
(``models.chips``), comparing templates (``models.gallery``).
"""

from __future__ import annotations

import numpy as np

from agent.core.errors import PackError
from models.manifest import EmbedderSpec
from models.normalise import Normalise
from models.sessions import Session, Tensor
from models.values import Image, Vector


class Embedder:
    """One embedding network and what it expects."""

    def __init__(self, session: Session, spec: EmbedderSpec) -> None:
        self._session = session
        self._spec = spec
        self._normalise = Normalise(spec.colour, spec.mean, spec.scale)

    def embed(self, chip: Image) -> Vector:
        """The template, float32 (dim,), of a BGR chip of the network's side."""
        side = self._spec.geometry.side_px
        if chip.shape != (side, side, 3):
            raise PackError(f"a chip of shape {chip.shape} where ({side}, {side}, 3) is due")
        batch = self._normalise(chip[None])
        if self._spec.mirror:
            batch = np.concatenate([batch, batch[:, :, :, ::-1]])
        return self._join(self._session.run(np.ascontiguousarray(batch))[0])

    def _join(self, rows: Tensor) -> Vector:
        if rows.ndim != 2 or rows.shape[1] != self._spec.dim or not np.isfinite(rows).all():
            raise PackError(f"the embedder gave {rows.shape}, not vectors of {self._spec.dim}")
        if self._spec.metric == "cosine":
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        joined = rows.mean(0)
        if self._spec.metric == "cosine":
            joined = joined / max(float(np.linalg.norm(joined)), 1e-12)
        return np.ascontiguousarray(joined, np.float32)
