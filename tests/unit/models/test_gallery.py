from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.gallery import Entry, Gallery, mean_template, score
from models.manifest import Metric
from models.purpose import Purpose
from tests.unit.models.makers import MODEL_ID, gallery_of

METRICS: list[Metric] = ["euclidean", "cosine"]

W = Purpose.WATCHLIST


@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from(METRICS))
def test_scores_are_those_of_comparing_one_by_one(seed: int, count: int, metric: Metric) -> None:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(1, 5, count).tolist()
    rows = draw.normal(0, 0.1, (sum(sizes), 16)).astype(np.float32)
    entries = [Entry(f"e{i}", bool(draw.integers(2)), n) for i, n in enumerate(sizes)]
    probes = draw.normal(0, 0.1, (3, 16)).astype(np.float32)
    got = Gallery(MODEL_ID, metric, entries, rows, W).scores(probes, W)
    ends = np.cumsum(sizes).tolist()
    for k, one in enumerate(probes):
        for i, (end, size) in enumerate(zip(ends, sizes, strict=True)):
            wanted = max(score(one, row, metric) for row in rows[end - size : end])
            assert got[k, i] == pytest.approx(wanted, abs=1e-5)


def test_a_large_gallery_is_compared_in_blocks() -> None:
    draw = np.random.default_rng(1)
    rows = draw.normal(0, 0.1, (5000, 128)).astype(np.float32)
    gallery = Gallery(
        MODEL_ID, "euclidean", [Entry(f"{i}", False, 1) for i in range(5000)], rows, W
    )
    (hit,) = gallery.best(gallery.scores(rows[4321:4322], W)[0])
    assert (hit.entry_id, hit.score) == ("4321", 1.0)


@pytest.mark.parametrize("apart", [1e-5, 1e-3, 0.05, 0.2, 0.6, 1.4])
def test_a_distance_is_exact_however_near_two_templates_are(apart: float) -> None:
    """Distances by products alone lose their digits where vectors are nearly equal."""
    draw = np.random.default_rng(2)
    rows = draw.normal(0, 0.12, (4000, 128)).astype(np.float32)
    away = draw.normal(0, 1, 128)
    probe = (rows[7] + apart * away / np.linalg.norm(away)).astype(np.float32)
    gallery = Gallery(
        MODEL_ID, "euclidean", [Entry(f"{i}", False, 1) for i in range(4000)], rows, W
    )
    wanted = 1 - np.linalg.norm(rows.astype(np.float64) - probe.astype(np.float64), axis=1)
    np.testing.assert_allclose(gallery.scores(probe[None], W)[0], wanted, atol=3e-6)


def test_the_best_of_an_entrys_templates_counts() -> None:
    gallery = gallery_of({"a": [[0, 0], [1, 1]], "b": [[0.6, 0.6]]})
    (hit,) = gallery.best(gallery.scores(np.array([[1, 1]], np.float32), W)[0])
    assert hit.entry_id == "a"
    assert hit.score == 1.0
    assert hit.margin == pytest.approx(2**0.5 * 0.4)


def test_an_entry_alone_has_no_margin() -> None:
    gallery = gallery_of({"a": [[0, 0]]})
    (hit,) = gallery.best(gallery.scores(np.zeros((1, 2), np.float32), W)[0])
    assert hit.margin is None


def test_drills_and_the_real_never_compete() -> None:
    gallery = gallery_of({"real": [[0, 0]], "drill": [[0, 0]]}, exercise=["drill"])
    hits = gallery.best(gallery.scores(np.zeros((1, 2), np.float32), W)[0])
    assert [(hit.entry_id, hit.exercise, hit.margin) for hit in hits] == [
        ("real", False, None),
        ("drill", True, None),
    ]


def test_entries_that_look_like_one_person_are_named() -> None:
    gallery = gallery_of(
        {"a": [[0, 0]], "b": [[0, 1], [0, 0.1]], "c": [[1, 1]], "d": [[0, 0]]}, exercise=["d"]
    )
    assert [(one, two) for one, two, _ in gallery.twins(0.8, W)] == [("a", "b")]


