"""Which looks are not judged; template and look come from one box of one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.engine import open_pack
from models.livecheck import LivenessCheck, is_grey, probe_of, yaw_degrees
from models.liveness import Doubt, Glance
from models.livenet import LivenessNet
from models.manifest import LivenessBody
from models.packs import load_liveness
from models.sources import recipe
from models.values import FoundFace, Image, Probe
from tests.unit.models.fixtures import need_pack
from tests.unit.models.makers import box_at, face_in, probe

WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def check() -> LivenessCheck:
    """The limits of the pack that we ship the recipe of; its networks are never asked here."""
    body = recipe("minifasnet").body
    assert isinstance(body, LivenessBody)
    return LivenessCheck(LivenessNet([], body.liveness))


def colourful() -> Image:
    draw = np.random.default_rng(3)
    return draw.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def night() -> Image:
    """Grey, with a camera's rounding of colours."""
    draw = np.random.default_rng(3)
    levels = draw.integers(0, 250, (HEIGHT, WIDTH, 1))
    return (levels + draw.integers(0, 4, (HEIGHT, WIDTH, 3))).astype(np.uint8)


FACE = face_in(box_at(320, 240, 120))
BACKGROUND = face_in(box_at(460, 240, 40))


def test_a_clear_face_alone_is_judged(check: LivenessCheck) -> None:
    assert check.doubt(colourful(), FACE, [FACE]) is None
    assert (check.rule.frames, check.rule.threshold) == (5, 0.5)


@pytest.mark.parametrize(
    ("face", "doubt"),
    [
        (face_in(box_at(320, 240, 99.5)), Doubt.SMALL),
        (face_in(box_at(320, 240, 100.5)), None),
        (face_in(box_at(320, 240, 120), yaw=0.25), None),
        (face_in(box_at(320, 240, 120), yaw=0.27), Doubt.TURNED),
        (face_in(box_at(320, 240, 120), yaw=-0.27), Doubt.TURNED),
        (face_in(box_at(320, 240, 250)), Doubt.CLOSE),
    ],
)
def test_small_turned_and_filling_faces_are_in_doubt(
    check: LivenessCheck, face: FoundFace, doubt: Doubt | None
) -> None:
    assert check.doubt(colourful(), face, [face]) is doubt


@pytest.mark.parametrize(
    ("other", "doubt"),
    [
        (face_in(box_at(460, 240, 110)), Doubt.CROWDED),
        (face_in(box_at(460, 240, 49)), Doubt.CROWDED),
        (face_in(box_at(460, 240, 47)), None),
        (face_in(box_at(630, 240, 110)), None),
    ],
)
def test_another_face_near_is_in_doubt_and_the_background_is_not(
    check: LivenessCheck, other: FoundFace, doubt: Doubt | None
) -> None:
    assert check.doubt(colourful(), FACE, [FACE, other]) is doubt


def test_a_night_picture_is_in_doubt_and_a_clock_in_its_corner_changes_nothing(
    check: LivenessCheck,
) -> None:
    picture = night()
    picture[:40, :200] = (0, 255, 255)
    assert check.doubt(picture, FACE, [FACE]) is Doubt.GREY


def test_thirty_degrees_are_thirty_degrees() -> None:
    """The head of ``NOSE`` turned by thirty degrees: its nose moves by 0.45 tan 30."""
    turned = face_in(box_at(320, 240, 120), yaw=0.45 * np.tan(np.radians(30)))
    assert yaw_degrees(turned) == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize(("levels", "grey"), [(0, True), (7, True), (9, False)])
def test_grey_is_what_has_next_to_no_colour(levels: int, grey: bool) -> None:
    part = np.full((200, 200, 3), 100, np.uint8)
    part[:, :, 2] += np.uint8(levels)
    assert is_grey(part) is grey


class Witness:
    """Embeds, and notes what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[Image, FoundFace]] = []

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """A template of nobody."""
        self.shown.append((picture, face))
        return probe([0.0, 1.0])


class Looker(LivenessCheck):
    """Looks, and notes what it was shown."""

    def __init__(self, net: LivenessNet) -> None:
        super().__init__(net)
        self.shown: list[tuple[Image, FoundFace]] = []

    def ask(self, picture: Image, face: FoundFace) -> Glance:
        """As live as can be."""
        self.shown.append((picture, face))
        return Glance(1.0, 0.0)


def test_template_and_look_are_of_one_box_of_one_picture(check: LivenessCheck) -> None:
    witness, looker, picture = Witness(), Looker(check._net), colourful()
    made = probe_of(witness, looker, picture, FACE, [BACKGROUND, FACE, BACKGROUND])
    assert made.glance == Glance(1.0, 0.0)
    ((template, looked),) = zip(witness.shown, looker.shown, strict=True)
    assert template[0] is looked[0] is picture
    assert template[1] is looked[1] is FACE


def test_without_a_check_nothing_is_looked_at() -> None:
    assert probe_of(Witness(), None, colourful(), FACE, [FACE]).glance is None


def test_the_engine_brings_the_check_its_networks(packs: Path) -> None:
    name = need_pack(packs, "minifasnet")
    need_pack(packs, "yunet")
    engine = open_pack(packs, "dlib", liveness=name)
    assert engine.liveness is not None
    glance = LivenessCheck(engine.liveness.net).ask(colourful(), FACE)
    again = LivenessCheck(load_liveness(packs, name).net).ask(colourful(), FACE)
    assert glance == again
    assert 0 <= glance.live <= 1 >= glance.print >= 0
