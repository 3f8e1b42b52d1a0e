"""What a person at the gate may ask about residents, through the local socket.

Here: who may ask, and in which form. Not here: what is kept (``agent.residents``), when it is
loaded (``agent.resident_side``).
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.core.audit import AuditKind, What
from agent.core.clock import Clock, format_utc
from agent.core.errors import CheckFailedError
from agent.pipeline.local import PEER
from agent.residents.record import Resident, resident_of
from agent.residents.service import Receipt, Residents
from agent.stores import Stores
from agent.vault import RESIDENTS

PROOF_S = 2.0
LOOK_AGAIN_S = 0.01


class ResidentOperations:
    """Runs on the loop. ``residents`` are those who are kept."""

    def __init__(self, stores: Stores, folder: Path, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        credentials = stores.vault.keys.credentials
        self.residents = Residents(folder, clock, stores.audit, credentials)
        self._table = {
            "begin": self._begin,
            "templates": self._templates,
            "enrol": self._enrol,
            "withdraw": self._withdraw,
            "list": self._list,
        }

    async def do(self, name: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is asked."""
        return await self._table[name](request)

    async def _begin(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """For an enrolment: the seed by which templates are transformed before they are given."""
        _expect_owner(request)
        seed = await self.residents.seed()
        return {"transform": seed.name, "seed": seed.secret.hex()}

    async def _templates(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """For an enrolment: a page of templates, to find one person under two ids."""
        _expect_owner(request)
        kept_as, after = str(request.get("kept_as")), str(request.get("after", ""))
        page = await self.residents.templates(kept_as, after)
        found = [
            {"id": one, "rows": [base64.b64encode(row).decode("ascii") for row in rows]}
            for one, rows in page
        ]
        return {"residents": found}

    async def _enrol(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep a resident; when consent was given is the gate's own time."""
        _expect_owner(request)
        try:
            given = {**request["resident"], "consent": {**request["resident"]["consent"]}}
            given["consent"]["at_ns"] = self._clock.utc_ns()
            resident = resident_of(given)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckFailedError(f"the resident did not arrive whole: {error}") from error
        older = await self.residents.enrol(resident, _asker(request))
        return {
            "id": resident.resident_id,
            "consent_at": format_utc(resident.consent.at_ns),
            "replaced": older,
        }

    async def _withdraw(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Destroy what is kept of a resident; the answer is the receipt."""
        before = self._stores.audit.head
        receipt = await self.residents.withdraw(str(request.get("id")), _asker(request))
        await self._proven(before)
        head = self._stores.audit.head
        return {**_told(receipt), "audit": head and {"n": head.n, "hash": head.hash}}

    async def _list(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Everybody who is kept, without templates."""
        found, unreadable = await self.residents.everybody()
        what: What = {"store": RESIDENTS, "entries": len(found)}
        self._stores.audit.note(AuditKind.VIEW, _asker(request), what)
        return {"residents": [_row(one) for one in found], "unreadable": unreadable}

    async def _proven(self, before: object) -> None:
        """Wait until the audit log goes on on the disk, for two seconds at most."""
        left_s = PROOF_S
        while self._stores.audit.head == before and left_s > 0:
            await asyncio.sleep(LOOK_AGAIN_S)
            left_s -= LOOK_AGAIN_S


def _row(one: Resident) -> Mapping[str, Any]:
    consent = one.consent
    return {
        "id": one.resident_id,
        "name": one.name,
        "unit": one.unit,
        "where": one.where,
        "until": format_utc(one.expires_ns),
        "consent": {
            "asked_by": consent.asked_by,
            "version": consent.version,
            "at": format_utc(consent.at_ns),
        },
        "templates": {name.partition("~")[0]: len(rows) for name, rows in one.templates.items()},
    }


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
