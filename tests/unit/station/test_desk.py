"""Acks and documents by people: found by the start of an id, durable, never back a stage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError
from contract.validate import check_message, validate_message
from contract.words import Stage
from station.desk import Desk, Sent
from station.receive import decide
from station.store import Store
from station.values import Arrival, Publish
from tests.tools.messages import GATE, OTHER_GATE, alert, body, fact, message_id

NOW_NS = 1_795_000_000_000_000_000
FIRST = message_id(1)


class Passing:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "station.db", "cancheng")
    for topic, payload in (
        (f"{GATE}/alert", body(alert(1))),
        (f"{GATE}/alert", body(alert(2))),
        (f"{GATE}/drill/alert", body(alert(0x30, ghstatus="Exercise"))),
        (f"{OTHER_GATE}/alert", body(alert(0x50, source=OTHER_GATE, id="twin-of-two-gates"))),
        (f"{GATE}/alert", body(alert(0x51, id="twin-of-two-gates"))),
        (f"{GATE}/event", body(fact(1))),
    ):
        arrival = Arrival(topic, payload, retained=False, again=False, received_ns=NOW_NS)
        with opened.batch():
            verdict = decide(arrival, check_message(topic, payload), opened, "cancheng")
            opened.apply(verdict.writes)
    yield opened
    opened.close()


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[Desk]:
    passing = Passing()
    opened = Desk(tmp_path / "station.db", lambda: NOW_NS, passing.monotonic, passing.sleep)
    yield opened
    opened.close()


def queued(store: Store) -> list[Publish]:
    return [row.message for row in store.outgoing(0, 100)]


def test_an_ack_goes_out_as_the_contract_says(desk: Desk, store: Store) -> None:
    order = desk.ack(FIRST, Stage.SEEN, "duty-officer")
    assert order.n == 1
    (message,) = queued(store)
    assert message.topic == f"{GATE}/ack"
    assert json.loads(message.payload) == {
        "alert_id": FIRST,
        "stage": "seen",
        "by": "duty-officer",
        "at": "2026-11-18T11:06:40.000Z",
    }
    assert validate_message(message.topic, message.payload, retained=message.retain) == []


def test_the_ack_of_a_drill_stays_on_the_drill_branch(desk: Desk, store: Store) -> None:
    desk.ack(message_id(0x30), Stage.CLOSED, "duty-officer")
    (message,) = queued(store)
    assert message.topic == f"{GATE}/drill/ack"
    assert validate_message(message.topic, message.payload, retained=False) == []


def test_stages_go_forward_only(desk: Desk, store: Store) -> None:
    desk.ack(FIRST, Stage.HANDLING, "duty-officer")
    with pytest.raises(CheckFailedError, match=r"already handling \(by duty-officer\)"):
        desk.ack(FIRST, Stage.SEEN, "desk-2")
    assert desk.ack(FIRST, Stage.HANDLING, "desk-2").n is None
    assert desk.ack(FIRST, Stage.CLOSED, "desk-2").n == 2
    assert len(queued(store)) == 2


def test_the_start_of_an_id_is_enough_when_only_one_has_it(desk: Desk) -> None:
    with pytest.raises(CheckFailedError, match="3 alerts start with 0197a3b2"):
        desk.ack("0197a3b2", Stage.SEEN, "duty-officer")
    found = desk.ack(message_id(0x30)[:-1].upper(), Stage.SEEN, "duty-officer").found
    assert found.id == message_id(0x30)


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("ffffffff", "no alert with an id that starts with ffffffff"),
        ("01", "at least 4"),
        ("%%%%", "no alert"),
        (str(fact(1)["id"]), "no alert"),
    ],
)
def test_an_unknown_alert_is_a_failed_check(desk: Desk, prefix: str, problem: str) -> None:
    with pytest.raises(CheckFailedError, match=problem) as raised:
        desk.ack(prefix, Stage.SEEN, "duty-officer")
    assert raised.value.exit_code == 1


def test_two_gates_with_one_id_are_told_apart(desk: Desk, store: Store) -> None:
    with pytest.raises(CheckFailedError, match=r"liya-garden/gate-1.*no3-school/gate-2"):
        desk.ack("twin", Stage.SEEN, "duty-officer")
    desk.ack("twin", Stage.SEEN, "duty-officer", gate="no3-school/gate-2")
    assert [m.topic for m in queued(store)] == [f"{OTHER_GATE}/ack"]


def test_waiting_ends_when_it_was_sent_refused_or_too_late(desk: Desk, store: Store) -> None:
    first = desk.send(Publish("t/1", b"x", retain=True))
    second = desk.send(Publish("t/2", b"x"))
    third = desk.send(Publish("t/3", b"x"))
    with store.batch():
        store.sent({first: None, second: "Not authorized"}, NOW_NS)
    assert desk.wait(first, 5.0) == Sent(None)
    assert desk.wait(second, 5.0) == Sent("Not authorized")
    assert desk.wait(third, 5.0) is None


def test_versions_only_rise(desk: Desk) -> None:
    assert desk.next_version("watchlist", None) == 1
    assert desk.next_version("watchlist", 10) == 10
    assert desk.next_version("watchlist", None) == 11
    assert desk.next_version("roster", None) == 1
    with pytest.raises(CheckFailedError, match="not above the last signed one, 11"):
        desk.next_version("watchlist", 11)
