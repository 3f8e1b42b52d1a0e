"""A secret from which a transform of templates is made. Here: its form. Not here: where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Seed:
    """A secret from which the transform is made; its name tells nothing of it."""

    name: str
    secret: bytes = field(repr=False)
