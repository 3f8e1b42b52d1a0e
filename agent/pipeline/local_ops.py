"""What a person at the gate may ask the running agent: status, simulation, reset, watchlist.

Each operation takes the request and answers with a mapping, or raises a GatehouseError.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from agent.core.audit import NO_AUDIT, AuditKind, Auditor, What
from agent.core.clock import Clock, format_utc, stamp
from agent.core.errors import CheckFailedError
from agent.core.events import Event, LatchReset
from agent.core.health import HealthBoard
from agent.core.ids import DeviceName
from agent.incidents.book import IncidentBook
from agent.outbox.outbox import Outbox
from agent.pipeline.local import PEER, Operation
from agent.runtime.crash_count import NORMAL_START, Level, Start
from agent.watchlist.service import Watchlist
from devices.panel import Panel

DEFAULT_PRESS_S = 0.5
MAX_PRESS_S = 3600.0
WAIT_FOR_TEMPLATES_S = 15.0
WAIT_FOR_DISK_S = 2.0
LOOK_AGAIN_S = 0.002


class LocalOperations:
    """The operations of the local socket; ``writing``: something is on its way to the disk."""

    def __init__(
        self,
        *,
        panel: Panel,
        health: HealthBoard,
        outbox: Outbox,
        writing: Callable[[], int | bool],
        book: IncidentBook,
        watchlist: Watchlist,
        clock: Clock,
        put: Callable[[Event], None],
        identity: Callable[[], Mapping[str, object]],
        audit: Auditor = NO_AUDIT,
        start: Start = NORMAL_START,
    ) -> None:
        self._panel = panel
        self._health = health
        self._outbox = outbox
        self._writing = writing
        self._book = book
        self._watchlist = watchlist
        self._clock = clock
        self._put = put
        self._identity = identity
        self._audit = audit
        self._start = start

    def table(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {
            "status": self.status,
            "sim": self.sim,
            "reset": self.reset,
            "watchlist.import": self.watchlist_import,
            "watchlist.list": self.watchlist_list,
            "watchlist.expire": self.watchlist_expire,
        }

    def status(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """How the gate does."""
        contacts = self._panel.contacts
        fullness = self._outbox.fullness
        return {
            **self._identity(),
            "healthy": self._health.healthy,
            "inputs": {} if contacts is None else {n: s.value for n, s in contacts.states.items()},
            "outputs": self._panel.driven(),
            "components": {n: c.as_json() for n, c in self._health.components.items()},
            "issues": [issue.as_json() for issue in self._health.issues],
            "outbox": {"pending": fullness.pending, "oldest_s": round(fullness.oldest_s, 1)},
            "incidents": dict(self._book.shown_incidents),
        }

    async def sim(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Move a simulated input: verb, name, and for a press how long (s).

        A panic press is answered once its alert and its incident are stored, or the disk has
        failed to store them.
        """
        did = self._move(request)
        await asyncio.sleep(0)  # the edge was posted to the loop: let it be handled
        left_s = WAIT_FOR_DISK_S
        while self._writing() and left_s > 0:
            await asyncio.sleep(LOOK_AGAIN_S)
            left_s -= LOOK_AGAIN_S
        return {"did": did}

    def _move(self, request: Mapping[str, Any]) -> str:
        hands = self._panel.simulated
        if hands is None:
            raise CheckFailedError(
                "this agent has no simulated pins (node.pin_factory is not 'mock')"
            )
        verb, name = str(request.get("verb")), str(request.get("name"))
        if verb == "press":
            for_s = request.get("for_s", DEFAULT_PRESS_S)
            if not isinstance(for_s, int | float) or not 0 < for_s <= MAX_PRESS_S:
                raise CheckFailedError(f"a press lasts more than 0 and at most {MAX_PRESS_S:g} s")
            hands.press(name, for_s)
            return f"pressed {name} for {for_s:g} s"
        moves = {
            "open": hands.open,
            "close": hands.close,
            "cut": hands.cut,
            "short": hands.short,
            "restore": hands.restore,
        }
        if verb not in moves:
            raise CheckFailedError(f"'{verb}' is no move (press, {', '.join(moves)})")
        moves[verb](name)
        return f"{verb} {name}"

    def reset(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Reset latched alarms, of one device or of all; or leave safe mode."""
        if request.get("safe_mode") is True:
            return self._leave_safe_mode()
        name = request.get("name")
        contacts = self._panel.contacts
        known = {} if contacts is None else contacts.states
        if name is not None and (not isinstance(name, str) or name not in known):
            raise CheckFailedError(f"there is no input '{name}'")
        device = None if name is None else DeviceName(str(name))
        by = str(request.get("by") or "gate")
        self._put(LatchReset(stamp(self._clock), device, by))
        return {"did": f"reset {name or 'all'}"}

    def _leave_safe_mode(self) -> Mapping[str, Any]:
        if self._start.level is Level.NORMAL:
            raise CheckFailedError("this agent is not in safe mode")
        self._start.leave()
        return {"did": "left safe mode: the agent ends, and its next start is a normal one"}

    async def watchlist_import(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Apply a signed document given as base64; waits a little for templates to be made."""
        try:
            data = base64.b64decode(str(request.get("document")), validate=True)
        except (ValueError, binascii.Error) as error:
            raise CheckFailedError("the document did not arrive whole") from error
        applied = self._watchlist.apply(data, drill=None, by=_asker(request))
        await self._watchlist.made(WAIT_FOR_TEMPLATES_S)
        standing = next(a for a in self._watchlist.applied() if a.status is applied.status)
        listing = self._listing()
        of_status = [row for row in listing if row["status"] == applied.status]
        return {**standing.report(), "status": applied.status, "entries": of_status}

    def watchlist_list(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Every entry that stands at the gate."""
        rows = self._listing()
        what: What = {"store": "watchlist", "entries": len(rows)}
        self._audit.note(AuditKind.VIEW, _asker(request), what)
        return {"entries": rows}

    def _listing(self) -> list[dict[str, Any]]:
        rows = []
        for listing in self._watchlist.listing():
            row = dataclasses.asdict(listing)
            row["expires_at"] = format_utc(row.pop("expires_at_ns"))
            rows.append(row)
        return rows

    def watchlist_expire(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Delete what is over, or the entries that are named."""
        wanted = request.get("entries") or []
        if not isinstance(wanted, list):
            raise CheckFailedError("'entries' is a list of ids")
        names = [str(name) for name in wanted]
        if not names:
            return {"deleted": list(self._watchlist.expire())}
        known = {listing.entry_id for listing in self._watchlist.listing()}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise CheckFailedError(f"there is no entry {', '.join(unknown)}")
        self._watchlist.delete(names, by=_asker(request))
        return {"deleted": names}


def _asker(request: Mapping[str, Any]) -> str:
    return str(request.get(PEER, "local"))
