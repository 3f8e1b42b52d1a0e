"""Turns BGR pictures into what a network takes: planes in its order of colours, normalised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.specs import Colour, Triple


class Normalise:
    """(pixel - mean) / scale, planes in the order of *colour*."""

    def __init__(self, colour: Colour, mean: Triple, scale: Triple) -> None:
        self._rgb = colour == "rgb"
        self._mean = np.array(mean, np.float32).reshape(1, 3, 1, 1)
        self._scale = np.array(scale, np.float32).reshape(1, 3, 1, 1)
        self._raw = not self._mean.any() and bool((self._scale == 1).all())

    def __call__(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """BGR pictures (n, height, width, 3) as a contiguous batch (n, 3, height, width)."""
        colours = pictures[..., ::-1] if self._rgb else pictures
        batch = np.ascontiguousarray(colours.transpose(0, 3, 1, 2), np.float32)
        return batch if self._raw else (batch - self._mean) / self._scale
