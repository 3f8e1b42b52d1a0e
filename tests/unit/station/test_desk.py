"""Acks and documents by people: found by the start of an id, durable, never back a stage."""

from __future__ import annotations

import contextlib
import json
import sqlite3
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
from tests.tools.messages import GATE, OTHER_GATE, alert, beat, body, fact, message_id

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


def test_counters_rise_for_each_gate_and_start_at_the_time(desk: Desk) -> None:
    first = NOW_NS // 1_000_000
    assert [desk.next_counter("a.b.c") for _ in range(3)] == [first, first + 1, first + 2]
    assert desk.next_counter("a.b.d") == first
    assert desk.next_version("watchlist", None) == 1


def test_a_command_that_is_not_sent_is_withdrawn(desk: Desk, store: Store) -> None:
    waiting, gone = (desk.send(Publish(f"{GATE}/cmd/rebirth", b"x")) for _ in range(2))
    with store.batch():
        store.sent({gone: None}, NOW_NS)
    assert desk.withdraw(waiting)
    assert not desk.withdraw(waiting)
    assert not desk.withdraw(gone)
    assert store.outgoing(0, 10) == []


def test_a_result_is_waited_for_and_a_refused_repeat_does_not_replace_it(
    desk: Desk, store: Store
) -> None:
    topic, cmd_id = f"{GATE}/result", "0197a3b2-4c11-7005-8a5f-00c0ffee0005"
    assert desk.answer(topic, cmd_id, 0.2) is None
    done = {"cmd_id": cmd_id, "outcome": "done", "reason": "", "proof": None, "late_ms": 1}
    again = {**done, "outcome": "refused", "reason": "repeated: this command was handled before"}
    for value in (done, again):
        arrival = Arrival(topic, body(value), retained=False, again=False, received_ns=NOW_NS)
        with store.batch():
            verdict = decide(arrival, check_message(topic, body(value)), store, "cancheng")
            store.apply(verdict.writes)
    answer = desk.answer(topic, cmd_id, 0.2)
    assert answer is not None
    assert json.loads(answer)["outcome"] == "done"
    assert desk.answer(f"{OTHER_GATE}/result", cmd_id, 0.0) is None


def test_the_newest_heartbeat_of_a_gate(desk: Desk, store: Store) -> None:
    assert desk.beat(GATE) is None
    for seq in (1, 2):
        data = body(beat(seq=seq))
        arrival = Arrival(f"{GATE}/hb", data, retained=False, again=False, received_ns=NOW_NS)
        with store.batch():
            verdict = decide(arrival, check_message(f"{GATE}/hb", data), store, "cancheng")
            store.apply(verdict.writes)
    found = desk.beat(GATE)
    assert found is not None
    assert json.loads(found)["seq"] == 2


def chunked(topic: str, count: int) -> list[Publish]:
    parts = [Publish(f"{topic}/{n}", b"x" * 100_000, retain=True) for n in range(1, count + 1)]
    return [*parts, Publish(topic, b"manifest", retain=True)]


def test_chunks_of_an_earlier_document_are_cleared(desk: Desk, store: Store) -> None:
    topic = f"{GATE}/desired/watchlist"
    assert desk.send_all(chunked(topic, 3), clear=topic) == 4
    sent = store.outgoing(0, 100)
    assert [row.message.topic for row in sent] == [f"{topic}/{n}" for n in (1, 2, 3)] + [topic]
    with store.batch():
        store.sent(dict.fromkeys((row.n for row in sent), None), NOW_NS)
    desk.send_all(chunked(topic, 1), clear=topic)
    rows = [(row.message.topic, len(row.message.payload)) for row in store.outgoing(0, 100)]
    assert rows == [(f"{topic}/1", 100_000), (topic, 8), (f"{topic}/2", 0), (f"{topic}/3", 0)]
    desk.send_all([Publish(topic, b"small", retain=True)], clear=topic)
    rows = [(row.message.topic, len(row.message.payload)) for row in store.outgoing(8, 100)]
    assert rows == [(topic, 5), (f"{topic}/1", 0)]


def test_what_was_sent_is_not_kept_whole(desk: Desk, store: Store, tmp_path: Path) -> None:
    number = desk.send(Publish(f"{GATE}/desired/watchlist/1", b"x" * 100_000, retain=True))
    with store.batch():
        store.sent({number: None}, NOW_NS)
    with contextlib.closing(sqlite3.connect(tmp_path / "station.db")) as database:
        ((size,),) = database.execute("SELECT length(payload) FROM outgoing").fetchall()
    assert size == 64
