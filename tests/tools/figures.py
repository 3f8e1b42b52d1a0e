"""Figures that a test measured, for docs/faults.md; seen with ``pytest -rP``."""

from __future__ import annotations

import sys


def tell(fault: str, **figures: object) -> None:
    """One line: what was done, and what came of it."""
    told = ", ".join(
        f"{name.replace('_', ' ')} {figure:.2f}"
        if isinstance(figure, float)
        else f"{name.replace('_', ' ')} {figure}"
        for name, figure in figures.items()
    )
    sys.stdout.write(f"figures: {fault}: {told}\n")


def percentile(values: list[float], share: float) -> float:
    """The value that *share* (0 to 1) of *values* do not exceed; the greatest for small sets."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
