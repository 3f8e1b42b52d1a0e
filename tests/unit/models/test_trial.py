"""One person before the camera: both checks look at one track, and both must lift their veto."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from models.livecheck import LivenessCheck
from models.liveness import Doubt, Glance, Liveness
from models.livenet import LivenessNet
from models.manifest import LivenessBody
from models.sessions import Tensor
from models.sources import recipe
from models.specs import Square
from models.trial import LivenessTrial, Prompt
from models.turn import Side, TurnRule
from models.values import FoundFace, Image
from tests.unit.models.makers import box_at, face_in
from tests.unit.models.test_turn import FRAME_NS, HEAD, PAPER, Shape, face, still, swing

BLANK: Image = np.random.default_rng(1).integers(0, 256, (480, 640, 3)).astype(np.uint8)
OBEYS = [*still(6), *swing(35), *still(4)]
SMALL = face_in(box_at(60, 60, 90))
BACKGROUND = face_in(box_at(560, 60, 50))
NEAR = face_in(box_at(560, 240, 150))


class Eye:
    """A detector that finds what it is told."""

    square = Square(0.5, 0.5, 1.0)

    def __init__(self) -> None:
        self.faces: list[FoundFace] = []

    def detect(self, picture: Image, budget: int = 320) -> list[FoundFace]:
        """The faces put there."""
        assert picture.shape == BLANK.shape
        assert budget > 0
        return self.faces

    def maps(self, picture: Image) -> list[Tensor]:
        """It has none."""
        raise NotImplementedError


class Opinion(LivenessCheck):
    """Says of every clear face what it is told to."""

    def __init__(self, live: float) -> None:
        body = recipe("minifasnet").body
        assert isinstance(body, LivenessBody)
        super().__init__(LivenessNet([], body.liveness))
        self._answer = Glance(live, 1 - live)

    def ask(self, picture: Image, face: FoundFace) -> Glance:
        """Its opinion."""
        del picture, face
        return self._answer


def trial_of(frames: Iterable[Sequence[FoundFace]], live: float = 0.9) -> LivenessTrial:
    eye = Eye()
    trial = LivenessTrial(eye, Opinion(live), TurnRule(turns=1), lambda: Side.LEFT)
    for number, faces in enumerate(frames, 1):
        eye.faces = list(faces)
        trial.look(BLANK, number * FRAME_NS)
    return trial


def alone(shape: Shape, yaws: Iterable[float]) -> list[list[FoundFace]]:
    return [[face(shape, yaw)] for yaw in yaws]


@pytest.mark.parametrize(
    ("shape", "live", "prints", "turn"),
    [
        (HEAD, 0.9, Liveness.CLEAR, Liveness.CLEAR),
        (HEAD, 0.1, Liveness.REFUSE, Liveness.CLEAR),
        (PAPER, 0.9, Liveness.CLEAR, Liveness.UNDECIDED),
    ],
)
def test_both_must_pass(shape: Shape, live: float, prints: Liveness, turn: Liveness) -> None:
    trial = trial_of(alone(shape, OBEYS), live)
    trial.tick(100 * FRAME_NS)
    assert trial.end is not None
    assert (trial.end.prints.outcome, trial.end.turn) == (prints, turn)
    assert trial.end.passed is (prints is turn is Liveness.CLEAR)


def test_the_prompts_follow_the_person() -> None:
    assert trial_of([]).prompt is Prompt.COME
    assert trial_of([[SMALL]] * 50).prompt is Prompt.COME
    assert trial_of(alone(HEAD, still(2))).prompt is Prompt.FACE
    assert trial_of(alone(HEAD, still(5))).prompt is Prompt.LEFT
    assert trial_of(alone(HEAD, OBEYS)).prompt is Prompt.OVER


def test_a_second_face_near_ends_it_and_the_background_does_not() -> None:
    begun = alone(HEAD, still(4))
    assert trial_of([*begun, [face(HEAD), NEAR]]).end is not None
    assert trial_of([*begun, [face(HEAD), BACKGROUND]]).end is None


def test_a_face_that_goes_away_ends_it_undecided() -> None:
    end = trial_of([*alone(HEAD, still(4)), *[[]] * 4]).end
    assert end is not None
    assert end.turn is Liveness.UNDECIDED
    assert (end.prints.outcome, end.prints.doubt) == (Liveness.UNDECIDED, Doubt.FEW)
