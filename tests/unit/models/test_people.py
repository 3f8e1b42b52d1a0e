"""The whole chain on real people: strangers of the strictest group, and a walk up to a camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import pytest

from models.engine import PackEngine
from models.evaluate import Collected, collect, pairs, passages
from models.gallery import Entry, Gallery
from models.matcher import Band, Matcher, Verdict, policy_for
from models.purpose import Purpose
from models.quality import assess, live_gate
from models.tracker import Tracker
from models.values import Image
from tests.unit.models.fixtures import photo, real

GATE = live_gate(45)
FPS = 5


@pytest.fixture(scope="module")
def casia(engine: PackEngine) -> Collected:
    return collect(engine, real("faces", "casia_facev5_subset"), GATE)


@pytest.fixture(scope="module")
def nuaa(engine: PackEngine) -> Collected:
    return collect(engine, real("pad", "nuaa", "real"), GATE)


def test_strangers_of_the_strictest_group_make_no_lead(
    engine: PackEngine, casia: Collected, nuaa: Collected
) -> None:
    policy = policy_for(engine.thresholds, 3)
    for group, fewest in ((casia, 2500), (nuaa, 2000)):
        outcome = passages(group.samples, policy, engine.metric)
        assert outcome.false_leads.trials > fewest
        assert outcome.false_leads.hits == 0


def test_one_frame_of_a_stranger_hardly_ever_reaches_the_threshold(
    engine: PackEngine, casia: Collected
) -> None:
    _, other = pairs(casia.samples, engine.metric)
    assert len(other) > 800
    assert (other >= engine.thresholds.frame).mean() < 2e-3


def test_people_are_still_recognised_by_the_same_camera(
    engine: PackEngine, casia: Collected
) -> None:
    outcome = passages(casia.samples, policy_for(engine.thresholds, 3), engine.metric)
    assert outcome.true_leads.value > 0.9


def gallery(engine: PackEngine, **entries: tuple[str, ...]) -> Gallery:
    rows = [engine.template(photo(name)).vector for names in entries.values() for name in names]
    listed = [Entry(name, False, len(names)) for name, names in entries.items()]
    return Gallery(engine.model_id, engine.metric, listed, np.stack(rows), Purpose.WATCHLIST)


def walking_up(engine: PackEngine, name: str, sizes: Iterable[int]) -> Iterator[Image]:
    """A photo's person coming nearer to a 640x480 camera with noise and JPEG, face *sizes* px."""
    raw = cv2.imdecode(np.frombuffer(photo(name), np.uint8), cv2.IMREAD_COLOR)
    picture: Image = np.asarray(raw, np.uint8)
    face = max(engine.detect(picture), key=lambda one: one.box.width)
    draw = np.random.default_rng(0)
    for step, size in enumerate(sizes):
        scale = size / face.box.short_side
        x, y = (value * scale for value in face.box.centre)
        move = np.array([[scale, 0, 260 + 6 * step - x], [0, scale, 240 - y]])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        move[:, :2] = np.eye(2)
        frame = cv2.warpAffine(small, move, (640, 480), borderValue=(96, 96, 96))
        noisy = np.clip(frame + draw.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
        yield np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def watch(engine: PackEngine, frames: Iterable[Image], enrolled: Gallery) -> list[Verdict]:
    """What a camera's program does, picture by picture."""
    tracker, matcher = Tracker(), Matcher(policy_for(engine.thresholds, 3), enrolled)
    verdicts: list[Verdict] = []
    for number, frame in enumerate(frames):
        now = number * 1_000_000_000 // FPS
        faces = engine.detect(frame)
        step = tracker.update([face.box for face in faces], now)
        matcher.end(step.ended)
        matcher.forget(now)
        for face, track in zip(faces, step.tracks, strict=True):
            quality = assess(face, frame.shape[1], frame.shape[0])
            if GATE.refusal(quality, face.score) or not matcher.wants(track.number, quality, now):
                continue
            verdicts += matcher.observe(track.number, engine.embed(frame, face), now)
    return verdicts


OBAMA = (
    "knn_examples/train/obama/obama.jpg",
    "knn_examples/train/obama/obama2.jpg",
    "tests/test_images/obama3.jpg",
)
ROSE = "knn_examples/train/rose_leslie/img1.jpg"


@pytest.mark.parametrize("probe", range(3))
def test_a_third_photo_of_somebody_enrolled_walks_up_and_is_a_lead(
    engine: PackEngine, probe: int
) -> None:
    others = tuple(name for i, name in enumerate(OBAMA) if i != probe)
    enrolled = gallery(engine, wanted=others, other=(ROSE,))
    verdicts = watch(engine, walking_up(engine, OBAMA[probe], range(100, 200, 10)), enrolled)
    assert [v.band for v in verdicts if v.entry_id == "wanted"][-1:] == [Band.LEAD]
    assert {v.entry_id for v in verdicts} == {"wanted"}
    assert len({v.track for v in verdicts}) == 1


@pytest.mark.parametrize("name", ["biden.jpg", "alex-lacamoire.png", "lin-manuel-miranda.png"])
def test_somebody_who_is_not_enrolled_is_nobody(engine: PackEngine, name: str) -> None:
    enrolled = gallery(engine, wanted=OBAMA, other=(ROSE,))
    assert watch(engine, walking_up(engine, name, range(60, 200, 10)), enrolled) == []


def test_of_a_street_of_strangers_nobody_is_a_lead(engine: PackEngine) -> None:
    folder = real("detection", "facemask853", "images")
    enrolled = gallery(engine, wanted=OBAMA, other=(ROSE,))
    found = 0
    for path in sorted(folder.iterdir())[:30]:
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        for face in engine.detect(picture, 640):
            score = float(
                enrolled.scores(engine.embed(picture, face).vector[None], Purpose.WATCHLIST).max()
            )
            assert score < engine.thresholds.review
            found += 1
    assert found > 60
