"""A camera's figures for the heartbeat and for people, gathered from the beats of its captures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from agent.core.events import CameraState
from devices.camera_care import CameraCare, Concern
from devices.capture_wire import Beat

_WINDOW = 6  # beats over which rates are taken


@dataclass(frozen=True, slots=True)
class Figures:
    """How a camera does.

    ``state`` None while it starts for the first time; ``reason`` the last verdict's, or what its
    capture said last; ``fps`` frames received and ``looked_fps`` looked at a second; sizes in px;
    ``grabbed`` frames received, ``looked`` at, ``sent`` handed over, ``broken_frames`` the decoder
    complained about, ``restarts`` of the capture, since the agent started; ``luma``, ``spread``,
    ``detail``, ``still_s`` and ``behind_s`` as in ``Beat``; ``confined`` what the kernel holds the
    capture down with; ``picture`` and ``concerns`` as ``CameraCare`` has them.
    """

    state: CameraState | None
    reason: str
    fps: float
    looked_fps: float
    width: int
    height: int
    grabbed: int
    looked: int
    sent: int
    broken_frames: int
    restarts: int
    luma: float
    spread: float
    detail: float
    still_s: float
    behind_s: float
    confined: str
    picture: float = 1.0
    concerns: tuple[Concern, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counts:
    grabbed: int = 0
    looked: int = 0
    sent: int = 0
    broken: int = 0


class Tally:
    """Adds up what the beats of one capture after another say."""

    def __init__(self) -> None:
        self._beats: deque[tuple[float, Beat]] = deque(maxlen=_WINDOW)
        self._before = _Counts()
        self._confined = ""
        self._care = CameraCare()

    def restarted(self) -> None:
        """A new capture begins to count at zero."""
        self._before = self._counts()
        self._beats.clear()
        self._confined = ""

    def loaded(self, confined: str) -> None:
        """The capture said what holds it down."""
        self._confined = confined

    def beat(self, beat: Beat, now_s: float) -> None:
        """A beat came, *now_s* monotonic."""
        self._beats.append((now_s, beat))
        self._care.beat(beat, now_s)

    def figures(self, state: CameraState | None, reason: str, restarts: int) -> Figures:
        """Everything by now; rates are those of the last seconds, 0 without two beats."""
        last = self._beats[-1][1] if self._beats else None
        fps, looked_fps = self._rates()
        counts = self._counts()
        return Figures(
            state=state,
            reason=reason,
            fps=fps,
            looked_fps=looked_fps,
            width=last.width if last else 0,
            height=last.height if last else 0,
            grabbed=counts.grabbed,
            looked=counts.looked,
            sent=counts.sent,
            broken_frames=counts.broken,
            restarts=restarts,
            luma=last.luma if last else 0.0,
            spread=last.spread if last else 0.0,
            detail=last.detail if last else 0.0,
            still_s=last.still_s if last else 0.0,
            behind_s=last.behind_s if last else 0.0,
            confined=self._confined,
            picture=self._care.score,
            concerns=self._care.concerns,
        )

    def _counts(self) -> _Counts:
        if not self._beats:
            return self._before
        before, (_, last) = self._before, self._beats[-1]
        return _Counts(
            before.grabbed + last.grabbed,
            before.looked + last.looked,
            before.sent + last.sent,
            before.broken + last.broken,
        )

    def _rates(self) -> tuple[float, float]:
        if len(self._beats) < 2:
            return 0.0, 0.0
        (first_s, first), (last_s, last) = self._beats[0], self._beats[-1]
        passed_s = max(last_s - first_s, 1e-3)
        grabbed, looked = last.grabbed - first.grabbed, last.looked - first.looked
        return round(max(grabbed, 0) / passed_s, 2), round(max(looked, 0) / passed_s, 2)
