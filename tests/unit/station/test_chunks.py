"""A large document as the station sends it, and what a gate makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import ManualClock
from agent.core.errors import CheckFailedError
from agent.watchlist.gathering import Gathering
from agent.watchlist.manifest import read_manifest
from contract.signing import TrustedKeys, content_hash
from contract.validate import validate_message
from contract.words import MAX_MESSAGE_BYTES, Role, Status
from station import documents, sign
from station.chunks import CHUNK_BYTES, is_sendable, manifest_and_chunks
from tests.support.samples import ADDRESS
from tests.support.signed import listed, template

KEY = Ed25519PrivateKey.generate()
TRUSTED = TrustedKeys(ADDRESS.station, {Role.WATCHLIST: KEY.public_key()})


def made(entries: list[Any], **fields: Any) -> bytes:
    about: dict[str, Any] = {
        "station": ADDRESS.station,
        "version": 3,
        "node": "*",
        "status": Status.ACTUAL,
        "issued_at": "2026-11-21T00:00:00.000Z",
    }
    return sign.make_watchlist(entries, KEY, **{**about, **fields})


def an_entry(clock: ManualClock, number: int, size: int = 4096) -> dict[str, Any]:
    vectors = [template("mobilefacenet", b"\0\0\x80?" * (size // 4))]
    return listed(clock, entry_id=f"w-{number}", photos=..., templates=vectors)


@pytest.mark.parametrize("status", [Status.ACTUAL, Status.EXERCISE])
def test_what_the_station_sends_in_chunks_the_gate_puts_together(
    clock: ManualClock, status: Status
) -> None:
    entries = [an_entry(clock, n) for n in range(300)]
    data = made(entries, status=status)
    document = json.loads(data)
    *chunks, manifest = documents.desired(ADDRESS, data, document, KEY)
    assert len(chunks) > 5
    for message in (*chunks, manifest):
        assert validate_message(message.topic, message.payload, retained=message.retain) == []
        assert len(message.payload) <= MAX_MESSAGE_BYTES
    drill = status is Status.EXERCISE
    assert manifest.topic == ADDRESS.topic("desired", "watchlist", drill=drill)
    read = read_manifest(manifest.payload, TRUSTED, ADDRESS, drill=drill)
    gathering = Gathering(read, clock.utc_ns())
    for chunk in chunks:
        assert chunk.topic == f"{manifest.topic}/{gathering.wanted}"
        gathering.take(chunk.payload)
    bundle = gathering.bundle()
    assert (bundle.hash, bundle.version, bundle.status) == (content_hash(document), 3, status)
    assert [e.entry_id for e in bundle.entries] == [e["entry_id"] for e in entries]


def test_a_document_that_fits_stays_one_message(clock: ManualClock) -> None:
    data = made([an_entry(clock, 1)])
    (message,) = documents.desired(ADDRESS, data, json.loads(data), KEY)
    assert message.payload == data


def test_chunks_are_filled_and_none_is_too_large(clock: ManualClock) -> None:
    data = made([an_entry(clock, n, size=15_000) for n in range(60)])
    _, chunks = manifest_and_chunks(json.loads(data), KEY)
    assert all(len(chunk) <= CHUNK_BYTES + 200 for chunk in chunks)
    assert all(len(chunk) > CHUNK_BYTES // 2 for chunk in chunks[:-1])


def test_an_entry_that_no_message_can_hold_is_named(clock: ManualClock) -> None:
    document = json.loads(made([an_entry(clock, 1)]))
    document["entries"].append({"entry_id": "w-huge", "photos": ["x" * MAX_MESSAGE_BYTES]})
    with pytest.raises(CheckFailedError, match=r"w-huge is 2\d{5} bytes long.*import the file"):
        manifest_and_chunks(document, KEY)
    assert not is_sendable(document, MAX_MESSAGE_BYTES + 1)


def test_what_can_be_sent(clock: ManualClock) -> None:
    document = json.loads(made([an_entry(clock, 1)]))
    assert is_sendable(document, 1000)
    assert is_sendable(document, MAX_MESSAGE_BYTES + 1)


def test_an_empty_list_says_so() -> None:
    assert json.loads(made([]))["empty"] is True
