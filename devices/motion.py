"""The motion gate: is this frame worth a look of the detectors?

A background of cell means, learned slowly, is subtracted; a cell moves when it differs by more
than its own noise allows. Three things must not wake the gate: sensor noise (each cell learns its
own), light that changes everywhere (the median gain is divided out), and leaves or a screen that
never rest (their noise figure grows). One must: a person who comes, stops and waits (what moved is
absorbed slowly, and the gate holds open). Pure: small luma pictures and seconds come in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devices.capture_wire import NOWHERE, Area

Luma = npt.NDArray[np.float32]
Cells = npt.NDArray[np.bool_]

_QUIET_S = 5.0  # a resting cell's background follows within this time
_MOVED_S = 60.0  # a moving cell's: so long does a person stand before becoming furniture
_NOISE_S = 20.0
_NOISE_MOVED_S = 45.0
_FIRST_NOISE = 1.5
_MAX_NOISE = 12.0
_LEAST_STEP = 6.0  # luma levels that count at all
_NOISES = 4.0  # how many times its noise a cell has to step
_NEIGHBOURS = 4  # moving cells in a 3x3 block, the cell itself included
_EVERYWHERE = 0.6  # more than this moves: the light was switched, learn anew
_MAX_GAIN = 1.6


@dataclass(frozen=True, slots=True)
class Motion:
    """What the gate says of one frame.

    ``share`` of the visible cells that move, 0 to 1; ``moving``: it reached the configured share;
    ``worth``: look at it, because it moves, moved a moment ago, or was asked for; ``where``: the
    area around all moving cells, ``NOWHERE`` when there is none.
    """

    share: float
    moving: bool
    worth: bool
    where: Area = NOWHERE


class MotionGate:
    """One camera's gate for pictures of one size."""

    def __init__(self, visible: Cells, *, area: float, hold_s: float) -> None:
        """*visible* cells no mask touches; *area* share that must move; *hold_s* stays open."""
        self._visible = visible
        self._seen = max(int(np.count_nonzero(visible)), 1)
        self._area = area
        self._hold_s = hold_s
        self._open_until_s = -math.inf
        self._background: Luma | None = None
        self._noise: Luma = np.full(visible.shape, _FIRST_NOISE, np.float32)
        self._first_s = self._last_s = 0.0

    def attend(self, until_s: float) -> None:
        """Stay open until then, whatever moves."""
        self._open_until_s = max(self._open_until_s, until_s)

    def open(self, now_s: float) -> bool:
        """Whether every frame is worth a look now, moving or not."""
        return now_s <= self._open_until_s

    def see(self, luma: Luma, now_s: float) -> Motion:
        """Judge a frame: *luma* cell means, 0 to 255, of the grid's shape; *now_s* monotonic.

        The first frame opens the gate for the hold time: nobody knows who stood there before.
        """
        background = self._background
        if background is None:
            self._background = luma.copy()
            self._first_s = self._last_s = now_s
            self.attend(now_s + self._hold_s)
            return Motion(0.0, moving=False, worth=True)
        passed_s = max(now_s - self._last_s, 0.0)
        self._last_s = now_s
        expected = np.minimum(background * self._gain(luma, background), np.float32(255))
        difference = np.abs(luma - expected)
        cells = self._moving_cells(difference)
        share = float(np.count_nonzero(cells)) / self._seen
        self._learn_noise(difference, cells, passed_s)
        if share > _EVERYWHERE:
            self._background = luma.copy()
        else:
            step = np.where(cells, _pull(passed_s, _MOVED_S), _pull(passed_s, _QUIET_S))
            background += (luma - background) * step.astype(np.float32)
        moving = share >= self._area and share > 0
        if moving:
            self.attend(now_s + self._hold_s)
        return Motion(share, moving=moving, worth=self.open(now_s), where=_area_of(cells))

    def _gain(self, luma: Luma, background: Luma) -> float:
        """How much brighter the whole visible picture is than the background."""
        visible = self._visible[::2, ::2]
        if not visible.any():
            return 1.0
        ratio = (luma[::2, ::2][visible] + 1.0) / (background[::2, ::2][visible] + 1.0)
        middle = ratio.size // 2
        return min(max(float(np.partition(ratio, middle)[middle]), 1 / _MAX_GAIN), _MAX_GAIN)

    def _moving_cells(self, difference: Luma) -> Cells:
        """Visible cells beyond their noise, in blocks: single ones are specks."""
        beyond = difference > np.maximum(self._noise * _NOISES, _LEAST_STEP)
        beyond &= self._visible
        padded = np.zeros((beyond.shape[0] + 2, beyond.shape[1] + 2), np.uint8)
        padded[1:-1, 1:-1] = beyond
        columns = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
        block = columns[:-2] + columns[1:-1] + columns[2:]
        cells: Cells = beyond & (block >= _NEIGHBOURS)
        return cells

    def _learn_noise(self, difference: Luma, cells: Cells, passed_s: float) -> None:
        known_s = max(self._last_s - self._first_s, 1.0)  # at first what little is known counts
        quiet = _pull(passed_s, min(known_s, _NOISE_S))
        step = np.where(cells, _pull(passed_s, _NOISE_MOVED_S), quiet)
        self._noise += (difference * 1.25 - self._noise) * step.astype(np.float32)
        np.minimum(self._noise, _MAX_NOISE, out=self._noise)


def _area_of(cells: Cells) -> Area:
    """The smallest area around the set cells."""
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    if not rows.size:
        return NOWHERE
    height, width = cells.shape
    left, right = int(columns[0]) / width, (int(columns[-1]) + 1) / width
    return left, int(rows[0]) / height, right, (int(rows[-1]) + 1) / height


def _pull(passed_s: float, constant_s: float) -> float:
    """The share of the way to a target that *passed_s* takes at a time constant."""
    return 1.0 - math.exp(-passed_s / constant_s)
