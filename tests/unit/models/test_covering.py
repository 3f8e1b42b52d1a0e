"""What counts as covered and blurred, with networks and pictures that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from models import pictures
from models.chips import Geometry
from models.covering import MOST_BLUR, PARTS, blur_of, covered_part
from models.values import Box, Image, Vector
from tests.unit.models.makers import face_in

FACE = face_in(Box(100, 60, 300, 310))


def painted(chip: Image, name: str, geometry: Geometry) -> Image:
    """*chip* with a part in one colour already."""
    part = next(one for one in PARTS[geometry] if one.name == name)
    side, spoilt = geometry.side_px, chip.copy()
    left, top, right, bottom = (round(edge * side) for edge in part.box)
    spoilt[top:bottom, left:right] = 120
    return spoilt


def network(chip: Image) -> Vector:
    """The contrast in each cell of a grid: what is in one colour says nothing."""
    side = chip.shape[0]
    cells = np.array_split(np.arange(side), 8)
    found = [chip[np.ix_(rows, columns)].std() for rows in cells for columns in cells]
    return np.asarray(found, np.float32) / np.float32(np.linalg.norm(found) + 1e-6)


@pytest.mark.parametrize("geometry", list(PARTS))
def test_a_part_that_tells_the_network_nothing_is_covered(geometry: Geometry) -> None:
    bare = pictures.noise(geometry.side_px, geometry.side_px, 3)
    assert covered_part(bare, geometry, network, "euclidean") == ""
    for part in PARTS[geometry]:
        spoilt = painted(bare, part.name, geometry)
        assert covered_part(spoilt, geometry, network, "euclidean") == part.name


def test_more_blur_is_more_blur() -> None:
    sharp = pictures.head(400, 420, x=200, y=185, tall=250)
    found = [blur_of(sharp, FACE)]
    found += [blur_of(pictures.smooth(sharp, reach), FACE) for reach in (2, 5, 9)]
    assert found == sorted(found)
    assert found[0] < MOST_BLUR < found[-1]


def test_a_face_of_one_colour_has_no_detail() -> None:
    assert blur_of(np.full((400, 420, 3), 90, np.uint8), FACE) == 1.0
