"""Can a camera tell faces apart at all? From the faces that it showed. Pure; nobody is remembered.

Of each track only the best quality and size are kept, and of the last fifty tracks their spread.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable
from typing import Literal

from models.values import Quality

Grade = Literal["unknown", "poor", "fair", "good"]

TRACKS = 50
FEWEST = 10
_USABLE = 0.25
_POOR, _GOOD = 0.3, 0.7
_POOR_PICTURE = 0.3


class FaceCare:
    """The faces of one camera."""

    def __init__(self) -> None:
        self._best: dict[int, tuple[float, float]] = {}
        self._ended: deque[tuple[float, float]] = deque(maxlen=TRACKS)

    def saw(self, track: int, quality: Quality) -> None:
        """A face of *track*."""
        before = self._best.get(track, (0.0, 0.0))
        self._best[track] = max(before[0], quality.score), max(before[1], quality.size_px)

    def end(self, tracks: Iterable[int]) -> None:
        """Tracks that ended."""
        self._ended.extend(self._best.pop(one) for one in tracks if one in self._best)

    @property
    def size_px(self) -> float | None:
        """The median of how large faces came; None before ten."""
        return statistics.median(size for _, size in self._ended) if self._enough else None

    @property
    def usable(self) -> float | None:
        """The share of faces that were good enough at their best; None before ten."""
        if not self._enough:
            return None
        return sum(score >= _USABLE for score, _ in self._ended) / len(self._ended)

    def grade(self, picture: float) -> Grade:
        """What the camera is worth for faces; *picture* is ``CameraCare``'s score."""
        if picture < _POOR_PICTURE:
            return "poor"
        usable = self.usable
        if usable is None:
            return "unknown"
        if usable >= _GOOD:
            return "good"
        return "fair" if usable >= _POOR else "poor"

    @property
    def _enough(self) -> bool:
        return len(self._ended) >= FEWEST
