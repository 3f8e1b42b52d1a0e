"""The hot list: faces that a signed order has this gate follow or search for, until it ends.

Its entries lie in a store of their own, sealed and expiring like the watchlist's. Here: adding,
removing, and telling what went by itself. Not here: orders (``agent.pipeline.sought``), sightings
(``agent.incidents.sought``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.core.audit import AuditKind, Auditor
from agent.core.memory import give_back_memory
from agent.watchlist.entry import Stored
from agent.watchlist.searched import Searched
from agent.watchlist.store import WatchlistStore

log = logging.getLogger(__name__)

Gone = Callable[[str, bool, str], None]


class HotList:
    """Runs on the loop. ``on_gone`` hears entry, realm and why, ``on_made`` entry and templates."""

    def __init__(
        self,
        store: WatchlistStore,
        searched: Searched,
        now_ns: Callable[[], int],
        audit: Auditor,
    ) -> None:
        self._store = store
        self._audit = audit
        self.searched = searched
        self.now_ns = now_ns
        self.on_gone: Gone = lambda *_: None
        self.on_made: Callable[[str, bool], None] = lambda *_: None

    @property
    def store(self) -> WatchlistStore:
        """Where the entries lie."""
        return self._store

    def entry(self, entry_id: str, *, exercise: bool) -> Stored | None:
        """The entry of that id and realm, if there is one."""
        for entry in self._store.entries:
            if (entry.entry_id, entry.exercise) == (entry_id, exercise):
                return entry
        return None

    def templates(self, entry_id: str, *, exercise: bool) -> int:
        """How many templates there are of it for the embedder that runs."""
        entry = self.entry(entry_id, exercise=exercise)
        return 0 if entry is None else len(entry.templates.get(self.searched.model_id or "", ()))

    def add(self, entry: Stored, by: str) -> None:
        """Look for *entry* from now on; durable when this returns, StoreError otherwise."""
        self._store.put(entry)
        what = {"store": "hotlist", "entry": entry.entry_id, "status": entry.status.value}
        self._audit.note(AuditKind.WATCHLIST, by, what)
        self.searched.refresh()

    def remove(self, entry_id: str, by: str, *, exercise: bool) -> Stored | None:
        """Look for it no more, and delete what was kept of it; StoreError when the disk refuses."""
        gone = self._store.remove(entry_id, exercise=exercise)
        if gone is not None:
            self._audit.note(AuditKind.DELETION, by, {"store": "hotlist", "entry": entry_id})
        self.searched.refresh()
        give_back_memory()
        return gone

    def made(self, entry: Stored, templates: int, reason: str) -> None:
        """Vision made templates of its photos, or refused them all: then it is gone."""
        if templates:
            self.on_made(entry.entry_id, entry.exercise)
        else:
            self.on_gone(entry.entry_id, entry.exercise, reason)

    def expire(self, now_ns: int) -> None:
        """Delete what is over by *now_ns*."""
        for entry in [e for e in self._store.entries if e.expires_ns <= now_ns]:
            self.remove(entry.entry_id, "expiry", exercise=entry.exercise)
            log.info("the order about %s is over, its face is deleted", entry.entry_id)
            self.on_gone(entry.entry_id, entry.exercise, "expired")

    def wipe(self, by: str = "station") -> None:
        """Delete everything."""
        for entry in self._store.entries:
            self.remove(entry.entry_id, by, exercise=entry.exercise)
            self.on_gone(entry.entry_id, entry.exercise, "wiped")
