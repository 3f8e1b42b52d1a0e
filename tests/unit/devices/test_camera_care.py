"""Is a picture good enough for faces? On real footage where it is here, and on a drawn scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from devices.camera_care import CameraCare, Concern
from devices.capture import shrink
from devices.capture_wire import Beat
from devices.picture_care import Condition, PictureCare
from tests.unit.models.fixtures import real

Picture = npt.NDArray[np.uint8]
GOOD = Beat(50, 10, 0, 0, 640, 360, luma=110, spread=40, detail=4, still_s=0, behind_s=0)
_BOXES = ((0, 900), (0, 500), (9, 160), (9, 160))
VIDEOS = (
    ("intel", "car-detection.mp4"),
    ("face_recognition", "short_hamilton_clip.mp4"),
    ("dlib_mot", "MOT20-05-raw_even_shorter.mp4"),
    ("faceapi", "video.mp4"),
)


def drawn(seconds: int) -> Iterator[Picture]:
    """A scene of boxes and lines, with a sensor's noise."""
    draw = np.random.default_rng(4)
    scene = np.full((540, 960, 3), 130, np.uint8)
    for _ in range(40):
        x, y, w, h = (
            int(draw.integers(*limits)) for limits in ((0, 900), (0, 500), (9, 160), (9, 160))
        )
        cv2.rectangle(scene, (x, y), (x + w, y + h), (int(draw.integers(40, 220)),) * 3, -1)
    for _ in range(seconds):
        noise = draw.normal(0, 3, scene.shape)
        yield np.clip(scene + noise, 0, 255).astype(np.uint8)


def filmed(name: tuple[str, str]) -> Iterator[Picture]:
    """A real video, a picture a second."""
    capture = cv2.VideoCapture(str(real("video", *name)))
    step = 1 if name[0] == "faceapi" else 15
    for _ in range(18):
        there, picture = capture.read()
        if not there:
            return
        yield np.asarray(picture, np.uint8)
        for _ in range(step - 1):
            capture.grab()


def blurred(picture: Picture) -> Picture:
    """By a 240th of its width, and with the noise that a sensor adds behind the lens."""
    soft = cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / 240)
    noise = np.random.default_rng(int(picture.sum()) % 2**32).normal(0, 3, picture.shape)
    return np.clip(soft + noise, 0, 255).astype(np.uint8)


def turned(picture: Picture) -> Picture:
    """By an eighth of the picture."""
    return np.roll(picture, picture.shape[1] // 8, axis=1)


def evening(picture: Picture) -> Picture:
    return (picture * 0.35).astype(np.uint8)


def against_the_light(picture: Picture) -> Picture:
    """A bright sky above, everything else in its shade."""
    dark = (picture * 0.25).astype(np.uint8)
    dark[: len(dark) // 3] = 250
    return dark


def seen(care: PictureCare, pictures: Iterator[Picture], start_s: float = 0.0) -> Condition:
    """The condition after the last of them, one a second."""
    condition = Condition()
    for second, picture in enumerate(pictures):
        sample = picture[4 :: max(1, len(picture) // 64), :, 1]
        luma = shrink(picture, 160, 90)
        condition = care.see(luma, sample, start_s + second)
    return condition


def fresh() -> PictureCare:
    return PictureCare(np.ones((90, 160), np.bool_))


def beat_of(condition: Condition, luma: float = 110) -> Beat:
    told: dict[str, Any] = {
        name: getattr(condition, name) for name in ("sharp", "blown", "deep", "same")
    }
    return replace(GOOD, luma=luma, **told)


def concerns(beat: Beat) -> tuple[Concern, ...]:
    care = CameraCare()
    for second in range(40):
        care.beat(beat, float(second))
    return care.concerns


def test_a_drawn_scene_has_no_fault() -> None:
    assert concerns(beat_of(seen(fresh(), drawn(20)))) == ()


def test_blur_is_told_from_noise() -> None:
    told = seen(fresh(), (blurred(one) for one in drawn(20)))
    assert concerns(beat_of(told)) == (Concern.BLURRED,)


def test_light_from_behind_is_told() -> None:
    told = seen(fresh(), (against_the_light(one) for one in drawn(20)))
    assert Concern.BACKLIT in concerns(beat_of(told, 100))


@pytest.mark.parametrize(("change", "moved"), [(turned, True), (evening, False)])
def test_a_turned_camera_is_told_from_an_evening(
    change: Callable[[Picture], Picture], moved: bool
) -> None:
    care = fresh()
    seen(care, drawn(40))
    told = seen(care, (change(one) for one in drawn(40)), 40.0)
    assert (Concern.MOVED in concerns(beat_of(told))) is moved


def test_a_turned_camera_has_a_new_scene_after_ten_minutes() -> None:
    care = fresh()
    seen(care, drawn(40))
    (picture,) = drawn(1)
    sample, luma = turned(picture)[4::8, :, 1], shrink(turned(picture), 160, 90)
    same = [care.see(luma, sample, 40.0 + 10 * n).same for n in range(80)]
    assert min(same[5:55]) < 0.4
    assert same[-1] > 0.9


def test_a_masked_picture_has_no_fault() -> None:
    nothing = PictureCare(np.zeros((90, 160), np.bool_))
    black = (np.zeros_like(one) for one in drawn(3))
    assert seen(nothing, black) == Condition()


def test_the_edge_of_a_mask_is_no_sharp_edge() -> None:
    half = np.ones((90, 160), np.bool_)
    half[:, :80] = False

    def masked(picture: Picture) -> Picture:
        soft = blurred(picture)
        soft[:, :480] = 0
        return soft

    told = seen(PictureCare(half), (masked(one) for one in drawn(20)))
    assert concerns(beat_of(told)) == (Concern.BLURRED,)


@pytest.mark.parametrize("video", VIDEOS[1:], ids="/".join)
def test_real_footage_is_sharp_and_the_same_footage_blurred_is_not(video: tuple[str, str]) -> None:
    sharp = seen(fresh(), filmed(video)).sharp
    soft = seen(fresh(), (blurred(one) for one in filmed(video))).sharp
    assert sharp >= 0.3
    assert soft < 0.2
    assert soft < sharp / 3


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"sharp": 0.05}, Concern.BLURRED),
        ({"blown": 0.3, "deep": 0.4}, Concern.BACKLIT),
        ({"blown": 0.6}, Concern.BURNT_OUT),
        ({"luma": 15.0}, Concern.DIM),
        ({"same": 0.1}, Concern.MOVED),
    ],
)
def test_a_fault_has_to_last_and_so_has_its_end(changed: dict[str, Any], found: Concern) -> None:
    care, bad = CameraCare(), replace(GOOD, **changed)
    told = []
    for second in range(100):
        care.beat(bad if second < 50 else GOOD, float(second))
        told.append(found in care.concerns)
    changes = [n for n, (a, b) in enumerate(pairwise(told), 1) if a is not b]
    assert changes == [30, 80]
    assert set(care.concerns) == set()


def test_a_fault_that_comes_and_goes_is_not_told() -> None:
    care = CameraCare()
    for second in range(200):
        care.beat(replace(GOOD, sharp=0.05 if second % 20 < 10 else 1.0), float(second))
        assert care.concerns == ()


def test_the_score_falls_with_blur_and_light() -> None:
    def score(**changed: Any) -> float:
        care = CameraCare()
        care.beat(replace(GOOD, **changed), 0.0)
        return care.score

    assert score() == 1.0
    assert score(sharp=0.1) < 0.35
    assert score(luma=20.0) < 0.2
    assert score(blown=0.3, deep=0.3) == 0.0
