"""``gatehouse station profile``: a signed order of what holds at a gate, kept by the broker.

Here: the document and its way out. Not here: the queue (``station.desk``).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import rfc8785

from agent.core.clock import format_utc
from contract.signing import content_hash
from contract.words import Document, Role, Status
from station import documents, keys
from station.desk import Desk
from station.sending import send_or_keep
from station.signed import signed
from station.values import Publish


def order(folder: Path, gate: str, profile: str | None) -> dict[str, object]:
    """Send the order, *profile* None takes it back; UnreachableError when it waits to be sent."""
    made = keys.open_station(folder)
    address = documents.address_of(gate, made.id)
    key = keys.role_key(made, Role.CONFIG)
    desk = Desk(made.database, time.time_ns)
    try:
        body: dict[str, Any] = {
            "doc": Document.PROFILE.value,
            "version": desk.next_version(Document.PROFILE.value, None),
            "status": Status.ACTUAL.value,
            "node": address.client_id,
            "issuer": made.id,
            "role": Role.CONFIG.value,
            "issued_at": format_utc(time.time_ns()),
            "entries": [] if profile is None else [{"profile": profile}],
        }
        if profile is None:
            body["empty"] = True
        document = signed("document", body, key)
        topic = address.topic("desired", Document.PROFILE)
        send_or_keep(desk, desk.send(Publish(topic, rfc8785.dumps(document), retain=True)))
    finally:
        desk.close()
    return {"topic": topic, "version": body["version"], "hash": content_hash(document)}
