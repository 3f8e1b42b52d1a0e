"""Residents put together: opened when they are needed, asked through the local socket.

A gate without residents loads nothing of them and makes no file. Here: who may ask, in which form,
and how often what is over is looked for. Not here: what is kept (``agent.residents``); no part of
it is given to vision, to lists of faces, to doors or to the link.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from agent.config.schema.root import Config
from agent.core.audit import AuditKind, What
from agent.core.clock import Clock, format_utc
from agent.core.errors import CheckFailedError, GatehouseError
from agent.pipeline.local import PEER, Operation
from agent.stores import Stores
from agent.vault import RESIDENTS

if TYPE_CHECKING:
    from agent.residents.service import Receipt, Residents

log = logging.getLogger(__name__)

LOOK_S = 60.0
PROOF_S = 2.0
LOOK_AGAIN_S = 0.01


class ResidentSide:
    """Runs on the loop."""

    def __init__(self, config: Config, stores: Stores, clock: Clock) -> None:
        """In safe mode nothing is read."""
        self._stores = stores
        self._folder = config.node.data_dir / RESIDENTS
        self._clock = clock
        self._closed = stores.closed
        self._made: Residents | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        stores.vault.on_rotation = self._rotate_soon

    @property
    def wipes(self) -> Mapping[str, Callable[[], None]]:
        """What the station's command erases of it."""
        return {RESIDENTS: self._wipe}

    def table(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {
            "resident.begin": self.begin,
            "resident.templates": self.templates,
            "resident.enrol": self.enrol,
            "resident.withdraw": self.withdraw,
            "resident.list": self.everybody,
        }

    async def keep(self) -> None:
        """Destroy whose time is over, once a minute; never ends."""
        while True:
            if self._here:
                await self._tried(self._residents().expire())
            await asyncio.sleep(LOOK_S)

    async def begin(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """For an enrolment: the seed by which templates are transformed before they are given."""
        _expect_owner(request)
        seed = await self._residents().seed()
        return {"transform": seed.name, "seed": seed.secret.hex()}

    async def templates(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """For an enrolment: a page of templates, to find one person under two ids."""
        _expect_owner(request)
        kept_as, after = str(request.get("kept_as")), str(request.get("after", ""))
        page = await self._residents().templates(kept_as, after)
        from agent.residents.record import texts_of  # noqa: PLC0415 - see above

        return {"residents": [{"id": one, "rows": texts_of({"": rows})[""]} for one, rows in page]}

    async def enrol(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep a resident."""
        from agent.residents.record import resident_of  # noqa: PLC0415 - see above

        _expect_owner(request)
        try:
            given = {**request["resident"], "consent": {**request["resident"]["consent"]}}
            given["consent"]["at_ns"] = self._clock.utc_ns()
            resident = resident_of(given)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckFailedError(f"the resident did not arrive whole: {error}") from error
        older = await self._residents().enrol(resident, _asker(request))
        return {
            "id": resident.resident_id,
            "consent_at": format_utc(resident.consent.at_ns),
            "replaced": older,
        }

    async def withdraw(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Destroy what is kept of a resident; the answer is the receipt."""
        self._expect_here()
        before = self._stores.audit.head
        resident_id = str(request.get("id"))
        receipt = await self._residents().withdraw(resident_id, _asker(request))
        await self._proven(before)
        return {**_told(receipt), "audit": self._head()}

    async def everybody(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Everybody who is kept, without templates."""
        if not self._here:
            self._expect_open()
            return {"residents": [], "unreadable": 0}
        found, unreadable = await self._residents().everybody()
        what: What = {"store": RESIDENTS, "entries": len(found)}
        self._stores.audit.note(AuditKind.VIEW, _asker(request), what)
        rows = [
            {
                "id": one.resident_id,
                "name": one.name,
                "unit": one.unit,
                "where": one.where,
                "until": format_utc(one.expires_ns),
                "consent": {
                    "asked_by": one.consent.asked_by,
                    "version": one.consent.version,
                    "at": format_utc(one.consent.at_ns),
                },
                "templates": {n.partition("~")[0]: len(rows) for n, rows in one.templates.items()},
            }
            for one in found
        ]
        return {"residents": rows, "unreadable": unreadable}

    @property
    def _here(self) -> bool:
        """Whether there ever was a resident, and they may be read."""
        return not self._closed and (self._made is not None or self._folder.is_dir())

    def _expect_open(self) -> None:
        if self._closed:
            raise CheckFailedError("safe mode: residents are closed")

    def _expect_here(self) -> None:
        self._expect_open()
        if not self._here:
            raise CheckFailedError("there is no resident at this gate")

    def _residents(self) -> Residents:
        self._expect_open()
        if self._made is None:
            from agent.residents.service import Residents  # noqa: PLC0415 - see above

            stores = self._stores
            credentials = stores.vault.keys.credentials
            self._made = Residents(self._folder, self._clock, stores.audit, credentials)
        return self._made

    def _wipe(self) -> None:
        """Whatever mode this is: what is not open is destroyed unread."""
        made, self._made = self._made, None
        if made is not None:
            made.wipe()
        elif self._folder.is_dir():
            from agent.residents.store import destroy  # noqa: PLC0415 - see above

            destroy(self._folder)

    def _rotate_soon(self) -> None:
        if self._here:
            task = asyncio.create_task(self._tried(self._residents().rotate()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tried(self, work: Coroutine[Any, Any, object]) -> None:
        """A store that cannot be used is an issue, not the end."""
        try:
            await work
        except GatehouseError as error:
            self._stores.issue(RESIDENTS, RESIDENTS, str(error))

    async def _proven(self, before: object) -> None:
        """Wait until the audit log has the deletion on the disk, for two seconds at most."""
        left_s = PROOF_S
        while self._stores.audit.head == before and left_s > 0:
            await asyncio.sleep(LOOK_AGAIN_S)
            left_s -= LOOK_AGAIN_S

    def _head(self) -> Mapping[str, Any] | None:
        head = self._stores.audit.head
        return None if head is None else {"n": head.n, "hash": head.hash}


def _told(receipt: Receipt) -> dict[str, Any]:
    return {
        "id": receipt.resident_id,
        "destroyed_at": format_utc(receipt.at_ns),
        "reason": receipt.reason,
        "sha256": receipt.sha256,
    }


def _expect_owner(request: Mapping[str, Any]) -> None:
    """Templates and their seed are for the gate's own user and root, not for a guard's login."""
    if _asker(request) not in {"uid 0", f"uid {os.geteuid()}"}:
        raise CheckFailedError("residents are enrolled by root or the agent's own user: use sudo")


def _asker(request: Mapping[str, Any]) -> str:
    return str(request.get(PEER, "local"))
