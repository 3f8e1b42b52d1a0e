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

from agent.border.gallery_index import GalleryRow
from agent.border.messages import Embedded, Meant
from agent.border.protection import Converted
from agent.core.errors import StoreError
from agent.files.transforms import SiteTransforms, parted
from agent.watchlist.converting import Converting, to_convert
from agent.watchlist.entry import Stored
from agent.watchlist.store import WatchlistStore
from agent.watchlist.vision import Vision

log = logging.getLogger(__name__)

FLOAT_BYTES = 4
MOST_ROWS = 64
_Key = tuple[str, bool]
# An entry, its realm, its templates, its look-alikes.
Shown = tuple[str, bool, tuple[bytes, ...], tuple[bytes, ...]]
Made = Callable[[WatchlistStore, Stored, str, int, str], None]


class Searched:
    """Runs on the loop."""

    def __init__(
        self,
        stores: Sequence[WatchlistStore],
        now_ns: Callable[[], int],
        on_made: Made,
        on_stranded: Callable[[], None] = lambda: None,
        transforms: SiteTransforms | None = None,
    ) -> None:
        """*on_made* hears store, entry, model, how many templates, and why photos were refused.

        *on_stranded* is called when ``stranded`` is not what it was. Without *transforms*
        templates are kept as they were made; ``on_converted`` is called when some were brought
        under the seed of now.
        """
        self._stores = stores
        self._now_ns = now_ns
        self._on_made = on_made
        self._on_stranded = on_stranded
        self.on_converted: Callable[[], None] = lambda: None
        self._stranded: tuple[str | None, tuple[_Key, ...]] = (None, ())
        self._vision: Vision | None = None
        self._transforms = transforms
        if transforms is not None:
            transforms.on_renewed = self._protect_anew
        self._protected = False
        self.embedder: str | None = None
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._shown: tuple[Shown, ...] | None = None

    @property
    def model_id(self) -> str | None:
        """Under which name templates that can be searched are kept; None without an embedder."""
        if self.embedder is None or self._transforms is None:
            return self.embedder
        return self._transforms.kept_as(self.embedder)

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
        helped = {_key(e) for e in standing if e.photos or self.can_be_searched(e)}
        return tuple(e for e in standing if _key(e) not in helped)

    async def made(self, timeout_s: float) -> None:
        """Wait until vision has made the missing templates, or for *timeout_s*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    def vision_up(self, vision: Vision, model_id: str | None) -> None:
        """Vision is here with this embedder (None: faces are off)."""
        self._vision, self.embedder = vision, model_id
        self._shown, self._busy, self._protected = None, False, False
        self.refresh()

    def vision_lost(self) -> None:
        """Vision went away."""
        self._vision, self.embedder, self._shown = None, None, None
        self._idle.set()

    def refresh(self) -> None:
        """Bring vision's gallery in line with what is valid now, and make missing templates."""
        vision, model_id = self._vision, self.model_id
        self._look_for_stranded()
        self._forget_seeds()
        if vision is None or model_id is None or not self._protect(vision):
            return
        now_ns = self._now_ns()
        usable = [e for e in self._entries() if e.active(now_ns) and e.templates.get(model_id)]
        fitting = _of_one_size(usable, model_id)
        shown = _together(fitting, model_id)
        if shown != self._shown:
            for entry in usable:
                if entry not in fitting:
                    log.error("entry %s has templates of another size", entry.entry_id)
            rows = [
                GalleryRow(name, drill, len(own), len(near)) for name, drill, own, near in shown
            ]
            every = (row for _, _, own, near in shown for row in (*own, *near))
            heard = vision.gallery(rows, b"".join(every))
            self._shown = shown if heard else None
        if not self._convert_next(vision):
            self._embed_next(vision, model_id)

    def _protect(self, vision: Vision) -> bool:
        """Whether vision has the seed of now: without it nothing is to be compared."""
        if self._transforms is not None and not self._protected:
            self._protected = vision.protect(self._transforms.current)
            return self._protected
        return True

    def _protect_anew(self) -> None:
        """There is a new seed: what vision holds is of the one before."""
        self._shown, self._protected = None, False
        self.refresh()

    def _convert_next(self, vision: Vision) -> bool:
        """Whether templates are being brought under the seed of now; one lot at a time."""
        if self._transforms is None or self._busy:
            return self._busy
        for store in self._stores:
            lot = to_convert(store.entries, self._transforms)
            if lot is not None:
                done = functools.partial(self._converted, store, lot)
                self._busy = vision.convert(lot.matrix, lot.dim, lot.seed, done)
                if self._busy:
                    self._idle.clear()
                return True
        return False

    def _forget_seeds(self) -> None:
        """Those under which nothing is kept any more, vision or not: after a wipe for instance."""
        if self._transforms is None:
            return
        needed = {parted(name)[1] for e in self._entries() for name in e.names}
        try:
            self._transforms.forget_but(needed)
        except (StoreError, OSError) as error:
            log.warning("an older seed is not forgotten yet: %s", error)

    def _converted(
        self, store: WatchlistStore, lot: Converting, told: Converted, rows: bytes
    ) -> None:
        self._busy = False
        now = None if self._transforms is None else self._transforms.current.name
        if told.transform == now and told.dim == lot.dim and len(rows) == len(lot.matrix):
            try:
                store.converted(lot.done(rows, told.transform))
            except StoreError as error:
                log.error("converted templates: %s", error)  # noqa: TRY400 - expected
                return
        self.refresh()
        self.on_converted()

    def can_be_searched(self, entry: Stored) -> bool:
        """Whether it has templates of this embedder, now or once they are converted."""
        for name, rows in entry.templates.items():
            model_id, transform = parted(name) if self._transforms else (name, "")
            known = not transform or (self._transforms and self._transforms.known(transform))
            if rows and model_id == self.embedder and known:
                return True
        return False

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
                own, near = entry.unmade(model_id)
                if own or near:
                    done = functools.partial(self._made, store, entry)
                    meant = Meant(entry.entry_id, entry.exercise, len(own))
                    self._busy = vision.embed([*own, *near], done, meant)
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
        transform = "" if self._transforms is None else self._transforms.current.name
        kept_as = self.model_id
        if told.transform != transform:
            self.refresh()
            return
        own, near = ((), ()) if kept_as is None else entry.unmade(kept_as)
        asked = len(own) + len(near)
        if not whole or not kept_as or told.model_id != self.embedder or len(told.photos) != asked:
            log.error("vision's answer about entry %s is not whole", entry.entry_id)
            return
        for verdict in refused:
            log.warning(
                "entry %s, photo %d: %s", entry.entry_id, verdict.photo + 1, verdict.refused
            )
        try:
            made = len(own) - sum(verdict.photo < len(own) for verdict in refused)
            templates, others = templates[:made], templates[made:]
            stands = store.embedded(entry, kept_as, templates, reason, others)
        except StoreError as error:
            log.error("templates of entry %s: %s", entry.entry_id, error)  # noqa: TRY400 - expected
            return
        self.refresh()
        if stands and own:
            self._on_made(store, entry, told.model_id, len(templates), reason)


def _key(entry: Stored) -> _Key:
    return entry.entry_id, entry.exercise


def _together(entries: Sequence[Stored], model_id: str) -> tuple[Shown, ...]:
    """Each entry once, with the templates that any store holds of it."""
    found: dict[tuple[str, bool], tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {}
    for entry in entries:
        key = (entry.entry_id, entry.exercise)
        own, near = found.get(key, ((), ()))
        more = _joined(near, entry.look_alikes.get(model_id, ()))
        found[key] = _joined(own, entry.templates[model_id]), more
    return tuple((name, exercise, own, near) for (name, exercise), (own, near) in found.items())


def _joined(some: Sequence[bytes], more: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys((*some, *more)))[:MOST_ROWS]


def _of_one_size(entries: Sequence[Stored], model_id: str) -> list[Stored]:
    """The entries whose templates are as long as most are: one odd row would spoil the gallery."""
    sizes = Counter(len(row) for entry in entries for row in entry.templates[model_id])
    most = max(sizes, key=lambda size: sizes[size], default=0)
    rows = {id(e): (*e.templates[model_id], *e.look_alikes.get(model_id, ())) for e in entries}
    return [e for e in entries if all(len(row) == most for row in rows[id(e)])]
