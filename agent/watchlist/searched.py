"""What vision is given to search: missing templates made, its gallery kept in line.

Here: one vision program that comes and goes, one entry's photos at a time. Not here: which entries
stand (``agent.watchlist.store``), comparing (vision's; the core never compares a face).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from agent.border.messages import Embedded, GalleryRow
from agent.core.audit import AuditKind, Auditor, What
from agent.core.errors import StoreError
from agent.watchlist.entry import Stored
from agent.watchlist.store import Applied, WatchlistStore

log = logging.getLogger(__name__)

FLOAT_BYTES = 4


class Vision(Protocol):
    """The vision program, as the watchlist sees it."""

    def embed(self, photos: Sequence[bytes], done: Callable[[Embedded, bytes], None]) -> bool:
        """Have templates made; ``done`` hears the verdicts and the float32 rows.

        False when vision does not listen now; ``done`` is not called then.
        """

    def gallery(self, rows: list[GalleryRow], matrix: bytes) -> bool:
        """Replace what is searched; False when vision does not listen now."""


class Searched:
    """What the present vision program searches. Runs on the loop."""

    def __init__(
        self,
        store: WatchlistStore,
        now_ns: Callable[[], int],
        on_change: Callable[[Applied], None],
        audit: Auditor,
    ) -> None:
        """*now_ns* is the best known time; *on_change* hears of entries that got no template."""
        self._store = store
        self._now_ns = now_ns
        self._on_change = on_change
        self._audit = audit
        self._vision: Vision | None = None
        self.model_id: str | None = None
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._shown: tuple[tuple[str, bool, tuple[bytes, ...]], ...] | None = None

    def vision_up(self, vision: Vision, model_id: str | None) -> None:
        """Vision is here with this embedder (None: faces are off)."""
        self._vision, self.model_id = vision, model_id
        self._shown, self._busy = None, False
        self.refresh()

    def vision_lost(self) -> None:
        """Vision went away."""
        self._vision, self.model_id = None, None
        self._idle.set()

    async def made(self, timeout_s: float) -> None:
        """Wait until vision has made the missing templates, or for *timeout_s*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    def refresh(self) -> None:
        """Bring vision's gallery in line with what is valid now, and make missing templates."""
        vision, model_id = self._vision, self.model_id
        if vision is None or model_id is None:
            return
        now_ns = self._now_ns()
        usable = [e for e in self._store.entries if e.active(now_ns) and e.templates.get(model_id)]
        fitting = _of_one_size(usable, model_id)
        shown = tuple((e.entry_id, e.exercise, tuple(e.templates[model_id])) for e in fitting)
        if shown != self._shown:
            for entry in usable:
                if entry not in fitting:
                    log.error("entry %s has templates of another size", entry.entry_id)
            rows = [GalleryRow(name, exercise, len(found)) for name, exercise, found in shown]
            heard = vision.gallery(rows, b"".join(row for _, _, found in shown for row in found))
            self._shown = shown if heard else None
        self._embed_next(vision, model_id)

    def _embed_next(self, vision: Vision, model_id: str) -> None:
        if self._busy:
            return
        for entry in self._store.entries:
            if entry.photos and model_id not in entry.templates:
                self._busy = vision.embed(entry.photos, functools.partial(self._made, entry))
                if self._busy:
                    self._idle.clear()
                return
        self._idle.set()

    def _made(self, entry: Stored, told: Embedded, rows: bytes) -> None:
        self._busy = False
        size = told.dim * FLOAT_BYTES
        templates = [rows[at : at + size] for at in range(0, len(rows), size)]
        refused = [v for v in told.photos if v.refused]
        reason = "; ".join(f"photo {v.photo + 1}: {v.refused}" for v in refused)[:300]
        whole = len(templates) == len(told.photos) - len(refused) and not len(rows) % size
        if not whole or told.model_id != self.model_id or len(told.photos) != len(entry.photos):
            log.error("vision's answer about entry %s is not whole", entry.entry_id)
            return
        for verdict in refused:
            log.warning(
                "entry %s, photo %d: %s", entry.entry_id, verdict.photo + 1, verdict.refused
            )
        try:
            stands = self._store.embedded(entry, told.model_id, templates, reason)
        except StoreError as error:
            log.error("templates of entry %s: %s", entry.entry_id, error)  # noqa: TRY400 - expected
            return
        if stands:
            what: What = {
                "entry": entry.entry_id,
                "model": told.model_id,
                "templates": len(templates),
            }
            self._audit.note(AuditKind.ENROLMENT, "vision", what)
        if stands and not templates:
            self._on_change(self._store.applied[entry.status])
        self.refresh()


def _of_one_size(entries: Sequence[Stored], model_id: str) -> list[Stored]:
    """The entries whose templates are as long as most are: one odd row would spoil the gallery."""
    sizes = Counter(len(row) for entry in entries for row in entry.templates[model_id])
    most = max(sizes, key=lambda size: sizes[size], default=0)
    return [e for e in entries if all(len(row) == most for row in e.templates[model_id])]
