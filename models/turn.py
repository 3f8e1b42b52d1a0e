"""A prompted turn of the head, for somebody who claims to stand there: a print cannot do it. Pure.

::

    facing   --looks at the camera for a while--> turning   and the side to turn to is drawn
    turning  --turned as asked-------------------> facing    the next turn is asked for
    turning  --turned as asked, the last---------> passed
    turning  --turned to the other side----------> refused
    turning  --turned like a sheet of paper------> refused
    facing, turning --time is over---------------> undecided
    facing, turning --lost, another one, a jump--> undecided

When a head turns, the tip of its nose moves against the plane of eyes and mouth; on a flat print it
does not, however the print is held. Measured as the nose's distance from where the plane, carried
along from the first frontal look, would have it (affine, from eyes and corners of the mouth), along
the line of the eyes and in their distances: about 0.45 times the tangent of the turn. A bent print
moves its nose a little, for single frames: hence the threshold, several frames in a row, and no
jumps, so that a second picture cannot be put in the first one's place. A mask or a film that obeys
is not told apart. Here: the measure and the moves. Not here: tracks (``models.tracker``), prompts.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.liveness import Liveness
from models.values import FoundFace, Points

_NS = 1_000_000_000


class Side(StrEnum):
    """Where to turn, as the person sees it; in the picture the nose goes the other way."""

    LEFT = "left"
    RIGHT = "right"


class Phase(StrEnum):
    """How far it is."""

    FACING = "facing"
    TURNING = "turning"
    PASSED = "passed"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Signal(StrEnum):
    """What can be seen of it."""

    FRONTAL = "looks at the camera for a while"
    OBEYED = "turned as asked"
    OBEYED_LAST = "turned as asked, the last"
    OPPOSITE = "turned to the other side"
    FLAT = "turned like a sheet of paper"
    TIME = "time is over"
    BROKEN = "lost, another one, a jump"


P, S = Phase, Signal
TRANSITIONS: Mapping[tuple[Phase, Signal], Phase] = {
    (P.FACING, S.FRONTAL): P.TURNING,
    (P.FACING, S.TIME): P.UNDECIDED,
    (P.FACING, S.BROKEN): P.UNDECIDED,
    (P.TURNING, S.OBEYED): P.FACING,
    (P.TURNING, S.OBEYED_LAST): P.PASSED,
    (P.TURNING, S.OPPOSITE): P.REFUSED,
    (P.TURNING, S.FLAT): P.REFUSED,
    (P.TURNING, S.TIME): P.UNDECIDED,
    (P.TURNING, S.BROKEN): P.UNDECIDED,
}
OUTCOMES: Mapping[Phase, Liveness] = {
    P.PASSED: Liveness.CLEAR,
    P.REFUSED: Liveness.REFUSE,
    P.UNDECIDED: Liveness.UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class TurnRule:
    """How a turn is asked for and measured.

    ``turns`` how many are asked for, each to a side of its own drawing; ``frames`` in a row make a
    look or a turn; ``frontal`` and ``turned`` the nose's offset up to which a face looks at the
    camera and from which it is turned (0.20 is about 24 degrees); ``jump`` the largest step between
    two frames and ``gap_s`` the longest time; ``narrowed``: eyes that come together so far
    (the cosine of about 37 degrees) with a nose within ``frontal`` are on paper; ``limit_s`` for
    each look and each turn.
    """

    turns: int = 2
    frames: int = 3
    frontal: float = 0.10
    turned: float = 0.20
    jump: float = 0.16
    gap_s: float = 0.5
    narrowed: float = 0.80
    limit_s: float = 6.0


def draw_side() -> Side:
    """A side that nobody can foresee."""
    return secrets.choice(tuple(Side))


class HeadTurn:
    """Asks one person to turn the head; told of every frame, it says what to prompt and the end."""

    def __init__(
        self, now_ns: int, rule: TurnRule | None = None, draw: Callable[[], Side] = draw_side
    ) -> None:
        """*now_ns* is monotonic, as every time here."""
        self.rule = rule or TurnRule()
        self.phase = Phase.FACING
        self.done = 0
        self._draw = draw
        self._side: Side | None = None
        self._began_ns = now_ns
        self._track: int | None = None
        self._last: tuple[int, float] | None = None
        self._row: list[tuple[Signal, Points]] = []
        self._reference: Points | None = None

    @property
    def outcome(self) -> Liveness | None:
        """The outcome; None while it lasts."""
        return OUTCOMES.get(self.phase)

    @property
    def asked(self) -> Side | None:
        """The side to turn to now; None: look at the camera, or it is over."""
        return self._side if self.phase is Phase.TURNING else None

    def look(self, track: int, face: FoundFace, now_ns: int) -> None:
        """The one face near the camera, and its track."""
        if self.tick(now_ns) or self._broken(track, face, now_ns):
            return
        offset = self._last[1] if self._last else 0.0
        seen = self._signal(face.landmarks, offset)
        self._row = self._row if self._row and self._row[-1][0] is seen else []
        if seen is None:
            return
        self._row.append((seen, face.landmarks))
        if len(self._row) >= self.rule.frames:
            self._move(seen, now_ns)

    def several(self, now_ns: int) -> None:
        """A second face came near: nobody knows who turns."""
        if not self.tick(now_ns):
            self._move(Signal.BROKEN, now_ns)

    def tick(self, now_ns: int) -> bool:
        """Let time pass, faces or none; True when it is over."""
        if self.outcome is not None:
            return True
        if self._last is not None and now_ns - self._last[0] > self.rule.gap_s * _NS:
            self._move(Signal.BROKEN, now_ns)
        elif now_ns - self._began_ns > self.rule.limit_s * _NS:
            self._move(Signal.TIME, now_ns)
        return self.outcome is not None

    def _broken(self, track: int, face: FoundFace, now_ns: int) -> bool:
        """Whether this is not the same face going on; notes where its nose is."""
        before, offset = self._last, self._offset(face.landmarks)
        jumped = before is not None and abs(offset - before[1]) > self.rule.jump
        if jumped or self._track not in (None, track):
            self._move(Signal.BROKEN, now_ns)
            return True
        self._track, self._last = track, (now_ns, offset)
        return False

    def _offset(self, marks: Points) -> float:
        return nose_offset(marks) if self._reference is None else parallax(self._reference, marks)

    def _signal(self, marks: Points, offset: float) -> Signal | None:
        """What this frame alone speaks for."""
        rule = self.rule
        if self.phase is Phase.FACING:
            return Signal.FRONTAL if abs(offset) <= rule.frontal else None
        if abs(offset) >= rule.turned:
            if (offset > 0) is not (self._side is Side.LEFT):
                return Signal.OPPOSITE
            return Signal.OBEYED_LAST if self.done + 1 == rule.turns else Signal.OBEYED
        if self._reference is None or abs(offset) > rule.frontal:
            return None
        narrow = narrowing(self._reference, marks) <= rule.narrowed
        return Signal.FLAT if narrow else None

    def _move(self, signal: Signal, now_ns: int) -> None:
        try:
            self.phase = TRANSITIONS[self.phase, signal]
        except KeyError:
            raise ValueError(f"a turn cannot take '{signal}' while {self.phase}") from None
        self._began_ns = now_ns
        if signal in (Signal.OBEYED, Signal.OBEYED_LAST):
            self.done += 1
        if signal is Signal.FRONTAL:
            self._side = self._draw()
            if self._reference is None:
                self._take_reference(self._row[-self.rule.frames :])
        self._row = []

    def _take_reference(self, row: list[tuple[Signal, Points]]) -> None:
        """The plane of eyes and mouth as it is now; offsets count from here."""
        self._reference = np.mean([marks for _, marks in row], 0)
        if self._last is not None:
            self._last = (self._last[0], parallax(self._reference, row[-1][1]))


def nose_offset(marks: Points) -> float:
    """The nose's distance from the middle of eyes and mouth, along and in distances of the eyes.

    Positive to the picture's right, which is the person's left.
    """
    left, right, nose, mouth_left, mouth_right = marks
    axis = right - left
    middle = (left + right + mouth_left + mouth_right) / 4
    return _along(nose - middle, axis)


def parallax(reference: Points, marks: Points) -> float:
    """How far the nose is from where a flat picture, seen as *reference* before, would have it."""
    plane = [0, 1, 3, 4]
    before = np.column_stack([reference[plane], np.ones(4)])
    carried, *_ = np.linalg.lstsq(before, marks[plane], rcond=None)
    expected = np.append(reference[2], 1.0) @ carried
    return _along(marks[2] - expected, marks[1] - marks[0])


def narrowing(reference: Points, marks: Points) -> float:
    """How far apart the eyes are, for the height of the face, against *reference*: 1 unturned."""
    return _shape(marks) / max(_shape(reference), 1e-6)


def _shape(marks: Points) -> float:
    down = (marks[3] + marks[4] - marks[0] - marks[1]) / 2
    return math.dist(marks[0], marks[1]) / max(math.hypot(*down), 1e-6)


def _along(way: Points, axis: Points) -> float:
    """*way* along *axis* and in its length; far out when there is no axis."""
    length = float(axis @ axis)
    return float(way @ axis) / length if length > 0 else math.inf
