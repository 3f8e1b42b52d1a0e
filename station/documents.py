"""Which topics a signed document or a word to an area goes out on, and whether it may.

Decisions, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.errors import CheckFailedError, ConfigError
from contract.topics import ROOT, Address, is_id
from contract.words import MAX_MESSAGE_BYTES, Status
from station.chunks import manifest_and_chunks
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


def area_of(text: str) -> str:
    """The id of an area; ConfigError when it is none."""
    if not is_id(text):
        raise ConfigError(f"{text!r} is no area: a-z, 0-9 and -, up to 32")
    return text


def area_topic(station: str, area: str, leaf: str) -> str:
    """Where the station speaks to the gates of *area*; ConfigError when it is none."""
    return f"{ROOT}/{station}/area/{area_of(area)}/{leaf}"


def desired(
    gate: Address, data: bytes, document: Mapping[str, Any], key: Ed25519PrivateKey
) -> list[Publish]:
    """The retained messages of *document*, in order: chunks if it is too large for one message.

    *key* signs what names the chunks. CheckFailedError when it is not for *gate*, or too large.
    """
    if document["node"] not in ("*", gate.client_id):
        raise CheckFailedError(f"the document is for {document['node']}, not for {gate.client_id}")
    if document["issuer"] != gate.station:
        raise CheckFailedError(f"the document is of {document['issuer']}, not of {gate.station}")
    drill = document["status"] == Status.EXERCISE.value
    topic = gate.topic("desired", str(document["doc"]), drill=drill)
    if len(data) <= MAX_MESSAGE_BYTES:
        return [Publish(topic, data, retain=True)]
    manifest, chunks = manifest_and_chunks(document, key)
    messages = [Publish(f"{topic}/{n}", c, retain=True) for n, c in enumerate(chunks, start=1)]
    return [*messages, Publish(topic, manifest, retain=True)]
