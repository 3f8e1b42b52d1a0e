"""The watchlist at work: applied, made into templates, given to vision, expired.

Here: the decisions on the loop. Reading signed documents is ``bundle``, the disk is ``store``.
Searching is vision's; the core never compares a face.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.border.messages import Embedded, GalleryRow
from agent.core.audit import NO_AUDIT, AuditKind, Auditor, What
from agent.core.clock import Clock, format_utc
from agent.core.errors import RefusedError, StoreError
from agent.watchlist.bundle import Bundle, read_bundle
from agent.watchlist.entry import Stored
from agent.watchlist.gathering import Gathering
from agent.watchlist.manifest import read_manifest
from agent.watchlist.store import Applied, WatchlistStore
from agent.watchlist.sure_time import SureTime
from contract.signing import TrustedKeys, read_trusted_keys
from contract.topics import Address
from contract.words import ListName, Refusal, Status

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


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry for people: ``state`` is active, waiting (for templates or its time) or over."""

    entry_id: str
    list: str
    status: str
    state: str
    category: str
    authority: str
    expires_at_ns: int
    templates: int


class Watchlist:
    """The watchlists of this gate, Actual and Exercise."""

    def __init__(
        self,
        store: WatchlistStore,
        keys: TrustedKeys | None,
        address: Address,
        clock: Clock,
        *,
        on_change: Callable[[Applied], None],
        audit: Auditor = NO_AUDIT,
    ) -> None:
        """*on_change* hears what to report to the station."""
        self._store = store
        self._keys = keys
        self._address = address
        self._clock = clock
        self._on_change = on_change
        self._audit = audit
        self._vision: Vision | None = None
        self._model_id: str | None = None
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._shown: tuple[tuple[str, bool, tuple[bytes, ...]], ...] | None = None
        self._sure = SureTime(clock, store.floor_ns)

    def now_ns(self) -> int:
        """The best known time: the wall clock, but never before a signed time we have seen."""
        return max(self._clock.utc_ns(), self._store.floor_ns)

    def apply(self, data: bytes, *, drill: bool | None, by: str = "station") -> Applied:
        """Apply a signed document; RefusedError when it is refused (nothing is changed then).

        *by*: who brought it, for the audit log.
        """
        try:
            return self._apply(data, drill=drill, by=by)
        except RefusedError as error:
            self._audit.note(AuditKind.REFUSAL, by, {"doc": "watchlist", "reason": str(error)})
            raise

    def _apply(self, data: bytes, *, drill: bool | None, by: str) -> Applied:
        now_ns = self._sure.now_ns(self._store.floor_ns)
        bundle = read_bundle(data, self._keys, self._address, now_ns, drill=drill)
        standing = self._store.applied.get(bundle.status)
        if standing is not None and standing.hash == bundle.hash:
            return standing
        self.stored(self.store(bundle), by)
        return self._store.applied[bundle.status]

    def begin(self, data: bytes, *, drill: bool) -> Gathering | None:
        """Begin to gather a document that comes in chunks; None when it stands already.

        RefusedError when it is refused.
        """
        manifest = read_manifest(data, self._keys, self._address, drill=drill)
        standing = self._store.applied.get(manifest.status)
        if standing is not None and standing.hash == manifest.hash:
            return None
        self._store.check_newer(manifest.status, manifest.version)
        return Gathering(manifest, self._sure.now_ns(self._store.floor_ns))

    def store(self, bundle: Bundle) -> Applied:
        """Store a document durably; RefusedError when that fails. May run beside the loop."""
        try:
            applied = self._store.apply(bundle, self._clock.utc_ns())
        except StoreError as error:
            raise RefusedError(Refusal.NOT_STORED, str(error)) from error
        log.info(
            "watchlist %s version %d: %d entries, %d rejected",
            applied.status,
            applied.version,
            len(bundle.entries),
            len(applied.rejected),
        )
        return applied

    def stored(self, applied: Applied, by: str = "station") -> None:
        """What follows from a new document: the audit, the report, and what vision searches."""
        self._note_applied(applied, by)
        self._on_change(applied)
        self.refresh()

    def list_of(self, entry_id: str, exercise: bool) -> ListName | None:  # noqa: FBT001 - a key
        """The list of an entry of a drill (*exercise*) or not that is valid now."""
        found = self.entry(entry_id, exercise)
        return None if found is None else found.listed

    def entry(self, entry_id: str, exercise: bool) -> Stored | None:  # noqa: FBT001 - a key
        """The entry of that id and realm, if it is valid now."""
        now_ns = self.now_ns()
        for entry in self._store.entries:
            if (entry.entry_id, entry.exercise) == (entry_id, exercise) and entry.active(now_ns):
                return entry
        return None

    def listing(self) -> list[Listing]:
        """Every entry for people."""
        return [self._listed(entry) for entry in self._store.entries]

    def applied(self) -> list[Applied]:
        """What was applied, for ``~/reported``."""
        return list(self._store.applied.values())

    def delete(self, entry_ids: Sequence[str], by: str = "gate") -> int:
        """End entries at this gate before their time; *by* whom, for the audit log."""
        count = self._store.delete(entry_ids)
        self._note_deleted(entry_ids, by)
        self.refresh()
        return count

    def wipe(self) -> None:
        """Delete everything, durably; StoreError when the disk refuses. Reported to the station."""
        gone = self._store.wipe()
        log.warning("the watchlist is wiped: %d documents", len(gone))
        self._audit.note(AuditKind.DELETION, "station", {"store": "watchlist", "entry": "all"})
        for status in gone:
            self._on_change(Applied(status, 0, "", format_utc(self._clock.utc_ns()), ()))
        self.refresh()

    def expire(self) -> tuple[str, ...]:
        """Delete what is over; call it now and then."""
        try:
            over = self._store.expire(self._sure.now_ns(self._store.floor_ns))
        finally:
            self.refresh()
        for entry_id in over:
            log.info("watchlist entry %s is over and deleted", entry_id)
        self._note_deleted(over, "expiry")
        return over

    async def made(self, timeout_s: float) -> None:
        """Wait until vision has made the missing templates, or for *timeout_s*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    def vision_up(self, vision: Vision, model_id: str | None) -> None:
        """Vision is here with this embedder (None: faces are off)."""
        self._vision, self._model_id = vision, model_id
        self._shown, self._busy = None, False
        self.refresh()

    def vision_lost(self) -> None:
        """Vision went away."""
        self._vision, self._model_id = None, None
        self._idle.set()

    def refresh(self) -> None:
        """Bring vision's gallery in line with what is valid now, and make missing templates."""
        vision, model_id = self._vision, self._model_id
        if vision is None or model_id is None:
            return
        now_ns = self.now_ns()
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
        if not whole or told.model_id != self._model_id or len(told.photos) != len(entry.photos):
            log.error("vision's answer about entry %s is not whole", entry.entry_id)
            return
        for verdict in refused:
            log.warning(
                "entry %s, photo %d: %s", entry.entry_id, verdict.photo + 1, verdict.refused
            )
        try:
            self._store.embedded(entry, told.model_id, templates, reason)
        except StoreError as error:
            log.error("templates of entry %s: %s", entry.entry_id, error)  # noqa: TRY400 - expected
            return
        what: What = {"entry": entry.entry_id, "model": told.model_id, "templates": len(templates)}
        self._audit.note(AuditKind.ENROLMENT, "vision", what)
        if not templates:
            self._on_change(self._store.applied[entry.status])
        self.refresh()

    def _note_applied(self, applied: Applied, by: str) -> None:
        entries = [e for e in self._store.entries if e.status is applied.status]
        what: What = {
            "status": applied.status.value,
            "version": applied.version,
            "hash": applied.hash,
            "issuer": "" if self._keys is None else self._keys.station,
            "entries": len(entries),
            "rejected": len(applied.rejected),
        }
        self._audit.note(AuditKind.WATCHLIST, by, what)

    def _note_deleted(self, entry_ids: Sequence[str], by: str) -> None:
        for entry_id in entry_ids:
            self._audit.note(AuditKind.DELETION, by, {"store": "watchlist", "entry": entry_id})

    def _listed(self, entry: Stored) -> Listing:
        now_ns = self.now_ns()
        usable = [rows for m, rows in entry.templates.items() if self._model_id in (None, m)]
        templates = sum(len(rows) for rows in usable)
        if entry.expires_ns <= now_ns:
            state = "over"
        elif entry.not_before_ns > now_ns or not templates:
            state = "waiting"
        else:
            state = "active"
        return Listing(
            entry.entry_id,
            entry.listed.value,
            entry.status.value,
            state,
            entry.facts["category"],
            entry.facts["authority"],
            entry.expires_ns,
            templates,
        )


def _of_one_size(entries: Sequence[Stored], model_id: str) -> list[Stored]:
    """The entries whose templates are as long as most are: one odd row would spoil the gallery."""
    sizes = Counter(len(row) for entry in entries for row in entry.templates[model_id])
    most = max(sizes, key=lambda size: sizes[size], default=0)
    return [e for e in entries if all(len(row) == most for row in e.templates[model_id])]


def load_keys(path: Path | None) -> TrustedKeys | None:
    """The station's public keys; None without a file. StoreError when it cannot be used."""
    if path is None:
        return None
    try:
        return read_trusted_keys(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} (node.trusted_keys): {error}") from error


def branch(status: Status) -> bool:
    """True when documents and messages of *status* travel on the drill branch."""
    return status is Status.EXERCISE
