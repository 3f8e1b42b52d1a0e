"""A watchlist on a folder, and a vision program that writes down what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agent.border.gallery_index import GalleryRow
from agent.border.messages import Embedded, Meant, PhotoVerdict
from agent.border.protection import Converted
from agent.core.clock import ManualClock
from agent.core.seed import Seed
from agent.watchlist.service import Watchlist
from agent.watchlist.store import Applied, WatchlistStore
from tests.support.audit import Recorder
from tests.support.samples import ADDRESS
from tests.support.signed import TRUSTED, listed, template, watchlist

ROW, OTHER = b"\0\0\x80?" * 2, b"\0\0\0@" * 2
Done = Callable[[Embedded, bytes], None]
Over = Callable[[Converted, bytes], None]


class RecordingVision:
    """Answers when told to, and not at all while it does not listen."""

    def __init__(self) -> None:
        self.listens = True
        self.asked: list[tuple[list[bytes], Done]] = []
        self.galleries: list[tuple[list[GalleryRow], bytes]] = []
        self.protected: list[str] = []
        self.conversions: list[tuple[bytes, int, Seed | None, Over]] = []

    def embed(self, photos: Sequence[bytes], done: Done, meant: Meant) -> bool:
        """Have templates made."""
        self.meant = meant
        if self.listens:
            self.asked.append((list(photos), done))
        return self.listens

    review_only = False
    faces_off = False

    def settle(self, done: Callable[[], None]) -> None:
        """Everything is in use at once."""
        done()

    def protect(self, seed: Seed) -> bool:
        """Have templates transformed."""
        if self.listens:
            self.protected.append(seed.name)
        return self.listens

    def convert(self, matrix: bytes, dim: int, seed: Seed | None, done: Over) -> bool:
        """Have rows brought under the seed of now."""
        if self.listens:
            self.conversions.append((matrix, dim, seed, done))
        return self.listens

    def gallery(self, rows: list[GalleryRow], matrix: bytes) -> bool:
        """Replace what is searched."""
        if self.listens:
            self.galleries.append((rows, matrix))
        return self.listens

    def answer(self, *rows: bytes, refused: Sequence[str] = (), model_id: str = "dlib") -> None:
        """Answer the oldest question: templates first, then refused photos."""
        _, done = self.asked.pop(0)
        verdicts = [PhotoVerdict(n) for n in range(len(rows))]
        verdicts += [PhotoVerdict(len(rows) + n, why) for n, why in enumerate(refused)]
        under = self.protected[-1] if self.protected else ""
        done(Embedded(1, model_id, 2, verdicts, under), b"".join(rows))

    @property
    def searched(self) -> list[str]:
        """Who is searched for now."""
        return [row.entry_id for row in self.galleries[-1][0]]


class Bench:
    """A watchlist on a folder, with what it reported."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.path = folder / "watchlist.json"
        self.reported: list[Applied] = []
        self.vision = RecordingVision()
        self.audit = Recorder()
        self.list = Watchlist(
            WatchlistStore(self.path),
            TRUSTED,
            ADDRESS,
            clock,
            on_change=self.reported.append,
            audit=self.audit,
        )

    def apply(self, *entries: dict[str, Any], version: int = 1, **fields: Any) -> Applied:
        """Apply a signed list, as if by hand."""
        data = watchlist(self.clock, list(entries), version=version, **fields)
        return self.list.apply(data, drill=None)

    def made(self, **fields: Any) -> dict[str, Any]:
        """An entry whose template was made elsewhere."""
        values: dict[str, Any] = {"photos": ..., "templates": [template("dlib", ROW)]}
        return listed(self.clock, **{**values, **fields})


def break_disk(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "in-the-way").touch()
