"""Which way a face went, as the camera sees it: from two boxes of its track. Pure.

Nothing of the face is needed. Too little movement says nothing, which is better than a guess.
"""

from __future__ import annotations

from typing import Literal

from models.values import Box

Direction = Literal["left", "right", "towards", "away"]

ASIDE_WIDTHS = 0.4
NEARER = 1.12


def direction_of(first: Box, last: Box) -> Direction | None:
    """``left``, ``right``, ``towards`` or ``away``, as in the picture; None when it cannot be told.

    Aside counts from two fifths of a face's width, nearer from an eighth of its size: somebody who
    walks at 1.2 m/s four metres away has done so by the second picture that a lead needs, and boxes
    of somebody who stands differ by a few hundredths.
    """
    width = max((first.width + last.width) / 2, 1.0)
    aside = (last.centre[0] - first.centre[0]) / width
    if abs(aside) >= ASIDE_WIDTHS:
        return "right" if aside > 0 else "left"
    growth = max(last.width, 1.0) / max(first.width, 1.0)
    if growth >= NEARER:
        return "towards"
    return "away" if growth <= 1 / NEARER else None
