"""What one picture is like (bright, flat) and since when it has been the same.

A living sensor never gives the same picture twice, not even of a wall at night: among the pixels
of sampled rows, more than 3 % step by a level or more within 4 s, on every static scene tried
(H.264, 128 kbit/s to 4 Mbit/s, noise of one level up, mean luma from 22). Repeated packets step
nowhere, and a dead sensor whose camera goes on encoding, clock ticking in a corner, stays below at
2 Mbit/s. At low bit rates the encoder's own pulse hides that case and it is not called frozen:
rather miss one than cry wolf on quiet nights. Means of cells would not do, for they average a
night's noise away.
Pure: small arrays and seconds come in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devices.motion import Cells, Luma

Sample = npt.NDArray[np.uint8]

SAME_SHARE = 0.03  # fewer of the sampled pixels changed: the same picture
_AVERAGE_S = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: ``luma`` mean and ``spread`` standard deviation of the visible cells, 0 to 255.

    ``detail`` is the mean step between neighbouring cells, averaged over some seconds so that noise
    is no detail (near 0: nothing to be seen); ``still_s`` how long the picture has been the same.
    """

    luma: float
    spread: float
    detail: float
    still_s: float


class Stillness:
    """One camera's pictures of one size."""

    def __init__(self, visible: Cells) -> None:
        """*visible* cells no mask touches; only they are looked at."""
        self._visible = visible
        self._share = max(float(visible.mean()), 1e-6)
        self._beside = visible[:, 1:] & visible[:, :-1]
        self._below = visible[1:] & visible[:-1]
        self._anchor: Sample | None = None
        self._anchor_s = 0.0
        self._average: Luma | None = None
        self._last_s = 0.0

    def see(self, luma: Luma, sample: Sample, now_s: float) -> Look:
        """Judge a picture: *luma* cell means of the grid's shape; *sample* some of its pixels.

        The sample has to be taken at the same places each time, masked ones being 0; *now_s* is
        monotonic. A wholly masked picture has no light, no detail and never stands still.
        """
        cells = luma[self._visible]
        if not cells.size:
            return Look(0.0, 0.0, 0.0, 0.0)
        if self._anchor is None or self._changed(sample, self._anchor):
            self._anchor = sample.copy()
            self._anchor_s = now_s
        return Look(
            luma=float(cells.mean()),
            spread=float(cells.std()),
            detail=self._detail(luma, now_s),
            still_s=now_s - self._anchor_s,
        )

    def _changed(self, sample: Sample, anchor: Sample) -> bool:
        if sample.shape != anchor.shape:
            return True
        changed = int(np.count_nonzero(sample != anchor)) / max(sample.size, 1)
        return changed >= SAME_SHARE * self._share

    def _detail(self, luma: Luma, now_s: float) -> float:
        if self._average is None:
            self._average = luma.copy()
        pull = 1.0 - math.exp(-max(now_s - self._last_s, 0.0) / _AVERAGE_S)
        self._last_s = now_s
        self._average += (luma - self._average) * np.float32(pull)
        average = self._average
        beside = np.abs(average[:, 1:] - average[:, :-1])[self._beside]
        below = np.abs(average[1:] - average[:-1])[self._below]
        steps = beside.size + below.size
        return float(beside.sum() + below.sum()) / steps if steps else 0.0
