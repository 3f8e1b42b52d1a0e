"""Residents at this gate: enrolled with consent, withdrawn at once, gone when their time is over.

Runs on the loop; files are worked on beside it. What is kept is read by two only: whoever enrols,
to find one person under two ids, and whoever lists. Nothing of it is sent anywhere, and no list of
wanted people is compared with it. Here: when and by whom. Not here: files (``agent.residents.
store``), who may ask (``agent.resident_ops``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.core.audit import AuditKind, Auditor, What
from agent.core.clock import Clock
from agent.core.errors import CheckFailedError
from agent.core.seed import Seed
from agent.core.sure_time import SureTime
from agent.files.key_file import Credentials
from agent.residents.record import Resident, fault_of
from agent.residents.store import Destroyed, ResidentStore, destroy

log = logging.getLogger(__name__)

STORE = "residents"
PAGE = 100
WITHDRAWN, EXPIRED, CUT_SHORT = "consent withdrawn", "expired", "cut short before"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of one deletion; the audit log holds the same."""

    resident_id: str
    reason: str
    sha256: str
    at_ns: int


class Residents:
    """One per gate. Opened at its first use; StoreError while its files cannot be used."""

    def __init__(
        self, folder: Path, clock: Clock, audit: Auditor, credentials: Credentials
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._audit = audit
        self._credentials = credentials
        self._store: ResidentStore | None = None
        self._turn = asyncio.Lock()

    async def seed(self) -> Seed:
        """By which residents' templates are transformed, and no other."""
        async with self._turn:
            return (await self._opened()).transforms.current

    async def templates(self, kept_as: str, after: str) -> list[tuple[str, Sequence[bytes]]]:
        """Templates kept under that name of the next residents *after* an id, at most a page."""
        async with self._turn:
            store = await self._opened()
            return await asyncio.to_thread(_page, store, kept_as, after)

    async def enrol(self, resident: Resident, by: str) -> bool:
        """Keep *resident*; True in the place of an older record. CheckFailedError says why not."""
        async with self._turn:
            store = await self._opened()
            fault = fault_of(resident, self._clock.utc_ns())
            names = {name.partition("~")[2] for name in resident.templates}
            if not fault and names != {store.transforms.current.name}:
                fault = "its templates are under another transform; enrol again"
            if fault:
                raise CheckFailedError(f"not enrolled: {fault}")
            older = await asyncio.to_thread(store.put, resident)
        templates = sum(len(rows) for rows in resident.templates.values())
        what: What = {"store": STORE, "entry": resident.resident_id, "templates": templates}
        self._audit.note(AuditKind.ENROLMENT, by, {**what, "consent": resident.consent.version})
        return older

    async def withdraw(self, resident_id: str, by: str) -> Receipt:
        """Destroy what is kept of a resident; CheckFailedError when nobody has that id."""
        async with self._turn:
            store = await self._opened()
            gone = await asyncio.to_thread(store.remove, resident_id)
        if gone is None:
            raise CheckFailedError(f"there is no resident '{resident_id}'")
        return self._destroyed(gone, by, WITHDRAWN)

    async def everybody(self) -> tuple[list[Resident], int]:
        """Everybody who is kept, after what is over is gone; and how many cannot be read."""
        await self.expire()
        async with self._turn:
            store = await self._opened()
            return await asyncio.to_thread(lambda: list(store.all())), store.unreadable

    async def expire(self) -> list[Receipt]:
        """Destroy whose time is over: by the time that surely passed, network or not."""
        async with self._turn:
            store = await self._opened()
            over = store.over(self._sure.now_ns(store.floor_ns))
            gone = [await asyncio.to_thread(store.remove, resident_id) for resident_id in over]
        return [self._destroyed(one, "expiry", EXPIRED) for one in gone if one is not None]

    async def rotate(self) -> None:
        """Seal all with a new key of their own and destroy the one before."""
        async with self._turn:
            store = await self._opened()
            await asyncio.to_thread(store.rotate)

    def wipe(self) -> None:
        """Destroy everybody, keys first; OSError or StoreError when the disk refuses."""
        store, self._store = self._store, None
        count = destroy(self._folder) if store is None else store.destroy()
        log.warning("the residents are wiped: %d", count)
        what: What = {"store": STORE, "entry": "all", "residents": count}
        self._audit.note(AuditKind.DELETION, "station", what)

    async def _opened(self) -> ResidentStore:
        if self._store is None:
            store = ResidentStore(self._folder, self._credentials)
            swept = await asyncio.to_thread(store.open)
            self._store = store
            self._sure = SureTime(self._clock, store.floor_ns)
            for one in swept:
                self._destroyed(one, "gate", CUT_SHORT)
        return self._store

    def _destroyed(self, gone: Destroyed, by: str, reason: str) -> Receipt:
        receipt = Receipt(gone.resident_id, reason, gone.sha256, self._clock.utc_ns())
        log.info("resident %s is destroyed: %s", gone.resident_id or "?", reason)
        what = {"store": STORE, "entry": gone.resident_id, "reason": reason}
        self._audit.note(AuditKind.DELETION, by, {**what, "sha256": gone.sha256})
        return receipt


def _page(store: ResidentStore, kept_as: str, after: str) -> list[tuple[str, Sequence[bytes]]]:
    """Those without templates of that name are in it, too, with none: a page is never a hole."""
    chosen = [resident_id for resident_id in store.ids if resident_id > after][:PAGE]
    found = [store.get(resident_id) for resident_id in chosen]
    return [(one.resident_id, one.templates.get(kept_as, ())) for one in found if one is not None]
