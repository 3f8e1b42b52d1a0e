"""Commands as the station signs them: what the gate then does with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import CheckFailedError, ConfigError
from agent.pipeline.command_checks import DOOR_VALID_NS
from contract.topics import Address
from contract.validate import validate_message
from contract.words import CommandName, Outcome, Role
from station.orders import DOOR_VALID_S, Marks, Wanted, args_of, make_command, nonce_of
from station.values import Publish
from tests.support.orders import Desk, NotingDeed
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS

OTHER = Address("cancheng", "no3-school", "gate-2")


def made(
    clock: ManualClock,
    name: CommandName = CommandName.DOOR_OPEN,
    *,
    gate: Address = ADDRESS,
    exercise: bool = False,
    nonce: str | None = None,
) -> Publish:
    wanted = Wanted(gate, name, {"door": "side"}, exercise)
    marks = Marks("0197a3b2-4c11-7005-8a5f-00c0ffee0005", 7, clock.utc_ns(), nonce)
    return make_command(wanted, marks, KEYS[name.role])


@pytest.mark.parametrize("name", list(CommandName))
@pytest.mark.parametrize("exercise", [False, True])
def test_every_command_is_the_contracts_and_obeyed(
    tmp_path: Path, clock: ManualClock, name: CommandName, exercise: bool
) -> None:
    message = made(clock, name, exercise=exercise)
    assert message.topic == ADDRESS.topic("cmd", name, drill=exercise)
    assert validate_message(message.topic, message.payload, retained=message.retain) == []
    desk = Desk(tmp_path / "commands.json", clock, dict.fromkeys(CommandName, NotingDeed([])))
    assert desk.handle(message.payload, topic=name, drill=exercise).outcome is Outcome.DONE


def test_a_door_command_lives_as_long_as_a_gate_lets_it(clock: ManualClock) -> None:
    assert DOOR_VALID_S * 1_000_000_000 == DOOR_VALID_NS
    body = json.loads(made(clock).payload)
    assert (body["issued_at"], body["expires_at"]) == (
        "2026-11-21T08:00:00.000Z",
        "2026-11-21T08:00:10.000Z",
    )
    assert "nonce" not in body
    later = json.loads(made(clock, CommandName.REBIRTH).payload)
    assert later["expires_at"] == "2026-11-21T08:01:00.000Z"


def test_a_gate_that_does_not_know_the_time_is_told_its_own_nonce(
    tmp_path: Path, clock: ManualClock
) -> None:
    desk = Desk(tmp_path / "commands.json", clock, {CommandName.DOOR_OPEN: NotingDeed([])})
    clock.set_synced(synced=False)
    beat = json.dumps({"clock": {"synced": False, "nonce": desk.nonces.say()}})
    message = made(clock, nonce=nonce_of(beat))
    clock.step(-1e9)
    assert desk.handle(message.payload, topic="door.open").outcome is Outcome.DONE


@pytest.mark.parametrize(
    "beat",
    [None, "{}", '{"clock": {"synced": true, "nonce": "x"}}', '{"clock": {"synced": false}}'],
)
def test_without_a_nonce_there_is_none(beat: str | None) -> None:
    assert nonce_of(beat) is None


def test_a_command_goes_to_its_gate(clock: ManualClock) -> None:
    message = made(clock, gate=OTHER)
    assert message.topic == "gh/v1/cancheng/no3-school/gate-2/cmd/door.open"
    assert json.loads(message.payload)["node"] == "cancheng.no3-school.gate-2"


def test_what_the_contract_does_not_allow_is_not_signed(clock: ManualClock) -> None:
    wanted = Wanted(ADDRESS, CommandName.REBIRTH, {})
    with pytest.raises(CheckFailedError, match="cmd_id"):
        make_command(wanted, Marks("x", 7, clock.utc_ns()), KEYS[Role.CONFIG])


def test_arguments_as_a_person_types_them() -> None:
    pairs = ["off=false", "pulse_s=1.5", "door=side", "note=a=b", "empty="]
    expected: dict[str, Any] = {
        "off": False,
        "pulse_s": 1.5,
        "door": "side",
        "note": "a=b",
        "empty": "",
    }
    assert args_of(pairs) == expected


@pytest.mark.parametrize("pair", ["off", "=x", ""])
def test_what_is_no_argument_is_a_mistake(pair: str) -> None:
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        args_of([pair])
