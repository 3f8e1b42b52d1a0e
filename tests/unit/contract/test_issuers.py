"""Who else may order: listed in the trusted keys with a level, read strictly, written back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import RefusedError
from agent.pipeline.command_checks import Checks, Trust, read_asked
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.nonces import Nonces
from contract.signing import Issuer, TrustedKeys, read_trusted_keys
from contract.words import CommandName, Role
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, STRANGER, TRUSTED, command, to_bytes

COUNTY = Issuer("county", {Role.CONFIG: STRANGER.public_key()})
LISTING = TrustedKeys(TRUSTED.station, TRUSTED.keys, {"foshan": COUNTY})


def genuine(tmp_path: Any, clock: ManualClock, asked: dict[str, Any]) -> CommandName:
    """Its name, where a gate that trusts ``LISTING`` would obey it."""
    journal = CommandJournal(tmp_path / "commands.json")
    checks = Checks(Trust(LISTING, ADDRESS), clock, Nonces(clock, lambda: "n" * 24), journal)
    read, signed = read_asked(to_bytes(asked))
    return checks.genuine(read, signed, read.name)


def test_listed_issuers_are_written_and_read_back() -> None:
    read = read_trusted_keys(LISTING.to_json())
    assert read.level_of("foshan") == "county"
    assert read.level_of(TRUSTED.station) == "station"
    assert read.level_of("elsewhere") == ""
    assert read.of("elsewhere") is None
    assert read.to_json() == LISTING.to_json()
    assert b"issuers" not in TRUSTED.to_json()


def test_a_listed_issuer_orders_with_its_own_keys_and_roles(
    tmp_path: Any, clock: ManualClock
) -> None:
    ordered = command(clock, key=STRANGER, issuer="foshan")
    assert genuine(tmp_path, clock, ordered) is CommandName.REBIRTH


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"key": STRANGER, "issuer": "guangzhou"}, "unknown-issuer"),
        ({"key": KEYS[Role.CONFIG], "issuer": "foshan"}, "bad-signature$"),
        (
            {"key": KEYS[Role.DOOR], "issuer": "foshan", "name": "door.open"},
            "bad-signature: this gate has no key of 'foshan' for role 'door'",
        ),
        ({"key": STRANGER}, "bad-signature"),
        ({"key": STRANGER, "issuer": "foshan", "name": "door.open"}, "wrong-role"),
    ],
)
def test_nobody_else_does(
    tmp_path: Any, clock: ManualClock, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RefusedError, match=reason):
        genuine(tmp_path, clock, command(clock, **fields))


@pytest.mark.parametrize(
    ("issuers", "problem"),
    [
        ([], "no mapping"),
        ({"foshan": {"level": "emperor", "keys": {}}}, "level of 'foshan'"),
        ({"foshan": {"level": "county"}}, "'keys' is missing"),
        ({"foshan": {"level": "county", "keys": {"door": "x"}}}, "role 'door'"),
        ({"Foshan": {"level": "county", "keys": {}}}, "no issuer"),
        ({TRUSTED.station: {"level": "city", "keys": {}}}, "no issuer"),
        ({f"i-{n}": {"level": "county", "keys": {}} for n in range(17)}, "at most 16"),
    ],
)
def test_a_list_that_is_none_is_refused(issuers: Any, problem: str) -> None:
    value = {**json.loads(TRUSTED.to_json()), "issuers": issuers}
    with pytest.raises(ValueError, match=problem):
        read_trusted_keys(json.dumps(value).encode())
