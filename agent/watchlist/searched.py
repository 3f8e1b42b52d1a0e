"""What vision searches for: the entries of several stores brought together, photos made templates.

An entry that stands in two stores (on the watchlist, and followed) is one row with the templates of
both: as two rows they would take each other's margin. Here: vision's gallery and the making of
templates. Not here: which entries there are (``agent.watchlist.service``, ``agent.watchlist.hot``).
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
from agent.core.errors import StoreError
from agent.watchlist.entry import Stored
from agent.watchlist.store import WatchlistStore

log = logging.getLogger(__name__)

FLOAT_BYTES = 4
MOST_ROWS = 64


class Vision(Protocol):
    """The vision program, as lists of faces see it."""

    @property
    def review_only(self) -> bool:
        """True when its leads are for a person's review only."""

    @property
    def faces_off(self) -> bool:
        """True while the station has switched face work off."""

    def embed(self, photos: Sequence[bytes], done: Callable[[Embedded, bytes], None]) -> bool:
        """Have templates made; ``done`` hears the verdicts and the float32 rows.

        False when vision does not listen now; ``done`` is not called then.
        """

    def gallery(self, rows: list[GalleryRow], matrix: bytes) -> bool:
        """Replace what is searched; False when vision does not listen now."""

    def settle(self, done: Callable[[], None]) -> None:
        """Call *done* when vision says that the newest gallery is in use."""


_Key = tuple[str, bool]
Made = Callable[[WatchlistStore, Stored, str, int, str], None]


class Searched:
    """Runs on the loop."""

    def __init__(
        self,
        stores: Sequence[WatchlistStore],
        now_ns: Callable[[], int],
        on_made: Made,
        on_stranded: Callable[[], None] = lambda: None,
    ) -> None:
        """*on_made* hears store, entry, model, how many templates, and why photos were refused.

        *on_stranded* is called when ``stranded`` is not what it was.
        """
        self._stores = stores
        self._now_ns = now_ns
        self._on_made = on_made
        self._on_stranded = on_stranded
        self._stranded: tuple[str | None, tuple[_Key, ...]] = (None, ())
        self._vision: Vision | None = None
        self.model_id: str | None = None
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._shown: tuple[tuple[str, bool, tuple[bytes, ...]], ...] | None = None

    @property
    def here(self) -> bool:
        """True while vision compares faces."""
        return self._vision is not None and self.model_id is not None

    @property
    def review_only(self) -> bool:
        """True when no real lead would leave the gate with this vision program."""
        return self._vision is not None and self._vision.review_only

    @property
    def faces_off(self) -> bool:
        """True while the station has switched face work off."""
        return self._vision is not None and self._vision.faces_off

    def shows(self, entry_id: str, *, exercise: bool) -> bool:
        """True when vision was given this entry to search for."""
        return any(shown[:2] == (entry_id, exercise) for shown in self._shown or ())

    def settle(self, done: Callable[[], None]) -> bool:
        """Call *done* when the newest gallery is in use; False when vision is not here."""
        if self._vision is None or self.model_id is None:
            return False
        self._vision.settle(done)
        return True

    def stranded(self) -> tuple[Stored, ...]:
        """Entries that this embedder cannot search: templates of another one, and no photo left.

        Templates are never compared across embedders, so only new photos help.
        """
        model_id, now_ns = self.model_id, self._now_ns()
        if model_id is None:
            return ()
        standing = [e for e in self._entries() if e.expires_ns > now_ns]
        helped = {_key(e) for e in standing if e.photos or e.templates.get(model_id)}
        return tuple(e for e in standing if _key(e) not in helped)

    async def made(self, timeout_s: float) -> None:
        """Wait until vision has made the missing templates, or for *timeout_s*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    def vision_up(self, vision: Vision, model_id: str | None) -> None:
        """Vision is here with this embedder (None: faces are off)."""
        self._vision, self.model_id = vision, model_id
        self._shown, self._busy = None, False
        self.refresh()

    def vision_lost(self) -> None:
        """Vision went away."""
        self._vision, self.model_id, self._shown = None, None, None
        self._idle.set()

    def refresh(self) -> None:
        """Bring vision's gallery in line with what is valid now, and make missing templates."""
        vision, model_id = self._vision, self.model_id
        self._look_for_stranded()
        if vision is None or model_id is None:
            return
        now_ns = self._now_ns()
        usable = [e for e in self._entries() if e.active(now_ns) and e.templates.get(model_id)]
        fitting = _of_one_size(usable, model_id)
        shown = _together(fitting, model_id)
        if shown != self._shown:
            for entry in usable:
                if entry not in fitting:
                    log.error("entry %s has templates of another size", entry.entry_id)
            rows = [GalleryRow(name, exercise, len(found)) for name, exercise, found in shown]
            heard = vision.gallery(rows, b"".join(row for _, _, found in shown for row in found))
            self._shown = shown if heard else None
        self._embed_next(vision, model_id)

    def _look_for_stranded(self) -> None:
        """Without vision nothing new is known."""
        if self._vision is None:
            return
        stranded = (self.model_id, tuple(_key(entry) for entry in self.stranded()))
        if stranded != self._stranded:
            self._stranded = stranded
            self._on_stranded()

    def _entries(self) -> list[Stored]:
        return [entry for store in self._stores for entry in store.entries]

    def _embed_next(self, vision: Vision, model_id: str) -> None:
        if self._busy:
            return
        for store in reversed(self._stores):
            for entry in store.entries:
                if entry.photos and model_id not in entry.templates:
                    done = functools.partial(self._made, store, entry)
                    self._busy = vision.embed(entry.photos, done)
                    if self._busy:
                        self._idle.clear()
                    return
        self._idle.set()

    def _made(self, store: WatchlistStore, entry: Stored, told: Embedded, rows: bytes) -> None:
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
            stands = store.embedded(entry, told.model_id, templates, reason)
        except StoreError as error:
            log.error("templates of entry %s: %s", entry.entry_id, error)  # noqa: TRY400 - expected
            return
        self.refresh()
        if stands:
            self._on_made(store, entry, told.model_id, len(templates), reason)


def _key(entry: Stored) -> _Key:
    return entry.entry_id, entry.exercise


def _together(
    entries: Sequence[Stored], model_id: str
) -> tuple[tuple[str, bool, tuple[bytes, ...]], ...]:
    """Each entry once, with the templates that any store holds of it."""
    found: dict[tuple[str, bool], tuple[bytes, ...]] = {}
    for entry in entries:
        key = (entry.entry_id, entry.exercise)
        rows = dict.fromkeys((*found.get(key, ()), *entry.templates[model_id]))
        found[key] = tuple(rows)[:MOST_ROWS]
    return tuple((name, exercise, rows) for (name, exercise), rows in found.items())


def _of_one_size(entries: Sequence[Stored], model_id: str) -> list[Stored]:
    """The entries whose templates are as long as most are: one odd row would spoil the gallery."""
    sizes = Counter(len(row) for entry in entries for row in entry.templates[model_id])
    most = max(sizes, key=lambda size: sizes[size], default=0)
    return [e for e in entries if all(len(row) == most for row in e.templates[model_id])]
