"""docs/faults.md names tests; those have to be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "faults.md"
NAMES = sorted(set(re.findall(r"`(test_[a-z_0-9]+)`", PAGE.read_text("utf-8"))))
HERE = {path.stem for path in (REPO / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("name", NAMES)
def test_every_test_that_the_page_names_is_there(name: str) -> None:
    assert name in HERE


def test_no_figure_was_left_to_be_filled_in() -> None:
    assert re.findall(r"@[A-Z]+@", PAGE.read_text("utf-8")) == []
