"""A new gallery made ready while cameras are watched, and put in place whole.

Reading a hundred thousand entries takes half a second, in which cameras would go unseen: it is done
a part at a time, between frames, and the old gallery is searched until the new one is complete.
Not here: comparing (``models.gallery``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, decode_index_in_parts
from agent.core.errors import GatehouseError, PackError
from agent.core.memory import give_back_memory
from agent.vision.faces import FaceWork
from models.engine import FaceEngine
from models.gallery import Gallery
from models.purpose import Purpose

TURN_NS = 10_000_000


class GalleryWork:
    """One order to search other rows."""

    def __init__(self, faces: FaceWork, order: border.Gallery, beside: bytes) -> None:
        """*beside* as ``Gallery`` says."""
        self._faces = faces
        self._generation = order.generation
        self._transform = order.transform
        self._parts = read(faces.engine, order, beside)

    def step(self, monotonic_ns: Callable[[], int]) -> bool:
        """Work for some milliseconds; True when the gallery is in use.

        PackError or BorderError when its rows are not of this embedder or malformed: the gallery
        before it stays, and the order counts as done.
        """
        until_ns = monotonic_ns() + TURN_NS
        try:
            while True:
                next(self._parts)
                if monotonic_ns() >= until_ns:
                    return False
        except StopIteration as done:
            self._search(done.value)
        except GatehouseError:
            self._faces.generation = self._generation
            raise
        give_back_memory()
        return True

    def _search(self, gallery: Gallery | None) -> None:
        if gallery is not None and self._transform != self._faces.transform:
            self._faces.generation = self._generation
            raise PackError("the gallery is under another transform than faces are")
        self._faces.search(gallery, self._generation)


def read(
    engine: FaceEngine, order: border.Gallery, beside: bytes
) -> Generator[None, None, Gallery | None]:
    """The gallery in *beside*, in parts; None when it has nobody in it."""
    entries: list[GalleryRow] = []
    for part in decode_index_in_parts(beside[: order.index_bytes]):
        entries += part
        yield
    if not entries:
        return None
    if order.model_id != engine.model_id or order.dim != engine.dim:
        raise PackError(f"templates of {order.model_id} cannot be compared with {engine.model_id}")
    size = len(beside) - order.index_bytes
    if size < 0 or size % (4 * order.dim):
        raise PackError("the gallery's rows are not whole")
    rows = np.frombuffer(beside, "<f4", offset=order.index_bytes).reshape(-1, order.dim)
    made = Gallery.in_parts(engine.model_id, engine.metric, entries, rows, Purpose.WATCHLIST)
    return (yield from made)
