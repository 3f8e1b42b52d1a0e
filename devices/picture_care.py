"""What a picture is worth for faces: sharp, well lit, and still of the same scene?

*Sharpness* is how steep edges are: the energy of brightness steps over a 640th of the picture's
width beside that over an 80th, both as products of two pictures a second apart, because noise is
another in each and falls out. An ideal edge gives 1, a picture without fine detail 0; scenes at
hand gave 0.33 to 3, and blurred by a 240th of their width 0.1 and less. *Light* is what share of
the cells is burnt out or nearly black. *Sameness* is how the outlines of the scene agree with
those seen before: light that changes leaves outlines where they are, a turned camera does not.
Pure: small arrays and seconds come in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devices.motion import Cells, Luma
from devices.stillness import Sample

BLOWN, DEEP = 235.0, 40.0
_NEAR, _FAR = 640, 80
_APART_S = 1.0
_AVERAGE_S = 5.0
_LEARN_S = 15.0  # what is seen so long after the start is the scene
_FOLLOW_S = 900.0
MOVED = 0.4
_NEW_SCENE_S = 600.0
_LEAST_STEP = 0.5  # luma levels between cells: below, there are no outlines to compare


@dataclass(frozen=True, slots=True)
class Condition:
    """``sharp`` 0 to about 1, ``blown`` and ``deep`` shares of the cells, ``same`` 0 to 1."""

    sharp: float = 1.0
    blown: float = 0.0
    deep: float = 0.0
    same: float = 1.0


class PictureCare:
    """One camera's pictures of one size."""

    def __init__(self, visible: Cells) -> None:
        """*visible* cells no mask touches; only they are looked at."""
        self._visible = visible
        self._beside = visible[:, 1:] & visible[:, :-1]
        self._before: Sample | None = None
        self._before_s = -math.inf
        self._near = self._far = 0.0
        self._average: Luma | None = None
        self._scene: npt.NDArray[np.float32] | None = None
        self._first_s = self._last_s = 0.0
        self._other_since_s: float | None = None

    def see(self, luma: Luma, sample: Sample, now_s: float) -> Condition:
        """Judge a picture; arguments as of ``Stillness.see``. A masked picture has no faults."""
        cells = luma[self._visible]
        if not cells.size:
            return Condition()
        if now_s - self._before_s >= _APART_S:
            self._compare(sample, now_s)
        return Condition(
            sharp=self._sharpness(sample.shape[1]),
            blown=float((cells > BLOWN).mean()),
            deep=float((cells < DEEP).mean()),
            same=self._same(luma, now_s),
        )

    def _compare(self, sample: Sample, now_s: float) -> None:
        before, self._before = self._before, sample.copy()
        passed_s, self._before_s = now_s - self._before_s, now_s
        if before is None or before.shape != sample.shape:
            self._near = self._far = 0.0
            return
        pull = 1.0 if self._far == 0 else 1.0 - math.exp(-passed_s / _AVERAGE_S)
        width = sample.shape[1]
        near, far = (_energy(before, sample, max(width // part, 1)) for part in (_NEAR, _FAR))
        self._near += (near - self._near) * pull
        self._far += (far - self._far) * pull

    def _sharpness(self, width: int) -> float:
        """1 before two pictures were seen, and where nothing has any outline."""
        if self._far <= 1.0:
            return 1.0
        ratio = max(width // _NEAR, 1) / max(width // _FAR, 1)
        return max((self._near / self._far - ratio**2) / (ratio - ratio**2), 0.0)

    def _same(self, luma: Luma, now_s: float) -> float:
        if self._average is None:
            self._average, self._first_s = luma.copy(), now_s
        passed_s, self._last_s = max(now_s - self._last_s, 0.0), now_s
        self._average += (luma - self._average) * np.float32(_pull(passed_s, _AVERAGE_S))
        outlines = (self._average[:, 1:] - self._average[:, :-1])[self._beside]
        if now_s - self._first_s < _LEARN_S or np.abs(outlines).mean() < _LEAST_STEP:
            return 1.0
        if self._scene is None:
            self._scene = outlines
        lengths = float(np.linalg.norm(outlines) * np.linalg.norm(self._scene))
        same = max(float(outlines @ self._scene) / max(lengths, 1e-6), 0.0)
        self._learn(outlines, same, now_s, passed_s)
        return min(same, 1.0)

    def _learn(
        self, outlines: npt.NDArray[np.float32], same: float, now_s: float, passed_s: float
    ) -> None:
        """Follow the seasons of a scene; after ten minutes of another one, that is the scene."""
        if same >= MOVED and self._scene is not None:
            self._other_since_s = None
            self._scene += (outlines - self._scene) * np.float32(_pull(passed_s, _FOLLOW_S))
        elif self._other_since_s is None:
            self._other_since_s = now_s
        elif now_s - self._other_since_s >= _NEW_SCENE_S:
            self._scene, self._other_since_s = outlines, None


def _energy(one: Sample, other: Sample, step: int) -> float:
    """Mean product of the steps of two pictures over *step* px; masked pixels are 0."""
    seen = (one > 0) & (other > 0)
    both = seen[:, step:] & seen[:, :-step]
    first, second = one.astype(np.int32), other.astype(np.int32)
    products = (first[:, step:] - first[:, :-step]) * (second[:, step:] - second[:, :-step])
    return float(products[both].mean()) if both.any() else 0.0


def _pull(passed_s: float, constant_s: float) -> float:
    return 1.0 - math.exp(-passed_s / constant_s)
