from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.evaluate import Collected, Sample
from models.evaluate_report import evaluate
from models.manifest import Thresholds
from supply.accuracy import replaced, tables

PAGE = Path(__file__).resolve().parents[3] / "docs" / "accuracy.md"
THRESHOLDS = Thresholds(
    frame=0.6, mean_of_3=0.6, mean_of_4=0.6, mean_of_5=0.6, review=0.5, margin=0.0, floor=0.55
)


def test_only_what_stands_between_the_markers_changes() -> None:
    text = "a\n<!-- figures x -->\nold\n<!-- end x -->\nb\n<!-- figures y -->\n<!-- end y -->\n"
    new = replaced(text, "x", r"1 \1 %")
    assert new == text.replace("old", r"1 \1 %")


def test_a_pack_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        replaced("nothing", "x", "1")


def test_every_table_is_as_wide_as_its_head() -> None:
    draw = np.random.default_rng(0)
    people = [draw.normal(0, 1, 16) for _ in range(60)]
    samples = tuple(
        Sample(f"p{number}", ".", (middle + draw.normal(0, 0.3, 16)).astype(np.float32))
        for number, middle in enumerate(people)
        for _ in range(4)
    )
    groups = {"g": Collected(samples, ())}
    text = tables(evaluate("x", "x@00000000", THRESHOLDS, "cosine", groups, detector="f@1"))
    assert "faces found by `f@1`" in text
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1
    assert any(line.startswith("| g | 20 | 3 |") for line in blocks[1])


def test_the_page_has_figures_of_every_shipped_pack() -> None:
    text = PAGE.read_text("utf-8")
    for pack in ("dlib", "dlib-int8", "mobilefacenet", "mobilefacenet-int8"):
        assert replaced(text, pack, "") != text
        assert f"### {pack}, held-out people" in text
