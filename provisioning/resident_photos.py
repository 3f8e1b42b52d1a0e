"""Photos of a resident made into templates, in the process of the command that was given them.

A photo is read, looked at and forgotten: no copy of it and no template as the network made it is
written or sent; what leaves is under the residents' own transform. Here: photos and the comparison
among residents. Not here: asking the agent (``provisioning.residents``), what is kept
(``agent.residents``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from agent.core.errors import CheckFailedError, PhotoError
from agent.core.seed import Seed
from models.engine import FaceEngine
from models.enrol import twin_score
from models.gallery import Entry, Gallery
from models.photo import MOST_BYTES, PhotoFault, refused
from models.purpose import Purpose
from models.transform import SiteTransform
from models.values import Vector

CHINESE = {
    PhotoFault.UNREADABLE: "无法读取的照片",
    PhotoFault.TOO_LARGE: "照片过大",
    PhotoFault.NO_FACE: "未发现人脸",
    PhotoFault.TWO_FACES: "照片中不止一人",
    PhotoFault.TOO_SMALL: "人脸太小",
    PhotoFault.TURNED: "未正对镜头",
    PhotoFault.UNCLEAR: "人脸不清晰",
    PhotoFault.BLURRED: "人脸模糊",
    PhotoFault.COVERED: "人脸被遮挡",
    PhotoFault.SAME_PERSON: "此人已以其他编号登记",
}
Known = Iterable[tuple[str, Sequence[bytes]]]


class ResidentPhotos:
    """The photos of one enrolment."""

    def __init__(self, engine: FaceEngine, seed: Seed) -> None:
        self._engine = engine
        self._transform = SiteTransform(seed.name, seed.secret)

    @property
    def kept_as(self) -> str:
        """Under which name these templates are kept."""
        return f"{self._engine.model_id}~{self._transform.id}"

    def templates(self, paths: Sequence[Path]) -> list[Vector]:
        """One of each photo, transformed; PhotoError names the photo that is refused and why."""
        return [self._template(number, path) for number, path in enumerate(paths, start=1)]

    def expect_nobody_else(self, resident_id: str, vectors: Sequence[Vector], known: Known) -> None:
        """PhotoError when *known* residents have one who looks the same under another id."""
        entries, rows = [], []
        for one, templates in known:
            if templates:
                entries.append(Entry(one, exercise=False, templates=len(templates)))
                rows += [np.frombuffer(row, "<f4") for row in templates]
        matrix = np.array(rows, np.float32).reshape(-1, self._engine.dim)
        engine, purpose = self._engine, Purpose.RESIDENTS
        gallery = Gallery(engine.model_id, engine.metric, entries, matrix, purpose)
        at_least = twin_score(engine.thresholds)
        for number, vector in enumerate(vectors, start=1):
            twin = gallery.resembles(vector, resident_id, at_least, purpose, exercise=False)
            if twin is not None:
                raise _of_photo(
                    number,
                    refused(PhotoFault.SAME_PERSON, f"looks like {twin}; withdraw that one first"),
                )

    def _template(self, number: int, path: Path) -> Vector:
        try:
            photo = read_photo(path)
            own = self._engine.template(photo).vector
        except PhotoError as error:
            raise _of_photo(number, error) from error
        kept = self._transform.apply(own)
        own.fill(0)
        return kept


def read_photo(path: Path) -> bytes:
    """What a file holds; PhotoError when it is too large, CheckFailedError when it is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        most = f"more than {MOST_BYTES / 1e6:.1f} MB; save it smaller"
        raise refused(PhotoFault.TOO_LARGE, most)
    return data


def _of_photo(number: int, error: PhotoError) -> PhotoError:
    """The same with the photo's number, and in the second language."""
    word = str(error).partition(":")[0]
    second = next((chinese for fault, chinese in CHINESE.items() if fault == word), "")
    return PhotoError(f"photo {number}: {error} 第 {number} 张照片：{second}")
