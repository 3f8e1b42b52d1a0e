"""What a person at the gate may ask about the audit log and the keys, through the local socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from agent.audit.chain import Verdict
from agent.audit.folder import verify
from agent.core.audit import AuditKind, Head, What
from agent.core.errors import CheckFailedError
from agent.pipeline.local import PEER, Operation
from agent.stores import Stores

BREAKS_SHOWN = 20


class KeepingOperations:
    """Operations of the local socket."""

    def __init__(self, stores: Stores, faces_off: Callable[[], None]) -> None:
        """*faces_off* ends all face work, durably, or raises StoreError."""
        self._stores = stores
        self._faces_off = faces_off

    def table(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {
            "audit.verify": self.audit_verify,
            "audit.viewed": self.audit_viewed,
            "faces.off": self.faces_off,
            "keys.rotate": self.keys_rotate,
            "keys.show": lambda _: self._stores.vault.state(),
        }

    async def audit_verify(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Walk the whole log with the gate's own key, and with the heads that are given."""
        heads = heads_of(request.get("heads"))
        stores = self._stores
        keys = [stores.audit_key] if stores.audit_key is not None else None
        verdict = await asyncio.to_thread(verify, stores.audit_folder, keys, heads)
        return verdict_json(verdict)

    def audit_viewed(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Somebody read the log: that is written down too."""
        what = {"store": "audit", "records": str(request.get("records", ""))[:20]}
        self._stores.audit.note(AuditKind.VIEW, str(request.get(PEER, "local")), what)
        return {}

    def faces_off(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """End all face work at this gate, for whoever stands here; only the station resumes it."""
        self._faces_off()
        what: What = {"name": "face.off", "off": True}
        self._stores.audit.note(AuditKind.COMMAND, str(request.get(PEER, "local")), what)
        return {"face_off": True}

    def keys_rotate(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin a rotation of the data keys."""
        return self._stores.vault.rotate(str(request.get(PEER, "local")))


def heads_of(value: Any) -> list[Head]:
    """Heads from ``[{"n": 12, "hash": "..."}]``; CheckFailedError when it is anything else."""
    try:
        return [Head(int(head["n"]), str(head["hash"])) for head in value or ()]
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise CheckFailedError("heads are a list of objects with 'n' and 'hash'") from error


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as ``--json`` shows it."""
    breaks = [{"n": b.n, "place": b.place, "why": b.why} for b in verdict.breaks]
    return {
        "intact": verdict.ok,
        "records": verdict.records,
        "first": verdict.first,
        "head": {"n": verdict.head.n, "hash": verdict.head.hash},
        "vouched": verdict.vouched,
        "torn_bytes": verdict.torn,
        "breaks": breaks[:BREAKS_SHOWN],
        "gaps": [{"n": g.n, "at": g.at, **g.what} for g in verdict.gaps],
    }
