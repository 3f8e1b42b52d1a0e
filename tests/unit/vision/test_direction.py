"""Which way a face went: from boxes alone, and nothing where too little moved."""

from __future__ import annotations

import pytest

from agent.vision.direction import direction_of
from models.values import Box

FIRST = Box(100, 100, 160, 160)


@pytest.mark.parametrize(
    ("last", "way"),
    [
        (Box(150, 100, 210, 160), "right"),
        (Box(50, 100, 110, 160), "left"),
        (Box(90, 90, 170, 170), "towards"),
        (Box(107, 107, 153, 153), "away"),
        (Box(110, 100, 170, 160), None),
        (FIRST, None),
        (Box(95, 95, 165, 165), "towards"),
        (Box(97, 97, 163, 163), None),
        (Box(126, 100, 186, 160), "right"),
        (Box(200, 80, 290, 170), "right"),
    ],
)
def test_the_larger_movement_tells(last: Box, way: str | None) -> None:
    assert direction_of(FIRST, last) == way


def test_a_box_without_width_is_no_fault() -> None:
    assert direction_of(Box(5, 5, 5, 5), Box(5, 5, 5, 5)) is None
