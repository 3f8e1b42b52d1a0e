"""Reads the folder that an evaluation is made of: GROUP/PERSON/IMAGE.

Here: which folder is a group, which person is kept aside. Not here: reading a photo
(``models.evaluate``), counting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from agent.core.errors import PackError
from models.engine import FaceEngine
from models.evaluate import Collected, people_in, read_people
from models.quality import Gate

Stage = Callable[[str, float], None]


class People(StrEnum):
    """Which of the people count: thresholds are chosen on one half and shown on the other."""

    ALL = "all"
    DEVELOPMENT = "development"
    HELD_OUT = "held-out"

    def has(self, person: str) -> bool:
        """Whether the person is of this half: by the lowest bit of the name's SHA-256's start."""
        if self is People.ALL:
            return True
        odd = hashlib.sha256(person.encode()).digest()[0] & 1 == 1
        return odd == (self is People.HELD_OUT)


def read_groups(
    engine: FaceEngine, folder: Path, gate: Gate, people: Sequence[People], stage: Stage
) -> dict[str, Collected]:
    """What is usable of every group below *folder*, of all *people* together, by group's name.

    A group in which no photo is usable is reported as such; :class:`PackError` when that is so of
    all. *stage* hears the group's name and the share of its photos done.
    """
    groups: dict[str, Collected] = {}
    for group in people_in(folder):
        chosen = [
            person for person in people_in(group) if any(of.has(person.name) for of in people)
        ]

        def advance(share: float, name: str = group.name) -> None:
            stage(name, share)

        found = read_people(engine, chosen, gate, advance=advance)
        if found.images:
            groups[group.name] = found
    if not any(found.samples for found in groups.values()):
        raise PackError(
            f"{folder} has no usable photo; it needs GROUP/PERSON/IMAGE: a folder a group, in it a"
            " folder a person, in it that person's photos (.jpg, .png or .bmp)"
        )
    return groups
