"""Notices from outside: who signed them, for which area, until when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.answers import BulletinPosted, BulletinRefused, BulletinWithdrawn
from agent.core.clock import ManualClock
from contract.signing import sign
from contract.words import Role
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS
from tests.support.station import Gate

TOPIC = ADDRESS.bulletin("east")


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock)


def bulletin(by: Role = Role.CONFIG, **fields: Any) -> bytes:
    """A notice signed with the key of a role."""
    body = {
        "bulletin_id": "b-8",
        "area": "east",
        "issuer": "cancheng",
        "role": "config",
        "issued_at": "2026-11-21T08:00:00Z",
        "expires_at": "2026-11-28T08:00:00Z",
        "text": {"en": "Parcel thefts", "zh": "快递被盗"},
        "status": "Actual",
    } | fields
    return json.dumps(sign(body, KEYS[by])).encode()


def test_a_signed_notice_is_told(gate: Gate) -> None:
    gate.hear(TOPIC, bulletin())
    (event,) = gate.events
    assert isinstance(event, BulletinPosted)
    assert (event.area, event.bulletin_id, event.text.zh) == ("east", "b-8", "快递被盗")
    assert gate.control.malformed == 0


def test_an_empty_one_withdraws(gate: Gate) -> None:
    gate.hear(TOPIC, b"")
    (event,) = gate.events
    assert isinstance(event, BulletinWithdrawn)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (bulletin(Role.DOOR), "wrong-role"),
        (bulletin().replace(b"Parcel", b"parcel"), "bad-signature"),
        (bulletin(issuer="elsewhere"), "unknown-issuer"),
        (bulletin(area="west"), "unexpected"),
        (bulletin(expires_at="soon"), "malformed"),
        (bulletin(expires_at="2026-11-21T08:00:00Z"), "malformed"),
    ],
)
def test_what_is_not_to_be_shown_is_refused_aloud(gate: Gate, payload: bytes, reason: str) -> None:
    gate.hear(TOPIC, payload)
    (event,) = gate.events
    assert isinstance(event, BulletinRefused)
    assert event.reason.startswith(reason)


@pytest.mark.parametrize(
    "payload",
    [b"{", b"{}", bulletin(role="door"), bulletin(text={"en": "no Chinese"}), b" " * 9000],
)
def test_what_is_no_notice_is_counted(gate: Gate, payload: bytes) -> None:
    gate.hear(TOPIC, payload)
    assert gate.events == []
    assert gate.control.malformed == 1


def test_refusals_are_rationed(gate: Gate) -> None:
    for _ in range(50):
        gate.hear(TOPIC, bulletin(Role.DOOR))
    assert 0 < len(gate.events) < 50
