"""Says in one line what is wrong with a pack's manifest, each fault by its place."""

from __future__ import annotations

from typing import get_args

from pydantic import ValidationError

from models.specs import PackRole


def faults(error: ValidationError) -> str:
    """Every fault with its place."""
    lines = (
        f"{_place(fault['loc']) or 'manifest'}: {fault['msg']}"
        for fault in error.errors(include_url=False)
    )
    return "; ".join(lines)


def _place(way: tuple[int | str, ...]) -> str:
    """Where a fault is, without the role by which pydantic told the kinds of bodies apart."""
    at = 1 if way[:1] == ("body",) else 0
    if way[at : at + 1] and way[at] in get_args(PackRole):
        way = (*way[:at], *way[at + 1 :])
    return ".".join(str(part) for part in way)
