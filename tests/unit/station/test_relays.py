"""Relay patrols at the station: asked, taken, declined, too late, and told to the sender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import parse_utc
from agent.core.errors import ConfigError
from contract.signing import is_signed_by
from contract.validate import check_message
from contract.words import Role
from station import relay_rows
from station.orders import Task, make_task
from station.receive import decide
from station.relays import MOST_WAITING, Relays
from station.store import Store
from station.values import Arrival, Gate, Note, Publish, RelayState
from tests.support.signed import KEYS
from tests.tools.messages import GATE, OTHER_GATE, UTC, body, fact, message_id

S = 1_000_000_000
NOW_NS = parse_utc(UTC) + S
NAME = {"en": "Night round", "zh": "夜间巡逻"}


class Desk:
    """A station's file with its relays on top; ``lines`` is what serving said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = Store(path, "cancheng")
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.key: Any = KEYS[Role.CONFIG]
        self.relays = Relays("cancheng", self.store, self.sign, self.tell)

    def sign(self, task: Task, task_id: str, at_ns: int, valid_s: float) -> Publish:
        if self.key is None:
            raise ConfigError("the config key cannot be read")
        return make_task(task, task_id, at_ns, valid_s, self.key)

    def tell(self, what: str, about: dict[str, object]) -> None:
        self.lines.append((what, about))

    def hear(self, topic: str, value: dict[str, Any], at_ns: int = NOW_NS) -> None:
        """A message as serving takes it."""
        payload = body(value)
        arrival = Arrival(topic, payload, retained=False, again=False, received_ns=at_ns)
        verdict = decide(arrival, check_message(topic, payload), self.store, "cancheng")
        with self.store.batch():
            self.store.apply((*verdict.writes, *self.relays.heard(verdict)))

    def hand_over(self, number: int = 1, at_ns: int = NOW_NS, **details: Any) -> str:
        """A round that is over at the first gate; the relay's task."""
        about = {"round": "night", "to": "no3-school/gate-2", "within_s": 600, "name": NAME}
        event = fact(number, type="gatehouse.event.patrol.handover")
        event["data"]["details"] = about | details
        self.hear(f"{GATE}/event", event, at_ns)
        return f"relay-{message_id(0x1000000 + number)}"

    def answer(self, task_id: str, state: str, gate: str = OTHER_GATE, **more: str) -> None:
        """The gate's word on that task."""
        told = {"task_id": task_id, "state": state, "by": "badge-21", "at": UTC, **more}
        self.hear(f"{gate}/task/{task_id}/status", told)

    def pass_time(self, seconds: float) -> None:
        """So long after the hand-over was heard."""
        with self.store.batch():
            self.store.apply(self.relays.over(NOW_NS + round(seconds * S)))

    def restart(self) -> None:
        """Another life on the same file."""
        self.store.close()
        self.store = Store(self.path, "cancheng")
        self.relays = Relays("cancheng", self.store, self.sign, self.tell)

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything that was queued: topic and body."""
        rows = self.store.outgoing(0, 100)
        return [(row.message.topic, json.loads(row.message.payload)) for row in rows]

    def state(self, task_id: str) -> RelayState | None:
        relay = self.store.relays.relay(task_id)
        return None if relay is None else relay.state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "station.db")
    with made.store.batch():
        made.store.apply([Note(Gate(OTHER_GATE))])
    yield made
    made.store.close()


def test_the_next_gate_gets_its_task_once_and_takes_it(desk: Desk) -> None:
    task_id = desk.hand_over()
    desk.hand_over()
    ((topic, order),) = desk.sent()
    assert topic == f"{OTHER_GATE}/task/{task_id}"
    assert is_signed_by(order, KEYS[Role.CONFIG].public_key())
    assert order["node"] == "cancheng.no3-school.gate-2"
    assert order["text"]["zh"] == "接力巡逻“夜间巡逻”自liya-garden/gate-1移交，请接续"
    assert parse_utc(order["due_at"]) == parse_utc(UTC) + 600 * S
    desk.answer(task_id, "received")
    assert desk.state(task_id) is RelayState.ASKED
    desk.answer(task_id, "accepted")
    assert desk.state(task_id) is RelayState.TAKEN
    desk.pass_time(900)
    desk.answer(task_id, "done")
    assert len(desk.sent()) == 1


def test_what_nobody_takes_is_told_to_the_sender_over_a_restart(desk: Desk) -> None:
    task_id = desk.hand_over()
    desk.answer(task_id, "received")
    desk.pass_time(598)
    assert len(desk.sent()) == 1
    desk.restart()
    desk.pass_time(599)
    desk.pass_time(700)
    assert desk.state(task_id) is RelayState.NOT_TAKEN
    topic, back = desk.sent()[-1]
    assert topic == f"{GATE}/task/{task_id}-back"
    assert back["text"] == {
        "en": "Nobody takes over relay patrol 'Night round' at no3-school/gate-2:"
        " nobody answered within 10 min",
        "zh": "接力巡逻“夜间巡逻”在no3-school/gate-2无人接续：10分钟内无人接受",
    }
    assert len(desk.sent()) == 2
    assert desk.lines[-1][0] == "relay-missed"


@pytest.mark.parametrize("before", [[], ["accepted"]])
def test_who_declines_is_told_to_the_sender_with_the_reason(desk: Desk, before: list[str]) -> None:
    task_id = desk.hand_over()
    for state in before:
        desk.answer(task_id, state)
    desk.answer(task_id, "declined", note="alone at the post")
    desk.answer(task_id, "declined", note="alone at the post")
    assert [topic for topic, _ in desk.sent()] == [
        f"{OTHER_GATE}/task/{task_id}",
        f"{GATE}/task/{task_id}-back",
    ]
    assert desk.sent()[-1][1]["text"]["en"].endswith("it was declined: alone at the post")


def test_another_gates_word_takes_no_relay(desk: Desk) -> None:
    task_id = desk.hand_over()
    desk.answer(task_id, "accepted", gate=GATE)
    desk.answer("relay-unknown", "accepted")
    assert desk.state(task_id) is RelayState.ASKED


@pytest.mark.parametrize(
    ("details", "after_s", "why"),
    [
        ({"to": "no3-school/gate-9"}, 0, "the station knows no such gate"),
        ({"to": "liya-garden/gate-1"}, 0, "the station knows no such gate"),
        ({}, 600, "the station heard of it too late"),
    ],
)
def test_what_cannot_be_handed_on_is_told_at_once(
    desk: Desk, details: dict[str, Any], after_s: int, why: str
) -> None:
    task_id = desk.hand_over(at_ns=NOW_NS + after_s * S, **details)
    ((topic, back),) = desk.sent()
    assert topic == f"{GATE}/task/{task_id}-back"
    assert back["text"]["en"].endswith(why)
    assert desk.state(task_id) is RelayState.NOT_TAKEN


def test_a_gate_cannot_flood_another_with_relays(desk: Desk) -> None:
    for number in range(MOST_WAITING + 1):
        desk.hand_over(number)
    asked = [topic for topic, _ in desk.sent() if topic.startswith(OTHER_GATE)]
    assert len(asked) == MOST_WAITING
    assert desk.sent()[-1][1]["text"]["en"].endswith("too many relays wait already")


@pytest.mark.parametrize("to", [None, "", "nowhere", "a/b/c", "../etc", 7])
def test_a_hand_over_to_no_gate_asks_nobody(desk: Desk, to: object) -> None:
    desk.hand_over(to=to)
    assert desk.sent() == []


def test_a_name_is_cut_and_cleaned_and_a_window_is_bounded(desk: Desk) -> None:
    desk.hand_over(name={"en": "\x1b[2J" + "x" * 200, "zh": 7}, within_s=-5)
    ((_, order),) = desk.sent()
    assert order["text"]["en"].startswith("Relay patrol '[2Jxxx")
    assert "\x1b" not in order["text"]["en"]
    assert order["text"]["zh"].startswith("接力巡逻“night”")
    assert parse_utc(order["due_at"]) == parse_utc(UTC) + 900 * S


def test_without_the_key_it_is_said_and_stands_as_not_taken(desk: Desk) -> None:
    desk.key = None
    task_id = desk.hand_over()
    assert desk.sent() == []
    assert desk.state(task_id) is RelayState.NOT_TAKEN
    assert [line for line, _ in desk.lines].count("relay-unsent") == 2


def test_relays_that_are_over_give_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_rows, "KEPT", 1)
    first = desk.hand_over(1, to="no3-school/gate-9")
    second = desk.hand_over(2, to="no3-school/gate-9")
    assert [desk.state(task) for task in (first, second)].count(None) == 1
