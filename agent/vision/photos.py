"""Photos of a watchlist made into templates, one at a time.

Sixteen large photos at once would be seconds in which no camera is looked at and no beat is given.
"""

from __future__ import annotations

from agent.border import messages as border
from agent.core.errors import PhotoError
from agent.core.memory import give_back_memory
from agent.vision.faces import FaceWork
from models.photo import PhotoFault, refused
from models.values import Vector


class PhotoWork:
    """One order of photos; the answer comes with the last of them."""

    def __init__(self, faces: FaceWork, order: border.Embed, beside: bytes) -> None:
        """*beside* are the photos, joined."""
        self._faces = faces
        self._order = order
        self._beside = beside
        self._start = 0
        self._verdicts: list[border.PhotoVerdict] = []
        self._rows: list[bytes] = []
        self._under = faces.transform

    def step(self) -> tuple[border.Embedded, bytes] | None:
        """Do one photo. When it was the last: the verdict on each, and the templates."""
        number = len(self._verdicts)
        photo = self._beside[self._start : self._start + self._order.sizes[number]]
        self._start += self._order.sizes[number]
        try:
            self._rows.append(self._template(photo, number).astype("<f4").tobytes())
            self._verdicts.append(border.PhotoVerdict(number))
        except PhotoError as error:
            self._verdicts.append(border.PhotoVerdict(number, str(error)[:300]))
        give_back_memory()
        return self._answer() if len(self._verdicts) == len(self._order.sizes) else None

    def _template(self, photo: bytes, number: int) -> Vector:
        """PhotoError also for a person who is searched for under another id."""
        vector = self._faces.template(photo)
        order = self._order
        if number < order.own:
            twin = self._faces.twin_of(vector, order.entry_id, exercise=order.exercise)
            if twin is not None:
                raise refused(
                    PhotoFault.SAME_PERSON,
                    f"looks like entry {twin}; two entries of one person take each other's margin."
                    " Put the photos into one entry",
                )
        return vector

    def _answer(self) -> tuple[border.Embedded, bytes]:
        engine = self._faces.engine
        told = border.Embedded(
            self._order.request, engine.model_id, engine.dim, self._verdicts, self._under
        )
        return told, b"".join(self._rows)
