"""The watchlists of this gate on disk: one document for the real thing and one for drills.

One file behind the atomic storage: every change replaces it whole, so a document is applied or
not. Photos are kept only until their templates are made. Entries whose time is over are
deleted, network or not.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import Storage

from agent.core.clock import format_utc
from agent.core.errors import RefusedError, StoreError
from agent.files.atomic import AtomicJSONStorage, Seal, overwritten
from agent.watchlist.bundle import Bundle, Rejected
from agent.watchlist.entry import Stored
from agent.watchlist.packing import pack, unpack
from contract.words import Refusal, Status

MOST_TOLD = 150


@dataclass(frozen=True, slots=True)
class Applied:
    """What stands at the gate of one document.

    ``resend``: entries that stand and cannot be searched, as their templates are of another
    embedder; only their photos, sent again, help. It changes with vision and is not stored.
    """

    status: Status
    version: int
    hash: str
    applied_at: str | None
    rejected: tuple[Rejected, ...]
    resend: tuple[str, ...] = ()

    def told(self) -> dict[str, object]:
        """The body of ``~/reported/watchlist``; of very many entries it names the first.

        ``rejected_total`` and ``resend_total`` then tell how many there are.
        """
        few = dataclasses.replace(self, rejected=self.rejected[:MOST_TOLD])
        told = few.report()
        if len(self.rejected) > MOST_TOLD:
            told["rejected_total"] = len(self.rejected)
        if self.resend:
            told["resend"] = list(self.resend[:MOST_TOLD])
        if len(self.resend) > MOST_TOLD:
            told["resend_total"] = len(self.resend)
        return told

    def report(self) -> dict[str, object]:
        """All of it that is stored."""
        return {
            "version": self.version,
            "hash": self.hash,
            "applied_at": self.applied_at,
            "rejected": [dataclasses.asdict(rejected) for rejected in self.rejected],
        }


class WatchlistStore:
    """Holds everything in memory and in ``watchlist.json``; durable when a call returns.

    Changes may come from another thread than reads: they take turns, and readers see the list
    before a change or after it. ``closed``: what is on the disk is neither read nor changed.
    """

    closed = False

    def __init__(self, path: Path, *, load: bool = True, seal: Seal | None = None) -> None:
        """StoreError when the file cannot be used; with *load* false it begins empty anyway.

        *seal*: how the file is sealed; none: it is plain.
        """
        self._path = path
        self._storage = AtomicJSONStorage(path, seal)
        self._entries: list[Stored] = []
        self._applied: dict[Status, Applied] = {}
        self._floor_ns = 0
        self._change = threading.RLock()
        self._floors: dict[Status, int] = {}
        if load:
            with TinyDB(path, seal, storage=_cached) as db:
                self._load(db, path)

    @property
    def entries(self) -> tuple[Stored, ...]:
        """All entries, drills' too."""
        return tuple(self._entries)

    @property
    def applied(self) -> Mapping[Status, Applied]:
        """What was applied, by status."""
        return self._applied

    @property
    def wiped(self) -> tuple[Status, ...]:
        """Documents that were wiped, with nothing newer in their place."""
        return tuple(status for status in self._floors if status not in self._applied)

    @property
    def floor_ns(self) -> int:
        """It is not earlier than this: the latest signed time of a document that was applied."""
        return self._floor_ns

    def check_newer(self, status: Status, version: int) -> None:
        """RefusedError unless *version* is above what stands, and above what was wiped."""
        standing, wiped = self._applied.get(status), self._floors.get(status, 0)
        if standing is not None and version <= standing.version:
            detail = f"version {version} is not newer than {standing.version}"
            raise RefusedError(Refusal.OLDER_VERSION, detail)
        if version <= wiped:
            detail = f"version {version} is not newer than {wiped}, which was wiped"
            raise RefusedError(Refusal.OLDER_VERSION, detail)

    def apply(self, bundle: Bundle, applied_at_ns: int) -> Applied:
        """Replace the document of the bundle's status; RefusedError unless it is newer."""
        with self._change:
            return self._apply(bundle, applied_at_ns)

    def _apply(self, bundle: Bundle, applied_at_ns: int) -> Applied:
        self.check_newer(bundle.status, bundle.version)
        applied = Applied(
            bundle.status, bundle.version, bundle.hash, format_utc(applied_at_ns), bundle.rejected
        )
        kept = [e for e in self._entries if e.status is not bundle.status]
        documents = {**self._applied, bundle.status: applied}
        self._save([*kept, *bundle.entries], documents, max(self._floor_ns, bundle.issued_ns))
        return applied

    def embedded(
        self,
        done: Stored,
        model_id: str,
        rows: Sequence[bytes],
        reason: str,
        look_alikes: Sequence[bytes] = (),
    ) -> bool:
        """Put templates in the place of an entry's photos; without any it is rejected.

        False when the entry does not stand any more.
        """
        with self._change:
            if not any(entry is done for entry in self._entries):
                return False
            self._embedded(done, model_id, (rows, look_alikes), reason)
            return True

    def _embedded(
        self,
        done: Stored,
        model_id: str,
        made: tuple[Sequence[bytes], Sequence[bytes]],
        reason: str,
    ) -> None:
        others = [e for e in self._entries if e is not done]
        own, near = made
        if own or model_id in done.templates:
            entries = [*others, done.embedded(model_id, own, near)]
            self._save(entries, self._applied, self._floor_ns)
            return
        documents = self._applied
        was = documents.get(done.status)
        if was is not None:
            rejected = (*was.rejected, Rejected(done.entry_id, reason))
            documents = {**documents, done.status: dataclasses.replace(was, rejected=rejected)}
        self._save(others, dict(documents), self._floor_ns)

    def converted(self, pairs: Iterable[tuple[Stored, Stored]]) -> None:
        """Put entries with converted templates in the place of the same ones, where they stand."""
        new = {id(old): entry for old, entry in pairs}
        with self._change:
            entries = [new.get(id(entry), entry) for entry in self._entries]
            self._save(entries, self._applied, self._floor_ns)

    def put(self, entry: Stored) -> None:
        """Add one entry, in the place of an older one of its id and realm."""
        with self._change:
            others = [e for e in self._entries if _key(e) != _key(entry)]
            self._save([*others, entry], self._applied, self._floor_ns)

    def remove(self, entry_id: str, *, exercise: bool) -> Stored | None:
        """Delete one entry; what it was."""
        with self._change:
            gone = [e for e in self._entries if _key(e) == (entry_id, exercise)]
            if gone:
                kept = [e for e in self._entries if e not in gone]
                self._save(kept, self._applied, self._floor_ns)
        return gone[0] if gone else None

    def delete(self, entry_ids: Iterable[str]) -> int:
        """Delete entries by id; how many went."""
        gone = set(entry_ids)
        with self._change:
            kept = [e for e in self._entries if e.entry_id not in gone]
            count = len(self._entries) - len(kept)
            if count:
                self._save(kept, self._applied, self._floor_ns)
        return count

    def wipe(self, begun: Mapping[Status, int]) -> tuple[Status, ...]:
        """Delete every entry and every document; which documents stood.

        Their versions stay as floors, and so do those of *begun*, which are under way: what the
        broker still keeps of them is not taken again. The file that was is overwritten.
        """
        with self._change:
            gone = tuple(self._applied)
            standing = {status: applied.version for status, applied in self._applied.items()}
            for versions in (standing, begun):
                for status, version in versions.items():
                    self._floors[status] = max(self._floors.get(status, 0), version)
            self._save([], {}, self._floor_ns)
        return gone

    def expire(self, now_ns: int) -> tuple[str, ...]:
        """Delete what is over; the ids that went."""
        over = tuple(e.entry_id for e in self._entries if e.expires_ns <= now_ns)
        self.delete(over)
        return over

    def reseal(self) -> None:
        """Write what stands anew, with the key of now; StoreError when the disk refuses."""
        if self._path.exists():
            self._save(self._entries, self._applied, self._floor_ns)

    def _save(self, entries: list[Stored], documents: dict[Status, Applied], floor_ns: int) -> None:
        """Replace the file, and overwrite what it was: it held faces that are gone now."""
        rows = [{"status": d.status.value, **d.report()} for d in documents.values()]
        floors = ({"status": s.value, "version": v} for s, v in self._floors.items())
        whole = {
            "entries": pack(entries),
            "documents": _table(rows),
            "time": _table([{"floor_ns": floor_ns}]),
            "wiped": _table(floors),
        }
        try:
            with overwritten(self._path):
                self._storage.write(whole)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be overwritten: {error}") from error
        self._entries, self._applied, self._floor_ns = entries, documents, floor_ns

    def _load(self, db: TinyDB, path: Path) -> None:
        """Metadata are TinyDB's tables. Entries are packed: a table took ten times as long."""
        try:
            self._entries = unpack((db.storage.read() or {}).get("entries", {}))
            for row in db.table("documents").all():
                status = Status(row["status"])
                rejected = tuple(Rejected(r["entry_id"], r["reason"]) for r in row["rejected"])
                self._applied[status] = Applied(
                    status, row["version"], row["hash"], row["applied_at"], rejected
                )
            times = [int(row["floor_ns"]) for row in db.table("time").all()]
            self._floor_ns = max(times, default=0)
            wiped = db.table("wiped").all()
            self._floors = {Status(row["status"]): int(row["version"]) for row in wiped}
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise StoreError(f"{path} is damaged: {error!r}") from error


def _key(entry: Stored) -> tuple[str, bool]:
    return entry.entry_id, entry.exercise


def _table(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(number): row for number, row in enumerate(rows, start=1)}


def _cached(path: Path, seal: Seal | None) -> Storage:
    """Read once for all tables; nothing is written through it."""
    middleware = CachingMiddleware(AtomicJSONStorage)  # type: ignore[no-untyped-call]
    storage: Storage = middleware(path, seal)
    return storage
