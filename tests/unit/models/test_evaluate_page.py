from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from models.evaluate import Collected, Sample
from models.evaluate_curve import HEIGHT, WIDTH, det_svg
from models.evaluate_page import page
from models.evaluate_report import Evaluation, as_json, evaluate
from models.manifest import Thresholds

THRESHOLDS = Thresholds(
    frame=0.6, mean_of_3=0.6, mean_of_4=0.6, mean_of_5=0.6, review=0.5, margin=0.0, floor=0.55
)


def group(name: str, people: int, photos: int, spread: float) -> Collected:
    draw = np.random.default_rng(people)
    samples = []
    for number in range(people):
        middle = draw.normal(0, 1, 32)
        for _ in range(photos):
            vector = (middle + draw.normal(0, spread, 32)).astype(np.float32)
            samples.append(Sample(f"{name}-{number}", ".", vector))
    return Collected(tuple(samples), ((f"{name}-0", "no-face"),) * 2)


@pytest.fixture(scope="module")
def found() -> Evaluation:
    groups = {
        "near": group("near", 60, 5, 0.5),
        "<far & away>": group("far", 30, 4, 0.8),
        "nobody": Collected((), (("x", "no-face"), ("x", "no-face"), ("y", "turned"))),
    }
    return evaluate(
        "trial", "trial@00000000", THRESHOLDS, "cosine", groups, detector="finder@11111111"
    )


def test_the_json_is_the_promised_one(found: Evaluation) -> None:
    value = as_json(found)
    assert {"pack", "threshold", "groups", "worst_best_far_ratio"} <= set(value)
    assert value["threshold"] == THRESHOLDS.frame
    assert value["detector"] == "finder@11111111"
    near = value["groups"]["near"]
    assert (near["people"], near["images"], near["acquired"]) == (60, 302, 300)
    assert set(near["tar_at_far"]) == {"0.01", "0.001", "0.0001"}
    assert near["tar_at_far"]["0.0001"] is not None
    assert 0 <= near["far_at_threshold"] < near["tar_at_threshold"] <= 1
    rows = {(row["gallery"], row["photos"], row["fpir"]): row for row in near["open_set"]}
    assert len(rows) == len(near["open_set"]) == 3 * 2 * 3
    assert rows[20, 1, 0.01]["fnir"] >= rows[20, 3, 0.01]["fnir"]
    assert rows[20, 1, 0.003]["strangers"] >= 30
    assert rows[500, 1, 0.01]["fnir"] is None
    assert "too few for a gallery of 500" in rows[500, 1, 0.01]["why"]


def test_the_intervals_hold_the_rates(found: Evaluation) -> None:
    for group in as_json(found)["groups"].values():
        for key in ("far_at_threshold", "tar_at_threshold"):
            if group[key] is not None:
                low, high = group[f"{key}_bounds"]
                assert low <= group[key] <= high


def test_a_group_without_a_usable_photo_has_no_rates(found: Evaluation) -> None:
    nobody = as_json(found)["groups"]["nobody"]
    assert (nobody["people"], nobody["images"], nobody["acquired"]) == (2, 3, 0)
    assert nobody["tar_at_threshold"] is None
    assert all(row["fnir"] is None and row["why"] for row in nobody["open_set"])


def test_the_same_templates_give_the_same_report(found: Evaluation) -> None:
    groups = {"near": group("near", 60, 5, 0.5), "far": group("far", 30, 4, 0.8)}
    values = [
        as_json(
            evaluate(
                "trial", "x@00000000", THRESHOLDS, "cosine", groups, detector="finder@11111111"
            )
        )
        for _ in range(2)
    ]
    assert values[0] == values[1]


def test_the_page_loads_nothing_and_runs_nothing(found: Evaluation) -> None:
    text = page(found)
    addresses = set(re.findall(r"https?://[^\"' <]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|@import|url\(|\son\w+=", text)
    assert "default-src 'none'" in text


def test_the_page_names_what_a_buyer_compares(found: Evaluation) -> None:
    text = page(found)
    for word in ("FNIR", "FPIR", "FMR", "FNMR", "FTA", "What cannot be claimed"):
        assert word in text
    assert "faces found by finder@11111111" in text
    assert "&lt;far &amp; away&gt;" in text
    assert "<far & away>" not in text
    assert ">302<" in text


def test_a_curve_is_valid_and_stays_inside_its_picture() -> None:
    curve = [(0.0, 0.9), (1e-4, 0.5), (0.01, 0.2), (1.0, 0.0)]
    root = ET.fromstring(det_svg({"a<b": curve}, "FMR", "FNMR", [(0.0, 1.0)]))  # noqa: S314 - our own text
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    points = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
