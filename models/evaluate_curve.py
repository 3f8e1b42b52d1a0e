"""A DET curve as SVG: false positives across, false negatives up, both logarithmic.

Pure text, no script, nothing loaded from elsewhere. Curves differ by dash as well as by colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 420
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 16, 180, 48
_X = (1e-5, 1.0)
_Y = (1e-3, 1.0)
# Okabe and Ito's colours, told apart by colour-blind eyes too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000", "#e69f00")
_DASHES = ("", "8 3", "2 3", "8 3 2 3", "14 4", "5 2 1 2 1 2")

Curve = Sequence[tuple[float, float]]


def det_svg(curves: Mapping[str, Curve], across: str, up: str, marks: Curve = ()) -> str:
    """One picture with a legend; *marks* are points (the shipped threshold) in curve order."""
    parts = [
        (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(up)} against'
            f' {escape(across)}" xmlns="http://www.w3.org/2000/svg">'
        ),
        *_grid(),
        (
            f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 8}" class="axis">'
            f"{escape(across)}</text>"
        ),
        (
            f'<text transform="translate(14 {(_TOP + HEIGHT - _BOTTOM) / 2}) rotate(-90)"'
            f' class="axis">{escape(up)}</text>'
        ),
    ]
    for number, (name, curve) in enumerate(curves.items()):
        parts += _curve(number, name, curve)
    for number, (x, y) in enumerate(marks):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="4" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>"])


def _curve(number: int, name: str, curve: Curve) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    dash = _DASHES[number % len(_DASHES)]
    style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    row = _TOP + 12 + 20 * number
    start = WIDTH - _RIGHT + 12
    points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in curve)
    return [
        f'<polyline points="{points}" {style}/>',
        f'<line x1="{start}" y1="{row}" x2="{start + 28}" y2="{row}" {style}/>',
        f'<text x="{start + 34}" y="{row + 4}">{escape(name)}</text>',
    ]


def _grid() -> list[str]:
    parts = []
    for x in _decades(*_X):
        place = f"{_x(x):.1f}"
        parts.append(
            f'<line x1="{place}" y1="{_TOP}" x2="{place}" y2="{HEIGHT - _BOTTOM}" class="grid"/>'
            f'<text x="{place}" y="{HEIGHT - _BOTTOM + 16}" class="tick">{x:g}</text>'
        )
    for y in _decades(*_Y):
        place = f"{_y(y):.1f}"
        parts.append(
            f'<line x1="{_LEFT}" y1="{place}" x2="{WIDTH - _RIGHT}" y2="{place}" class="grid"/>'
            f'<text x="{_LEFT - 6}" y="{place}" class="tick end">{y:g}</text>'
        )
    return parts


def _decades(low: float, high: float) -> list[float]:
    first, last = round(math.log10(low)), round(math.log10(high))
    return [float(f"1e{power}") for power in range(first, last + 1)]


def _x(value: float) -> float:
    return _LEFT + _share(value, *_X) * (WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return HEIGHT - _BOTTOM - _share(value, *_Y) * (HEIGHT - _TOP - _BOTTOM)


def _share(value: float, low: float, high: float) -> float:
    """0 at *low*, 1 at *high*, on the logarithm; what lies outside is drawn on the border."""
    bounded = min(max(value, low), high)
    return (math.log10(bounded) - math.log10(low)) / (math.log10(high) - math.log10(low))
