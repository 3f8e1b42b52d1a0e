"""Is a camera fit to watch: ok, lost, frozen or dark? Judged from beats and the time, nothing else.

    no picture for stall_s                       -> lost
    dark, or nothing to be seen, for dark_s      -> dark   (covered, sprayed, unlit)
    the same picture for frozen_s, and not dark  -> frozen
    a good picture for recover_s                 -> ok     (the very first one at once)

Leaving is harder than staying: a dark camera has to be clearly brighter than the level that made it
dark, and a good picture has to last. Pure: no clock, no I/O; seconds are monotonic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from agent.core.events import CameraState
from devices.capture_wire import Beat

_BRIGHTER = 1.25  # times the dark level, and
_BRIGHTER_BY = 2.0  # luma levels above it, to be bright again
_CLEARER = 1.2  # times the least detail
_FRESH_S = 2.0  # a picture that changed so lately is alive


class Finding(StrEnum):
    """What the beats amount to at a moment."""

    GOOD = "good"
    NO_PICTURE = "no-picture"
    DARK = "dark"
    SAME_PICTURE = "same-picture"
    UNSURE = "unsure"


_OK, _LOST, _FROZEN, _DARK = (
    CameraState.OK,
    CameraState.LOST,
    CameraState.FROZEN,
    CameraState.DARK,
)
# None is a camera not judged yet. A finding that is not listed changes nothing.
TRANSITIONS: dict[tuple[CameraState | None, Finding], CameraState] = {
    (None, Finding.GOOD): _OK,
    (None, Finding.NO_PICTURE): _LOST,
    (None, Finding.DARK): _DARK,
    (None, Finding.SAME_PICTURE): _FROZEN,
    (_OK, Finding.NO_PICTURE): _LOST,
    (_OK, Finding.DARK): _DARK,
    (_OK, Finding.SAME_PICTURE): _FROZEN,
    (_LOST, Finding.GOOD): _OK,
    (_LOST, Finding.DARK): _DARK,
    (_LOST, Finding.SAME_PICTURE): _FROZEN,
    (_FROZEN, Finding.GOOD): _OK,
    (_FROZEN, Finding.NO_PICTURE): _LOST,
    (_FROZEN, Finding.DARK): _DARK,
    (_DARK, Finding.GOOD): _OK,
    (_DARK, Finding.NO_PICTURE): _LOST,
    (_DARK, Finding.SAME_PICTURE): _FROZEN,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """When a camera is not fit; seconds, and luma levels 0 to 255.

    ``least_detail`` is the mean step between neighbouring cells, as a share of the mean luma, below
    which nothing is to be seen. Measured: flat, spotted, graded and badly blurred covers 0.0008 to
    0.0046, real scenes 0.0064 (a starved stream) to 0.2, of a road at night 0.008.
    """

    stall_s: float = 10.0
    frozen_s: float = 30.0
    dark_s: float = 60.0
    dark_level: float = 12.0
    least_detail: float = 0.005
    recover_s: float = 3.0
    load_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A camera's new state; ``reason`` is for people."""

    state: CameraState
    reason: str


class CameraJudge:
    """Judges one camera for as long as it is configured, across restarts of its capture."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        """The camera is started *now_s*. Without a picture it is lost ``stall_s`` after it began.

        Loading on a busy machine after a boot takes its time and is no fault of a camera: the first
        capture has ``load_s`` before the stall time runs, unless it says itself that it began.
        """
        self._limits = limits
        self._state: CameraState | None = None
        self._picture_s = now_s + limits.load_s
        self._grabbed = 0
        self._dark_since_s: float | None = None
        self._good_since_s: float | None = None
        self._last: Beat | None = None
        self._seen_s = now_s  # when the last beat with a picture came: silence proves nothing

    @property
    def state(self) -> CameraState | None:
        """None until the first verdict."""
        return self._state

    def due_s(self) -> float:
        """When :meth:`look` has to be called at the latest though no beat came."""
        return math.inf if self._state is _LOST else self._picture_s + self._limits.stall_s

    def began(self, now_s: float) -> None:
        """A capture is loaded, or failed: for a camera never judged, the stall time runs now."""
        if self._state is None:
            self._picture_s = min(self._picture_s, now_s)

    def restarted(self) -> None:
        """A new capture begins: its counts begin at zero, and what it sees has to last again."""
        self._grabbed = 0
        self._good_since_s = None
        self._last = None

    def beat(self, beat: Beat, now_s: float, why: str = "") -> Verdict | None:
        """Take a beat in; a verdict when the state changes. *why* as in :meth:`look`."""
        if beat.grabbed > self._grabbed:
            self._picture_s = now_s
        self._grabbed = beat.grabbed
        if beat.looked:
            self._last, self._seen_s = beat, now_s
            self._note_darkness(beat, now_s)
            self._note_goodness(beat, now_s)
        return self.look(now_s, why)

    def look(self, now_s: float, why: str = "") -> Verdict | None:
        """Judge the present; *why* is what the capture said last about having no picture."""
        finding = self._finding(now_s)
        state = TRANSITIONS.get((self._state, finding))
        if state is None:
            return None
        self._state = state
        return Verdict(state, self._reason(finding, why))

    def _finding(self, now_s: float) -> Finding:
        limits, last = self._limits, self._last
        if now_s - self._picture_s >= limits.stall_s:
            return Finding.NO_PICTURE
        if self._dark_since_s is not None:
            long = self._seen_s - self._dark_since_s >= limits.dark_s
            return Finding.DARK if long else Finding.UNSURE
        if last is not None and last.still_s >= limits.frozen_s:
            return Finding.SAME_PICTURE
        if self._good_since_s is None:
            return Finding.UNSURE
        enough_s = 0.0 if self._state is None else limits.recover_s
        long = self._seen_s - self._good_since_s >= enough_s
        return Finding.GOOD if long else Finding.UNSURE

    def _note_darkness(self, beat: Beat, now_s: float) -> None:
        limits = self._limits
        least = limits.least_detail * beat.luma
        if beat.luma < limits.dark_level or beat.detail < least:
            if self._dark_since_s is None:
                self._dark_since_s = now_s
            return
        bright = max(limits.dark_level * _BRIGHTER, limits.dark_level + _BRIGHTER_BY)
        if beat.luma >= bright and beat.detail >= least * _CLEARER:
            self._dark_since_s = None

    def _note_goodness(self, beat: Beat, now_s: float) -> None:
        alive = beat.still_s < _FRESH_S or self._state is None
        if self._dark_since_s is not None or not alive:
            self._good_since_s = None
        elif self._good_since_s is None:
            self._good_since_s = now_s

    def _reason(self, finding: Finding, why: str) -> str:
        limits, last = self._limits, self._last
        if finding is Finding.NO_PICTURE:
            return f"no picture for {limits.stall_s:g} s" + (f": {why}" if why else "")
        if finding is Finding.SAME_PICTURE:
            return f"the same picture for {limits.frozen_s:g} s"
        if finding is Finding.DARK and last is not None and last.luma >= limits.dark_level:
            return f"nothing to be seen for {limits.dark_s:g} s: is the lens covered?"
        if finding is Finding.DARK:
            return f"dark for {limits.dark_s:g} s"
        return "the picture is good"
