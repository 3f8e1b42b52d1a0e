"""The vision program, as lists of faces see it. Not here: its socket (``agent.pipeline``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from agent.border.gallery_index import GalleryRow
from agent.border.messages import Embedded, Meant
from agent.border.protection import Converted
from agent.core.seed import Seed


class Vision(Protocol):
    """The vision program, as lists of faces see it."""

    @property
    def review_only(self) -> bool:
        """True when its leads are for a person's review only."""

    @property
    def faces_off(self) -> bool:
        """True while the station has switched face work off."""

    def embed(
        self, photos: Sequence[bytes], done: Callable[[Embedded, bytes], None], meant: Meant
    ) -> bool:
        """Have templates made; ``done`` hears the verdicts and the float32 rows.

        False when vision does not listen now; ``done`` is not called then.
        """

    def gallery(self, rows: list[GalleryRow], matrix: bytes) -> bool:
        """Replace what is searched; False when vision does not listen now."""

    def settle(self, done: Callable[[], None]) -> None:
        """Call *done* when vision says that the newest gallery is in use."""

    def protect(self, seed: Seed) -> bool:
        """Have every template transformed from now on; False when vision does not listen now."""

    def convert(
        self, matrix: bytes, dim: int, seed: Seed | None, done: Callable[[Converted, bytes], None]
    ) -> bool:
        """Have rows under *seed* (none: as they were made) brought under the seed of now.

        ``done`` hears the answer and the rows. False when vision does not listen now.
        """
