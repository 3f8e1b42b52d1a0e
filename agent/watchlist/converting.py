"""Which kept templates are not under the site's transform of now, and what becomes of them.

A list comes with templates as an embedder made them; a new seed leaves all rows under the one
before. Pure: entries in, one lot of rows out, entries with converted rows out. Vision computes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.core.seed import Seed
from agent.files.transforms import SiteTransforms, parted
from agent.watchlist.entry import Stored

FLOAT_BYTES = 4
MOST_LOT_BYTES = 64 * 1024 * 1024
Rows = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Converting:
    """Rows of one length under one seed (None: as they were made), in the order of *entries*."""

    entries: tuple[Stored, ...]
    seed: Seed | None
    size: int
    matrix: bytes

    @property
    def dim(self) -> int:
        """Length of a template."""
        return self.size // FLOAT_BYTES

    def done(self, rows: bytes, transform: str) -> list[tuple[Stored, Stored]]:
        """Each entry with its rows, converted, under their new name."""
        pieces = iter([rows[at : at + self.size] for at in range(0, len(rows), self.size)])
        return [(entry, self._changed(entry, pieces, transform)) for entry in self.entries]

    def _changed(self, entry: Stored, pieces: Iterator[bytes], transform: str) -> Stored:
        templates = self._renamed(entry.templates, pieces, transform)
        return replace(
            entry,
            templates=templates,
            look_alikes=self._renamed(entry.look_alikes, pieces, transform),
        )

    def _renamed(self, held: Rows, pieces: Iterator[bytes], transform: str) -> Rows:
        found: dict[str, Sequence[bytes]] = {}
        for name, rows in held.items():
            if not _is_meant(name, rows, self.seed, self.size):
                found.setdefault(name, rows)
                continue
            made = [next(pieces) for _ in rows]
            found[f"{parted(name)[0]}~{transform}"] = made
        return found


def to_convert(entries: Iterable[Stored], transforms: SiteTransforms) -> Converting | None:
    """The next lot; None when every row is under the seed of now, or its seed is not known."""
    chosen: list[Stored] = []
    parts: list[bytes] = []
    meant: tuple[Seed | None, int] | None = None
    held = 0
    for entry in entries:
        fresh: list[bytes] = []
        for name, rows in (*entry.templates.items(), *entry.look_alikes.items()):
            transform = parted(name)[1]
            seed = transforms.known(transform) if transform else None
            if not rows or seed is transforms.current or (transform and seed is None):
                continue
            meant = meant or (seed, len(rows[0]))
            if _is_meant(name, rows, *meant):
                fresh += rows
        if fresh and held <= MOST_LOT_BYTES:
            chosen.append(entry)
            parts += fresh
            held += sum(map(len, fresh))
    if meant is None:
        return None
    return Converting(tuple(chosen), *meant, b"".join(parts))


def _is_meant(name: str, rows: Sequence[bytes], seed: Seed | None, size: int) -> bool:
    """Whether those rows belong to a lot: all of one length, under its seed."""
    under = "" if seed is None else seed.name
    return bool(rows) and parted(name)[1] == under and all(len(row) == size for row in rows)
