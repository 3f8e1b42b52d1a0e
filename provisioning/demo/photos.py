"""The demo's photos: press photos from the test suite of a pinned release on the package index.

Public figures, taken for publication; in the demo they are volunteers of a drill and nobody else.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.artefacts import Progress, download, read_members
from models.sources import Artefact, Member

_RELEASE = Artefact(
    name="face_recognition",
    version="1.3.0",
    file="face_recognition-1.3.0.tar.gz",
    bytes=3_182_249,
    sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo: file name, size, SHA-256, and where its face is (centre x, y and width, px)."""

    name: str
    bytes: int
    sha256: str
    face: tuple[float, float, float]


LISTED = (
    Photo(
        "obama2.jpg",
        184_455,
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        (338.0, 400.0, 230.0),
    ),
    Photo(
        "obama3.jpg",
        595_944,
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        (760.0, 420.0, 250.0),
    ),
)
VOLUNTEER = Photo(
    "obama.jpg",
    279_922,
    "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    (490.0, 245.0, 233.0),
)
STRANGER = Photo(
    "biden.jpg",
    353_723,
    "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    (562.0, 372.0, 287.0),
)


def fetch_photos(folder: Path, progress: Progress) -> None:
    """Put the photos into *folder*; those that lie there already are not fetched again."""
    photos = (*LISTED, VOLUNTEER, STRANGER)
    if all((folder / photo.name).is_file() for photo in photos):
        return
    members = [
        Member(
            id=photo.name,
            artefact=_RELEASE.name,
            path=f"face_recognition-1.3.0/tests/test_images/{photo.name}",
            bytes=photo.bytes,
            sha256=photo.sha256,
            licence="press photos, not distributed",
        )
        for photo in photos
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        found = read_members(download(_RELEASE, Path(scratch), progress), members)
        for name, data in found.items():
            (folder / name).write_bytes(data)
