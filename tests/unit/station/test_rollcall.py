"""Calls of an area at the station: signed as the contract says, and who answered them, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import NS_PER_S, ManualClock, format_utc
from agent.core.errors import CheckFailedError, ConfigError
from contract.signing import is_signed_by
from contract.topics import Address
from contract.validate import validate_message
from contract.words import Role, Status
from station.area_calls import Call, make_call
from station.call_view import roll_lines
from station.desk import Desk
from station.lang import Lang
from station.look import Look
from station.rollcall import Rolls
from station.store import Store
from station.values import Channel, File, Item, Keep, Publish
from tests.support.signed import KEYS

CONFIG = KEYS[Role.CONFIG]
SCHOOL = "gh/v1/cancheng/area/north/respond/school/gate-1"


@pytest.fixture
def rolls(path: Path, store: Store) -> Iterator[Rolls]:
    made = Rolls(path, "cancheng", {"north": ["school/gate-1", "clinic/gate-1", "mill/gate-1"]})
    yield made
    made.close()


def made(clock: ManualClock, **fields: Any) -> Publish:
    call = Call(**{"area": "north", "text_en": "Help", "text_zh": "支援", **fields})
    return make_call(call, "call-1", "cancheng", clock.utc_ns(), CONFIG)


def filed(path: Path, clock: ManualClock, message: Publish) -> None:
    desk = Desk(path, clock.utc_ns)
    desk.send_filed(message, "call-1")
    desk.close()


def answer(store: Store, at_ns: int, state: str, topic: str = SCHOOL, call: str = "call-1") -> None:
    """A gate answers."""
    body = {"call_id": call, "state": state, "eta_s": None, "who": "g", "at": format_utc(at_ns)}
    with store.batch():
        store.apply((File(topic, f"{call} {state}", json.dumps(body).encode(), at_ns),))


def test_a_call_is_signed_and_valid_and_bounded(clock: ManualClock) -> None:
    gate = Address("cancheng", "liya-garden", "gate-1")
    message = made(clock, gate=gate, exercise=True, valid_s=9000.0)
    assert message.topic == "gh/v1/cancheng/area/north/call"
    assert not message.retain
    assert validate_message(message.topic, message.payload, retained=False) == []
    body = json.loads(message.payload)
    assert is_signed_by(body, CONFIG.public_key())
    assert (body["site"], body["node"], body["status"]) == ("liya-garden", "gate-1", "Exercise")
    assert body["expires_at"] == format_utc(clock.utc_ns() + 300 * NS_PER_S)


def test_a_call_that_is_none_is_not_made(clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match="'North' is no area"):
        made(clock, area="North")
    with pytest.raises(CheckFailedError, match="text"):
        made(clock, text_en="")


def test_the_roll_has_answers_in_order_who_is_silent_and_who_is_late(
    path: Path, store: Store, rolls: Rolls, clock: ManualClock
) -> None:
    gate = Address("cancheng", "mill", "gate-1")
    filed(path, clock, made(clock, gate=gate))
    began_ns = clock.utc_ns()
    answer(store, began_ns + 2 * NS_PER_S, "seen")
    answer(store, began_ns + 5 * NS_PER_S, "coming")
    answer(store, began_ns + 9 * NS_PER_S, "seen", call="call-9")
    answer(store, began_ns + 301 * NS_PER_S, "arrived")
    (roll,) = rolls.newest()
    told = [(a.gate, a.state, a.after_s, a.late) for a in roll.answers]
    assert told == [
        ("school/gate-1", "seen", 2.0, False),
        ("school/gate-1", "coming", 5.0, False),
        ("school/gate-1", "arrived", 301.0, True),
    ]
    assert roll.silent == ("clinic/gate-1",)
    assert (roll.by, roll.gate, roll.status) == ("cancheng", "mill/gate-1", Status.ACTUAL)
    assert [a.call_id for a in rolls.unknown()] == ["call-9"]
    lines = "\n".join(roll_lines(roll, Look(Lang.ZH, 100, UTC), clock.utc_ns()))
    assert "正在赶来" in lines
    assert "迟到应答" in lines
    assert "未应答: clinic/gate-1" in lines


def test_a_copy_of_an_answer_keeps_the_time_of_the_first(
    path: Path, store: Store, rolls: Rolls, clock: ManualClock
) -> None:
    filed(path, clock, made(clock))
    body = {"call_id": "call-1", "state": "seen", "eta_s": None, "who": "g", "at": "x"}
    for after_s in (1, 7):
        at_ns = clock.utc_ns() + after_s * NS_PER_S
        with store.batch():
            store.apply((File(SCHOOL, "call-1 seen", json.dumps(body).encode(), at_ns),))
    assert [a.after_s for a in rolls.newest()[0].answers] == [1.0]


def test_a_gates_own_call_is_known_when_it_tells(
    store: Store, rolls: Rolls, clock: ManualClock
) -> None:
    at_ns = clock.utc_ns()
    told = {
        "call_id": "call-1",
        "area": "north",
        "site": "school",
        "node": "gate-1",
        "kind": "panic",
        "text": {"en": "Help", "zh": "支援"},
        "at": format_utc(at_ns),
        "expires_at": format_utc(at_ns + 300 * NS_PER_S),
        "status": "Actual",
    }
    source = "gh/v1/cancheng/school/gate-1"
    item = Item(
        source=source,
        id="e-1",
        channel=Channel.EVENT,
        topic=f"{source}/event",
        status=Status.ACTUAL,
        kind="call.made",
        severity="",
        session=1,
        seq=1,
        replayed=True,
        happened_ns=at_ns,
        synced=True,
        received_ns=at_ns + NS_PER_S,
        body=json.dumps({"data": {"details": told}}).encode(),
    )
    answer(store, at_ns + NS_PER_S, "coming", SCHOOL.replace("school", "clinic"))
    with store.batch():
        store.apply((Keep(item),))
    roll = rolls.one("call")
    assert (roll.by, roll.gate) == ("school/gate-1", "school/gate-1")
    assert [a.gate for a in roll.answers] == ["clinic/gate-1"]
    assert roll.silent == ("mill/gate-1",)
    assert rolls.unknown() == []
    with pytest.raises(CheckFailedError, match="no call starts with 'x'"):
        rolls.one("x")


def test_what_was_not_sent_is_not_a_call(path: Path, rolls: Rolls, clock: ManualClock) -> None:
    message = made(clock)
    filed(path, clock, message)
    desk = Desk(path, clock.utc_ns)
    desk.unfile(message.topic, "call-1")
    desk.close()
    assert rolls.newest() == []
