"""The watchlist at work: applied, listed, expired, wiped.

Here: the decisions on the loop. Reading signed documents is ``bundle``, the disk is ``store``, what
vision is given is ``searched``.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.core.audit import NO_AUDIT, AuditKind, Auditor, What
from agent.core.clock import Clock
from agent.core.errors import RefusedError, StoreError
from agent.core.sure_time import SureTime
from agent.files.transforms import SiteTransforms
from agent.watchlist.bundle import Bundle, read_bundle
from agent.watchlist.entry import Stored
from agent.watchlist.gathering import Gathering
from agent.watchlist.hot import HotList
from agent.watchlist.listing import Listing, listed
from agent.watchlist.manifest import read_manifest
from agent.watchlist.searched import Searched
from agent.watchlist.store import Applied, WatchlistStore
from agent.watchlist.vision import Vision
from contract.signing import TrustedKeys, read_trusted_keys
from contract.topics import Address
from contract.words import ListName, Refusal, Status

log = logging.getLogger(__name__)


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
        hot: WatchlistStore | None = None,
        transforms: SiteTransforms | None = None,
    ) -> None:
        """*on_change* hears what to report to the station; *hot* keeps the hot list."""
        self._store = store
        self._keys = keys
        self._address = address
        self._clock = clock
        self._heard = on_change
        self._audit = audit
        stores = [store] if hot is None else [store, hot]
        self.searched = Searched(stores, self.now_ns, self._made, self._stranded, transforms)
        self.on_stranded: Callable[[int, str | None], None] = lambda *_: None
        self._resend_told: dict[Status, tuple[str, ...]] = {}
        self.hot = None if hot is None else HotList(hot, self.searched, self.now_ns, audit)
        self._when_wiped: list[Callable[[], None]] = []
        self._begun: dict[Status, int] = {}
        self._sure = SureTime(clock, store.floor_ns)

    def now_ns(self) -> int:
        """The best known time: the wall clock, but never before a signed time we have seen."""
        return max(self._clock.utc_ns(), self._store.floor_ns)

    def apply(self, data: bytes, *, drill: bool | None, by: str = "station") -> Applied:
        """Apply a signed document; RefusedError when it is refused (nothing is changed then).

        One that stands already is reported again, and that is all.
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
            self._on_change(standing)
            return standing
        self.stored(self.store(bundle), by)
        return self._store.applied[bundle.status]

    def begin(self, data: bytes, *, drill: bool) -> Gathering | None:
        """Begin to gather a document that comes in chunks; None when it stands already.

        It is reported again then. RefusedError when it is refused.
        """
        manifest = read_manifest(data, self._keys, self._address, drill=drill)
        standing = self._store.applied.get(manifest.status)
        if standing is not None and standing.hash == manifest.hash:
            self._on_change(standing)
            return None
        self._store.check_newer(manifest.status, manifest.version)
        begun = self._begun.get(manifest.status, 0)
        self._begun[manifest.status] = max(begun, manifest.version)
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
        """What follows from a new document: the audit, the report, and what vision searches.

        Nothing follows when it does not stand any more: it was wiped meanwhile.
        """
        standing = self._store.applied.get(applied.status)
        if standing is None or standing.version != applied.version:
            return
        self._note_applied(applied, by)
        self._on_change(applied)
        self.searched.refresh()

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
        stranded = {id(entry) for entry in self.searched.stranded()}
        now_ns, model_id = self.now_ns(), self.searched.model_id
        return [
            listed(entry, now_ns, model_id, stranded=id(entry) in stranded)
            for entry in self._store.entries
        ]

    def applied(self) -> list[Applied]:
        """What was applied, for ``~/reported``."""
        return [self._told(applied) for applied in self._store.applied.values()]

    def delete(self, entry_ids: Sequence[str], by: str = "gate") -> int:
        """End entries at this gate before their time; *by* whom, for the audit log."""
        count = self._store.delete(entry_ids)
        self._note_deleted(entry_ids, by)
        self.searched.refresh()
        return count

    def reports(self) -> list[Applied]:
        """What the station has to hear of at every birth: what stands, and what was wiped."""
        return [*self.applied(), *map(_wiped, self._store.wiped)]

    def when_wiped(self, forget: Callable[[], None]) -> None:
        """Have *forget* called at a wipe: for what is held of documents that are under way."""
        self._when_wiped.append(forget)

    def wipe(self) -> None:
        """Delete everything, durably; StoreError when the disk refuses. Reported to the station.

        Documents that are under way are withdrawn with it, also one that is just being stored.
        """
        gone = self._store.wipe(self._begun)
        log.warning("the watchlist is wiped: %d documents", len(gone))
        self._audit.note(AuditKind.DELETION, "station", {"store": "watchlist", "entry": "all"})
        for forget in self._when_wiped:
            forget()
        for status in gone:
            self._on_change(_wiped(status))
        self.searched.refresh()

    def wipe_hot(self) -> None:
        """Delete every face that an order brought; StoreError when the disk refuses."""
        if self.hot is not None:
            self.hot.wipe()

    def expire(self) -> tuple[str, ...]:
        """Delete what is over; call it now and then."""
        try:
            now_ns = self._sure.now_ns(self._store.floor_ns)
            over = self._store.expire(now_ns)
            if self.hot is not None:
                self.hot.expire(now_ns)
        finally:
            self.searched.refresh()
        for entry_id in over:
            log.info("watchlist entry %s is over and deleted", entry_id)
        self._note_deleted(over, "expiry")
        return over

    def vision_up(self, vision: Vision, model_id: str | None) -> None:
        """Vision is here with this embedder (None: faces are off)."""
        self.searched.vision_up(vision, model_id)

    def vision_lost(self) -> None:
        """Vision went away."""
        self.searched.vision_lost()

    async def made(self, timeout_s: float) -> None:
        """Wait until vision has made the missing templates, or for *timeout_s*."""
        await self.searched.made(timeout_s)

    def refresh(self) -> None:
        """Bring vision's gallery in line with what is valid now."""
        self.searched.refresh()

    def _on_change(self, applied: Applied) -> None:
        told = self._told(applied)
        self._resend_told[told.status] = told.resend
        self._heard(told)

    def _told(self, applied: Applied) -> Applied:
        """With the entries that the station must send again."""
        mine = set(map(id, self._store.entries))
        resend = tuple(
            entry.entry_id
            for entry in self.searched.stranded()
            if id(entry) in mine and entry.status is applied.status
        )
        return dataclasses.replace(applied, resend=resend)

    def _stranded(self) -> None:
        """Another embedder, or another list: say which entries must be sent again."""
        stranded = self.searched.stranded()
        if stranded:
            log.warning("%d entries must be sent again by the station", len(stranded))
        self.on_stranded(len(stranded), self.searched.embedder)
        for applied in self.applied():
            if applied.resend != self._resend_told.get(applied.status, ()):
                self._on_change(applied)

    def _made(
        self, store: WatchlistStore, entry: Stored, model_id: str, templates: int, reason: str
    ) -> None:
        what: What = {"entry": entry.entry_id, "model": model_id, "templates": templates}
        self._audit.note(AuditKind.ENROLMENT, "vision", what)
        if self.hot is not None and store is self.hot.store:
            self.hot.made(entry, templates, reason)
        elif not templates:
            self._on_change(self._store.applied[entry.status])

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


def _wiped(status: Status) -> Applied:
    """What is told of a document that was wiped."""
    return Applied(status, 0, "", None, ())


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
