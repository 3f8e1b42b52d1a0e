"""Runs the network of a plate pack on a cut-out number plate: picture in, raw answers out.

No pack of this role is shipped; the role is here so that one made elsewhere is held to the same
proof. Not here: finding plates, reading characters out of the answers.
"""

from __future__ import annotations

import cv2
import numpy as np

from agent.core.errors import PackError
from models.normalise import Normalise
from models.sessions import Session, Tensor
from models.specs import PlateSpec
from models.values import Image


class PlateNet:
    """The network of a plate pack and what it expects."""

    def __init__(self, session: Session, spec: PlateSpec) -> None:
        self.session = session
        self.spec = spec
        self._normalise = Normalise(spec.colour, spec.mean, spec.scale)

    def scores(self, plate: Image) -> Tensor:
        """The network's answer for a BGR picture of a plate, of any size."""
        size = (self.spec.width_px, self.spec.height_px)
        chip = np.asarray(cv2.resize(plate, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        (scores, *_) = self.session.run(self._normalise(chip[None]))
        if len(self.spec.alphabet) not in scores.shape or not np.isfinite(scores).all():
            raise PackError(
                f"the plate network gave {scores.shape}, nothing of {len(self.spec.alphabet)} signs"
            )
        return scores
