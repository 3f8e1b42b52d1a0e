"""Is a camera's picture good enough for faces? Judged from beats; nothing here raises an alarm.

A camera that is covered, dark or frozen sees nothing (``devices.camera_health``: camera.blind).
Here are the faults with which it still sees: out of focus, against the light, burnt out, dim,
turned away. Each has to last before it is told, and to be gone as long before it is over.
Pure: no clock, no I/O; seconds are monotonic.
"""

from __future__ import annotations

from enum import StrEnum

from devices.capture_wire import Beat
from devices.picture_care import MOVED


class Concern(StrEnum):
    """A fault of the picture, in the words of status and heartbeat."""

    BLURRED = "blurred"
    BACKLIT = "backlit"
    BURNT_OUT = "burnt-out"
    DIM = "dim"
    MOVED = "moved"


LASTS_S = 30.0
_BLURRED = 0.12
_SHARP = 0.33
_LIT, _DIM = 60.0, 25.0
_BACKLIT = 0.2
_BURNT_OUT = 0.5
_BETTER = 1.25  # times better than the limit, to be over


class CameraCare:
    """One camera, over restarts of its capture."""

    def __init__(self, lasts_s: float = LASTS_S) -> None:
        self._lasts_s = lasts_s
        self._since_s: dict[Concern, float] = {}
        self._told: set[Concern] = set()
        self._score = 1.0

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """What has lasted, in the order of ``Concern``."""
        return tuple(one for one in Concern if one in self._told)

    @property
    def score(self) -> float:
        """0 (no face could be told from another) to 1, of sharpness and light at the last beat."""
        return self._score

    def beat(self, beat: Beat, now_s: float) -> None:
        """Take a beat in; beats before the first picture say nothing."""
        if not beat.looked:
            return
        self._score = _score(beat)
        for concern in Concern:
            if self._there(concern, beat) is (concern in self._told):
                self._since_s.pop(concern, None)
            elif now_s - self._since_s.setdefault(concern, now_s) >= self._lasts_s:
                del self._since_s[concern]
                self._told ^= {concern}

    def _there(self, concern: Concern, beat: Beat) -> bool:
        """Whether the beat shows it; one that was told is harder to be rid of."""
        times = _BETTER if concern in self._told else 1.0
        match concern:
            case Concern.BLURRED:
                return beat.sharp < _BLURRED * times
            case Concern.BACKLIT:
                return min(beat.blown, beat.deep) > _BACKLIT / times
            case Concern.BURNT_OUT:
                return beat.blown > _BURNT_OUT / times
            case Concern.DIM:
                return beat.luma < _DIM * times
            case Concern.MOVED:
                return beat.same < MOVED * times


def _score(beat: Beat) -> float:
    sharp = min(beat.sharp / _SHARP, 1.0)
    light = min(max((beat.luma - _DIM / 2) / (_LIT - _DIM / 2), 0.0), 1.0)
    hidden = min(max(beat.blown, 2 * min(beat.blown, beat.deep)) / _BURNT_OUT, 1.0)
    return round(sharp * light * (1 - hidden), 3)
