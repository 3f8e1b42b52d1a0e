from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models import pictures
from models.detector import BUDGET_PX
from models.engine import PackEngine
from models.evaluate import Collected, Rate, Sample, collect, count, pairs, passages, threshold_at
from models.matcher import Policy
from models.quality import live_gate
from models.values import FoundFace, Image

POLICY = Policy(frames=3, lead=0.7, frame=0.7, review=0.6, margin=0.0)


def people(spread: float, seed: int = 0) -> list[Sample]:
    """Four people at the corners of a square of side 1, five photos each."""
    draw = np.random.default_rng(seed)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return [
        Sample(f"p{i}", ".", (np.array(corner) + draw.normal(0, spread, 2)).astype(np.float32))
        for i, corner in enumerate(corners)
        for _ in range(5)
    ]


@given(st.integers(0, 500), st.integers(0, 500))
@example(0, 41)
@example(41, 0)
def test_the_bounds_hold_the_rate(hits: int, more: int) -> None:
    rate = Rate(hits, hits + more)
    assume(rate.trials)
    low, high = rate.bounds
    assert 0 <= low <= rate.value <= high <= 1


def test_no_error_in_few_trials_promises_little() -> None:
    assert Rate(0, 100).bounds[1] == pytest.approx(0.037, abs=0.001)
    assert Rate(0, 0).bounds == (0.0, 1.0)


def test_pairs_are_counted_once() -> None:
    same, other = pairs(people(0.01), "euclidean")
    assert (len(same), len(other)) == (4 * 10, 6 * 25)
    assert same.min() > 0.9
    assert other.max() < 0.1


@given(st.integers(0, 100), st.sampled_from([0.5, 0.1, 0.02]))
def test_at_the_threshold_no_more_pass_than_allowed(seed: int, rate: float) -> None:
    scores = np.random.default_rng(seed).normal(0, 1, 200).round(1)
    threshold = threshold_at(scores, rate)
    assert count(scores, threshold).value <= rate
    assert count(scores, threshold - 0.11).value > rate


def test_a_rate_that_the_photos_cannot_show_is_refused() -> None:
    with pytest.raises(PackError, match="at least 1000 are needed"):
        threshold_at(np.zeros(200), 1e-3)


def test_people_apart_give_leads_and_no_false_ones() -> None:
    outcome = passages(people(0.01), POLICY, "euclidean")
    assert outcome.people == 4
    assert outcome.true_leads.value == 1.0
    assert outcome.true_leads.trials == 4 * 10 * 2
    assert outcome.false_leads == Rate(0, 4 * 10 * 15)


def test_people_who_look_alike_give_false_leads() -> None:
    outcome = passages(people(0.5), POLICY, "euclidean")
    assert outcome.false_leads.hits + outcome.false_reviews.hits > 0


def test_photos_of_the_same_session_are_not_enrolled_against_it() -> None:
    one = [Sample("p", "monday", np.zeros(2, np.float32)) for _ in range(3)]
    two = [Sample("p", "friday", np.ones(2, np.float32)) for _ in range(2)]
    outcome = passages([*one, *two], POLICY, "euclidean")
    assert outcome.true_leads == Rate(0, 2)


def test_a_folder_of_people_is_read_and_what_is_unusable_counted(
    engine: PackEngine, tmp_path: Path
) -> None:
    for person in ("one", "two"):
        (tmp_path / person / "monday").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / person / "monday" / "a.png"), pictures.picture("head-320x256"))
    cv2.imwrite(str(tmp_path / "two" / "empty.png"), pictures.gradient(100, 100))
    (tmp_path / "two" / "broken.jpg").write_bytes(b"x")
    (tmp_path / "two" / "nothing.jpg").write_bytes(b"")
    (tmp_path / "two" / "notes.txt").write_bytes(b"x")
    found = collect(engine, tmp_path, live_gate(45))
    assert [(s.person, s.session) for s in found.samples] == [("one", "monday"), ("two", "monday")]
    assert found.skipped == {"no-face": 1, "unreadable": 2}
    with pytest.raises(PackError, match="no usable photo"):
        collect(engine, tmp_path / "two", live_gate(500))


class ShortSighted(PackEngine):
    """Finds nothing in a picture lower than 300 px, as no detector does in a chip."""

    def __init__(self, engine: PackEngine) -> None:
        self.__dict__.update(vars(engine))

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        return super().detect(picture, budget) if picture.shape[0] >= 300 else []


def test_a_photo_without_a_face_is_looked_at_again_with_a_border(
    engine: PackEngine, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    cv2.imwrite(str(tmp_path / "one" / "a.png"), pictures.picture("head-320x256"))
    found = collect(ShortSighted(engine), tmp_path, live_gate(45))
    assert (len(found.samples), found.people, found.images) == (1, 1, 1)


def test_people_are_parted_with_their_failures() -> None:
    found = Collected(tuple(people(0.01)), (("p0", "no-face"), ("p9", "turned")))
    part = found.of(lambda person: person in ("p0", "p9"))
    assert (part.people, part.images, len(part.samples)) == (2, 7, 5)
    assert part.skipped == {"no-face": 1, "turned": 1}
