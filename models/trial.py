"""One person before a camera, asked to look at it and to turn the head: both checks at once.

Pictures and time in, prompts out, and in the end what either check came to, of one and the same
track. Nothing opens by it and nothing of the face is kept. Here: who is looked at and which picture
goes to which check. Not here: cameras and terminals (``provisioning.try_liveness``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from models.detector import FaceDetector, budget_for
from models.livecheck import LEAST_PX, NEAR_SIZE, LivenessCheck
from models.liveness import Glance, Judgement, Liveness, judge
from models.tracker import Tracker
from models.turn import HeadTurn, Side, TurnRule, draw_side
from models.values import FoundFace, Image


class Prompt(StrEnum):
    """What the person is asked for now."""

    COME = "come"
    FACE = "face"
    LEFT = "left"
    RIGHT = "right"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """What the networks made of the face, and what became of the turns."""

    prints: Judgement
    turn: Liveness

    @property
    def passed(self) -> bool:
        """Both lifted their veto."""
        return self.prints.outcome is self.turn is Liveness.CLEAR


class LivenessTrial:
    """One trial; it begins with the first large face and ends with ``end``."""

    def __init__(
        self,
        detector: FaceDetector,
        check: LivenessCheck,
        rule: TurnRule | None = None,
        draw: Callable[[], Side] = draw_side,
    ) -> None:
        """*rule* and *draw* as for ``HeadTurn``."""
        self._detector = detector
        self._check = check
        self._rule = rule
        self._draw = draw
        self._tracker = Tracker()
        self._turn: HeadTurn | None = None
        self._glances: list[Glance] = []

    @property
    def end(self) -> TrialEnd | None:
        """How it ended; None while it lasts."""
        if self._turn is None or self._turn.outcome is None:
            return None
        return TrialEnd(judge(self._glances, self._check.rule), self._turn.outcome)

    @property
    def prompt(self) -> Prompt:
        """What to ask for now."""
        if self._turn is None:
            return Prompt.COME
        if self._turn.outcome is not None:
            return Prompt.OVER
        return Prompt(self._turn.asked) if self._turn.asked else Prompt.FACE

    def look(self, picture: Image, now_ns: int) -> None:
        """Take the next picture; *now_ns* is monotonic and never goes back."""
        height, width = picture.shape[:2]
        found = self._detector.detect(picture, budget_for(width, height, LEAST_PX * NEAR_SIZE))
        tracks = self._tracker.update([face.box for face in found], now_ns).tracks
        faces = sorted(zip(found, tracks, strict=True), key=lambda one: -one[0].box.short_side)
        if not faces or faces[0][0].box.short_side < LEAST_PX:
            self.tick(now_ns)
            return
        face, track = faces[0]
        if self._turn is None:
            self._turn = HeadTurn(now_ns, self._rule, self._draw)
        if len(faces) > 1 and faces[1][0].box.short_side >= NEAR_SIZE * face.box.short_side:
            self._turn.several(now_ns)
            return
        self._glance(picture, face, found)
        self._turn.look(track.number, face, now_ns)

    def tick(self, now_ns: int) -> None:
        """Let time pass without a picture."""
        if self._turn is not None:
            self._turn.tick(now_ns)

    def _glance(self, picture: Image, face: FoundFace, found: list[FoundFace]) -> None:
        """Look for signs of a print until there are enough looks without a doubt."""
        clear = sum(glance.doubt is None for glance in self._glances)
        if clear < self._check.rule.frames:
            self._glances.append(self._check.glance(picture, face, found))
