"""Reads folders of live faces and attacks on them: clips of pictures, each with its species.

Known forms: ``live/CLIP/PICTURE`` and ``attack/SPECIES/CLIP/PICTURE`` (pictures in the order of
their names), NUAA's (``real`` and ``photo_attack``, how the print was held in the name), and the
samples of Silent-Face-Anti-Spoofing (``image_F1.jpg`` false, ``image_T1.jpg`` true). Here: names
and order. Not here: looking at the pictures (``models.evaluate_liveness``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import PackError

LIVE = "live"
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
# NUAA's readme: how the print was moved; session 1 does not say.
_HELD = {
    "00": "print, movement not noted",
    "01": "print, turned up and down",
    "02": "print, bent up and down",
    "03": "print, turned left and right",
    "04": "print, bent left and right",
    "08": "print, held still",
}
_NUAA = re.compile(
    r"(?P<kind>real|photo_attack)/(?P<person>\d+)/.*?"
    r"(?P<clip>\d+_\d+_(?P<held>\d+)_\d+)_(?P<frame>\d+)$"
)
_MINIVISION = re.compile(r"(?P<clip>image_(?P<kind>[FT])\d+)$")
_PLAIN = re.compile(
    r"(?:(?P<live>live)|attack/(?P<species>[^/]+))/(?P<clip>[^/]+)/(?P<frame>[^/]+)$"
)


@dataclass(frozen=True, slots=True)
class Clip:
    """Pictures of one face without a gap, in order; ``people`` differ within a ``collection``."""

    collection: str
    species: str
    person: str
    name: str
    pictures: tuple[Path, ...]

    @property
    def live(self) -> bool:
        """False for an attack."""
        return self.species == LIVE


def clips_below(folder: Path) -> list[Clip]:
    """All clips below *folder*, sorted; :class:`PackError` when there is none."""
    found: dict[tuple[str, str, str, str], list[tuple[tuple[int, str], Path]]] = {}
    for path in _pictures(folder):
        read = _read(path.relative_to(folder).with_suffix("").as_posix())
        if read is not None:
            key, frame = read
            order = int(frame) if frame.isdigit() else 0
            found.setdefault(key, []).append(((order, frame), path))
    if not found:
        raise PackError(
            f"{folder} has no pictures as live/CLIP/PICTURE and attack/SPECIES/CLIP/PICTURE"
        )
    return [
        Clip(*key, pictures=tuple(path for _, path in sorted(frames)))
        for key, frames in sorted(found.items())
    ]


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES)


def _read(name: str) -> tuple[tuple[str, str, str, str], str] | None:
    """Collection, species, person and clip of a picture, and its place in the clip."""
    if told := _NUAA.search(name):
        kind, clip = told["kind"], told["clip"]
        species = LIVE if kind == "real" else _HELD.get(told["held"], f"print, {told['held']}")
        return ("NUAA", species, told["person"], f"{kind}/{clip}"), told["frame"]
    if told := _MINIVISION.search(name):
        species = LIVE if told["kind"] == "T" else "print or screen, not told which"
        return ("minivision", species, told["clip"], told["clip"]), "0"
    if told := _PLAIN.search(name):
        species = LIVE if told["live"] else str(told["species"])
        return ("own", species, told["clip"], told["clip"]), told["frame"]
    return None
