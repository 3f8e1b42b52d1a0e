from __future__ import annotations

import numpy as np
import pytest

from models.evaluate import Rate, Sample
from models.evaluate_open import Searches, missed, row_at, search


def crowd(first: int, people: int, photos: int, *, spread: float = 0.0) -> list[Sample]:
    """People far apart from each other (each on an axis of their own), their photos near."""
    draw = np.random.default_rng(first)
    samples = []
    for number in range(first, first + people):
        for _ in range(photos):
            vector = np.zeros(64, np.float32)
            vector[number % 64] = 1
            vector += draw.normal(0, spread, 64).astype(np.float32)
            samples.append(Sample(f"p{number}", ".", vector))
    return samples


def test_people_far_apart_are_all_found_and_no_stranger_is() -> None:
    groups = {"one": crowd(0, 40, 3)}
    found = search(groups, "one", "cosine", gallery=20, photos=1)
    assert found.people == (40, 40, 0)
    assert found.fillers == 0
    assert (len(found.mated), len(found.strangers)) == (10 * 20 * 2, 10 * 20 * 3)
    row = row_at(found, 20, 1, 0.01)
    assert row.fnir == Rate(0, 400)
    assert (row.strangers, row.joined, row.searches, row.why) == (40, 0, 600, "")


def test_another_before_the_own_entry_is_a_miss_whatever_the_score() -> None:
    twin = [Sample("a", ".", np.eye(2, dtype=np.float32)[0]) for _ in range(2)]
    swapped = [Sample("b", ".", row) for row in np.eye(2, dtype=np.float32)[[1, 0]]]
    others = [Sample(f"c{i}", ".", np.array([-1, 0], np.float32)) for i in range(4)]
    found = search({"g": [*twin, *swapped, *others]}, "g", "cosine", gallery=2, photos=1, draws=60)
    assert not np.isfinite(found.mated).all()
    assert missed(found, -1.0).hits == int(np.isinf(found.mated).sum())


def test_at_most_half_of_a_group_is_enrolled_and_others_fill_up() -> None:
    groups = {"few": crowd(0, 10, 5), "many": crowd(10, 50, 2)}
    found = search(groups, "few", "cosine", gallery=30, photos=1)
    assert found.fillers == 25
    assert len(found.strangers) == 10 * 5 * 5
    assert found.people == (10, 10, 50)


def test_strangers_of_other_groups_join_only_where_the_own_are_too_few() -> None:
    groups = {"few": crowd(0, 10, 5), "many": crowd(10, 50, 2)}
    found = search(groups, "few", "cosine", gallery=30, photos=1)
    assert row_at(found, 30, 1, 0.01).joined == 0
    joined = row_at(found, 30, 1, 0.003)
    assert (joined.joined, joined.strangers) == (50, 60)
    short = row_at(found, 30, 1, 1e-4)
    assert short.fnir is None
    assert "cannot show a rate of 0.0001" in short.why


def test_the_same_name_in_another_group_is_the_same_person() -> None:
    groups = {"grey": crowd(0, 20, 2), "colour": crowd(0, 20, 2)}
    found = search(groups, "grey", "cosine", gallery=20, photos=1)
    assert "20 people of all groups are too few" in found.why
    assert row_at(found, 20, 1, 0.01).fnir is None


def test_photos_of_the_enrolled_session_do_not_search() -> None:
    one = [Sample(f"p{i}", "mon", np.ones(2, np.float32)) for i in range(30) for _ in range(3)]
    found = search({"g": one}, "g", "cosine", gallery=10, photos=1)
    assert "too few people of g have 1 photo(s)" in found.why


def test_more_photos_of_an_entry_find_more() -> None:
    groups = {"g": crowd(0, 60, 6, spread=0.22)}
    rates = []
    for photos in (1, 3):
        row = row_at(search(groups, "g", "cosine", gallery=20, photos=photos), 20, photos, 0.01)
        assert row.fnir is not None
        rates.append(row.fnir.value)
    assert rates[1] < rates[0]


def test_the_same_people_give_the_same_row_in_any_order() -> None:
    groups = {"g": crowd(0, 60, 3, spread=0.3)}
    turned = {"g": sorted(groups["g"], key=lambda s: s.person, reverse=True)}
    rows = [row_at(search(g, "g", "cosine", gallery=20, photos=1), 20, 1, 0.01)
            for g in (groups, turned)]  # fmt: skip
    assert rows[0] == rows[1]


def test_a_stricter_rate_never_misses_fewer() -> None:
    draw = np.random.default_rng(1)
    found = Searches(
        draw.normal(0.6, 0.2, 500), draw.normal(0.2, 0.1, 5000), np.zeros(0), (50, 50, 0), 0
    )
    rows = [row_at(found, 100, 1, fpir) for fpir in (0.01, 0.003, 0.001)]
    values = [row.fnir.value for row in rows if row.fnir]
    assert values == sorted(values)
    for row in rows:
        assert row.threshold is not None
        assert (found.strangers >= row.threshold).mean() <= row.fpir


def test_nobody_with_a_further_photo_cannot_be_missed() -> None:
    found = search({"g": crowd(0, 60, 1)}, "g", "cosine", gallery=20, photos=1)
    assert row_at(found, 20, 1, 0.01).fnir is None


@pytest.mark.parametrize("threshold", [-1.0, 0.5, 2.0])
def test_misses_and_hits_are_all_searches(threshold: float) -> None:
    found = Searches(np.array([0.2, 0.7, -np.inf]), np.zeros(1), np.zeros(0), (3, 1, 0), 0)
    assert missed(found, threshold) == Rate({-1.0: 1, 0.5: 2, 2.0: 3}[threshold], 3)


def test_joining_strangers_of_other_groups_never_makes_a_threshold_laxer() -> None:
    draw = np.random.default_rng(2)
    found = Searches(
        draw.normal(0.6, 0.2, 200), draw.normal(0.4, 0.1, 200), draw.normal(0.1, 0.1, 3000),
        (10, 10, 300), 90,
    )  # fmt: skip
    rows = [row_at(found, 100, 1, fpir) for fpir in (0.01, 0.003, 0.001)]
    assert [row.joined for row in rows] == [0, 300, 300]
    thresholds = [row.threshold for row in rows if row.threshold is not None]
    assert thresholds == sorted(thresholds)
    assert thresholds[1] > found.strangers.max()
