"""Which topic a signed document goes out on, and whether it may. Decisions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.core.errors import CheckFailedError, ConfigError
from contract.topics import Address
from contract.words import MAX_MESSAGE_BYTES, Status
from station.values import Publish


def address_of(text: str, station: str) -> Address:
    """A gate of *station* from ``SITE/NODE`` or ``STATION.SITE.NODE``; ConfigError otherwise."""
    parts = text.split("/") if "/" in text else text.split(".")[1:]
    if len(parts) != 2 or ("." in text and not text.startswith(f"{station}.")):
        raise ConfigError(f"{text!r} is no gate of {station}: write SITE/NODE")
    try:
        return Address(station, *parts)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no gate: {error}") from error


def desired(gate: Address, data: bytes, document: Mapping[str, Any]) -> Publish:
    """The retained message of *document*; CheckFailedError when it is not for *gate*."""
    if document["node"] not in ("*", gate.client_id):
        raise CheckFailedError(f"the document is for {document['node']}, not for {gate.client_id}")
    if document["issuer"] != gate.station:
        raise CheckFailedError(f"the document is of {document['issuer']}, not of {gate.station}")
    if len(data) > MAX_MESSAGE_BYTES:
        raise CheckFailedError(
            f"the document is {len(data)} bytes long; a message may have {MAX_MESSAGE_BYTES}. "
            "Use smaller photos, or import the file at the gate"
        )
    drill = document["status"] == Status.EXERCISE.value
    return Publish(gate.topic("desired", str(document["doc"]), drill=drill), data, retain=True)