def test_an_empty_gallery_finds_nobody() -> None:
    gallery = Gallery(MODEL_ID, "euclidean", [], np.zeros((0, 4), np.float32), W)
    assert gallery.best(gallery.scores(np.zeros((1, 4), np.float32), W)[0]) == []
    assert gallery.twins(0.5, W) == []


@pytest.mark.parametrize(
    ("entries", "rows"),
    [
        ([Entry("a", False, 2)], np.zeros((1, 4), np.float32)),
        ([Entry("a", False, 0)], np.zeros((0, 4), np.float32)),
        ([Entry("a", False, 1)] * 2, np.zeros((2, 4), np.float32)),
        ([Entry("a", False, 1)], np.zeros((1, 4))),
        ([Entry("a", False, 1)], np.full((1, 4), np.nan, np.float32)),
        ([Entry("a", False, 1)], np.zeros(4, np.float32)),
    ],
)
def test_templates_that_do_not_fit_are_refused(
    entries: list[Entry], rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> None:
    with pytest.raises(PackError):
        Gallery(MODEL_ID, "euclidean", entries, rows, W)


def test_templates_of_other_weights_are_refused() -> None:
    gallery = gallery_of({"a": [[0, 0]]})
    gallery.expect(MODEL_ID, 2)
    with pytest.raises(PackError, match="enrol the photos again"):
        gallery.expect("test@11111111", 2)
    with pytest.raises(PackError, match="enrol the photos again"):
        gallery.expect(MODEL_ID, 3)


def test_a_probe_of_another_length_is_refused() -> None:
    with pytest.raises(PackError, match="cannot be compared"):
        gallery_of({"a": [[0, 0]]}).scores(np.zeros((1, 3), np.float32), W)


@given(st.integers(0, 1000))
def test_a_mean_of_unit_vectors_is_a_unit_vector(seed: int) -> None:
    draw = np.random.default_rng(seed)
    frames = list(draw.normal(0, 1, (4, 8)).astype(np.float32))
    assert np.linalg.norm(mean_template(frames, "cosine")) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(mean_template(frames, "euclidean"), np.mean(frames, 0), atol=1e-6)


def test_another_entry_of_the_realm_that_looks_like_a_photo_is_named() -> None:
    gallery = gallery_of({"a": [[0, 0]], "b": [[0.1, 0]], "drill": [[0, 0]]}, exercise=["drill"])
    vector = np.array([0.02, 0.0], np.float32)
    assert gallery.resembles(vector, "c", 0.8, W, exercise=False) == "a"
    assert gallery.resembles(vector, "a", 0.8, W, exercise=False) == "b"
    assert gallery.resembles(vector, "a", 0.95, W, exercise=False) is None
    assert gallery.resembles(vector, "a", 0.8, W, exercise=True) == "drill"
    empty = Gallery(MODEL_ID, "euclidean", [], np.zeros((0, 2), np.float32), W)
    assert empty.resembles(vector, "a", 0.1, W, exercise=False) is None


def test_look_alikes_are_no_templates_of_their_entry() -> None:
    gallery = gallery_of({"a": [[0, 0]], "b": [[3, 0], [4, 0]]}, not_them={"b": [[5, 0], [6, 0]]})
    probe = np.array([5.0, 0.0], np.float32)
    assert gallery.scores(probe[None], W)[0].tolist() == pytest.approx([-4.0, 0.0])
    assert gallery.look_alikes(probe, W) == {1: pytest.approx(1.0)}
    (hit,) = gallery.best(gallery.scores(probe[None], W)[0], gallery.look_alikes(probe, W))
    assert (hit.entry_id, hit.margin) == ("a", None)


def test_rows_that_do_not_fit_their_look_alikes_are_refused() -> None:
    with pytest.raises(PackError, match="do not belong"):
        Gallery(MODEL_ID, "euclidean", [Entry("a", False, 1, 2)], np.zeros((2, 2), np.float32), W)
