"""The vision program's own face work, in this process and at once, as a list of faces sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, encode_index
from agent.border.protection import Convert, Converted, Protect
from agent.config.schema.vision import Faces
from agent.core.seed import Seed
from agent.vision.faces import FaceWork
from agent.vision.photos import PhotoWork
from agent.vision.replacing import GalleryWork
from models.engine import FaceEngine


class OwnVision:
    """The vision program's own work, in this process and at once."""

    review_only = False
    faces_off = False

    def __init__(self, engine: FaceEngine) -> None:
        self.work = FaceWork(engine, Faces())
        self.last: tuple[border.Gallery, bytes] | None = None

    def embed(
        self,
        photos: Sequence[bytes],
        done: Callable[[border.Embedded, bytes], None],
        meant: border.Meant,
    ) -> bool:
        """Make templates."""
        order = border.Embed(
            1,
            [len(photo) for photo in photos],
            meant.entry_id,
            exercise=meant.exercise,
            own=meant.own,
        )
        work = PhotoWork(self.work, order, b"".join(photos))
        answer = None
        while answer is None:
            answer = work.step()
        done(*answer)
        return True

    def protect(self, seed: Seed) -> bool:
        """Transform from now on."""
        self.work.protect(Protect(seed.name), seed.secret)
        return True

    def convert(
        self, matrix: bytes, dim: int, seed: Seed | None, done: Callable[[Converted, bytes], None]
    ) -> bool:
        """Bring rows under the seed of now."""
        secret = b"" if seed is None else seed.secret
        done(*self.work.convert(Convert(1, dim, seed is not None), secret + matrix))
        return True

    def gallery(self, rows: list[GalleryRow], matrix: bytes) -> bool:
        """Search these from now on."""
        index = encode_index(rows)
        engine = self.work.engine
        message = border.Gallery(1, engine.model_id, engine.dim, len(index), self.work.transform)
        self.last = message, index + matrix
        assert GalleryWork(self.work, *self.last).step(lambda: 0)
        return True

    def settle(self, done: Callable[[], None]) -> None:
        """It is in use already."""
        done()
