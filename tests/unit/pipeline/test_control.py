"""The only way back in: acks, commands, desired documents, the station's own state."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.events import AckReceived, HostChanged
from tests.support.samples import ADDRESS
from tests.support.signed import command, listed, to_bytes, watchlist
from tests.support.station import Gate

ACK, HOST = ADDRESS.topic("ack"), ADDRESS.host_state()
OTHER = "gh/v1/cancheng/liya-garden/gate-2"


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock)


def ack(**fields: Any) -> bytes:
    value = {"alert_id": "a-1", "stage": "received", "by": "desk 3", "at": "2026-11-21T08:00:00Z"}
    return json.dumps({**value, **fields}).encode()


@pytest.mark.parametrize("topic", [ACK, ADDRESS.topic("ack", drill=True)])
@pytest.mark.parametrize("stage", ["received", "seen", "handling", "closed"])
def test_every_stage_of_an_ack_empties_the_outbox_and_is_told(
    gate: Gate, topic: str, stage: str
) -> None:
    gate.hear(topic, ack(stage=stage))
    assert gate.acked == ["a-1"]
    (event,) = gate.events
    assert isinstance(event, AckReceived)
    assert (event.alert_id, event.stage, event.by) == ("a-1", stage, "desk 3")
    assert gate.control.malformed == 0


def test_an_ack_of_a_newer_station_may_say_more(gate: Gate) -> None:
    gate.hear(ACK, ack(priority=1, by=""))
    assert gate.acked == ["a-1"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        ack(stage="lost"),
        ack(stage=None),
        ack(alert_id=""),
        ack(alert_id=5),
        ack(alert_id="x" * 65),
        b'{"alert_id":"a-1","stage":"received","stage":"closed"}',
    ],
)
def test_what_is_no_ack_acks_nothing(gate: Gate, payload: bytes) -> None:
    gate.hear(ACK, payload)
    assert (gate.acked, gate.events) == ([], [])
    assert gate.control.malformed == 1


@pytest.mark.parametrize("online", [True, False])
def test_the_station_says_whether_it_listens(gate: Gate, online: bool) -> None:
    gate.hear(HOST, json.dumps({"online": online, "at": "x"}).encode(), retained=True)
    (event,) = gate.events
    assert isinstance(event, HostChanged)
    assert event.online is online
    assert gate.listens == [online]


def test_a_station_whose_word_is_overdue_is_told_as_not_listening(gate: Gate) -> None:
    gate.hear(HOST, b'{"online": true, "at": "x", "period_s": 30}', retained=True)
    gate.clock.advance(64.9)
    gate.control.time_passed()
    assert len(gate.events) == 1
    gate.clock.advance(0.2)
    gate.control.time_passed()
    (_, event) = gate.events
    assert isinstance(event, HostChanged)
    assert (event.online, event.reason) == (False, "not heard for too long")
    assert gate.listens == [True, False]


@pytest.mark.parametrize("period", ["0", "-1", "3601", '"30"', "1e400"])
def test_a_period_that_is_none_is_not_believed(gate: Gate, period: str) -> None:
    gate.hear(HOST, f'{{"online": true, "at": "x", "period_s": {period}}}'.encode())
    assert (gate.events, gate.control.malformed) == ([], 1)


def test_a_station_that_took_its_state_away_says_nothing(gate: Gate) -> None:
    gate.hear(HOST, b"", retained=True)
    assert (gate.events, gate.control.malformed) == ([], 0)


@pytest.mark.parametrize("payload", [b"{}", b'{"online": "yes"}', b'{"online": 1}', b"true"])
def test_a_state_that_is_no_state_is_not_believed(gate: Gate, payload: bytes) -> None:
    gate.hear(HOST, payload)
    assert (gate.events, gate.control.malformed) == ([], 1)


@pytest.mark.parametrize("drill", [False, True])
def test_a_command_is_done_and_answered_on_its_branch(gate: Gate, drill: bool) -> None:
    gate.hear(ADDRESS.topic("cmd", "rebirth", drill=drill), to_bytes(command(gate.clock)))
    assert gate.done == [{}]
    ((topic, body, retain),) = gate.published
    assert topic == ADDRESS.topic("result", drill=drill)
    assert (body["cmd_id"], body["outcome"]) == ("cmd-00000001", "done")
    assert body.get("status") == ("Exercise" if drill else None)
    assert retain is False


def test_a_refused_command_is_answered_with_the_reason(gate: Gate) -> None:
    made = to_bytes({**command(gate.clock), "args": {"more": 1}})
    gate.hear(ADDRESS.topic("cmd", "rebirth"), made)
    ((_, body, _),) = gate.published
    assert (body["outcome"], body["reason"], body["proof"]) == ("refused", "bad-signature", None)
    assert gate.done == []


def test_a_retained_command_is_refused_and_its_clearing_is_silent(gate: Gate) -> None:
    topic = ADDRESS.topic("cmd", "rebirth")
    gate.hear(topic, to_bytes(command(gate.clock)), retained=True)
    assert [body["reason"].split(":")[0] for _, body, _ in gate.published] == ["retained"]
    gate.hear(topic, b"", retained=True)
    assert len(gate.published) == 1


def test_a_watchlist_is_applied_and_reported(gate: Gate) -> None:
    data = watchlist(gate.clock, [listed(gate.clock)])
    gate.hear(ADDRESS.topic("desired", "watchlist"), data, retained=True)
    assert [row.entry_id for row in gate.watchlist.listing()] == ["w-1"]
    assert [applied.version for applied in gate.reported] == [1]
    assert gate.control.malformed == 0


def test_a_drills_watchlist_comes_by_the_drills_branch(gate: Gate) -> None:
    data = watchlist(gate.clock, [listed(gate.clock)], status="Exercise")
    gate.hear(ADDRESS.topic("desired", "watchlist", drill=True), data, retained=True)
    assert [row.status for row in gate.watchlist.listing()] == ["Exercise"]


def test_a_refused_watchlist_is_reported_with_what_stands(gate: Gate) -> None:
    topic = ADDRESS.topic("desired", "watchlist")
    gate.hear(topic, watchlist(gate.clock, [listed(gate.clock)], version=5), retained=True)
    gate.hear(topic, watchlist(gate.clock, [], version=4), retained=True)
    ((where, body, retain),) = gate.published
    assert (where, retain) == (ADDRESS.topic("reported", "watchlist"), True)
    assert body["version"] == 5
    assert body["hash"].startswith("sha256:")
    assert body["refused"] == "older-version: version 4 is not newer than 5"
    assert [row.entry_id for row in gate.watchlist.listing()] == ["w-1"]


def test_a_first_watchlist_that_is_refused_is_reported_over_nothing(gate: Gate) -> None:
    gate.hear(ADDRESS.topic("desired", "watchlist"), b"garbage", retained=True)
    ((_, body, _),) = gate.published
    assert {k: body[k] for k in ("version", "hash", "applied_at", "rejected")} == {
        "version": 0,
        "hash": "",
        "applied_at": None,
        "rejected": [],
    }
    assert body["refused"].startswith("malformed: ")


def test_a_refused_drill_is_not_reported_over_the_real_list(gate: Gate) -> None:
    data = watchlist(gate.clock, [listed(gate.clock)], version=5)
    gate.hear(ADDRESS.topic("desired", "watchlist"), data, retained=True)
    gate.hear(ADDRESS.topic("desired", "watchlist", drill=True), b"garbage")
    ((where, body, _),) = gate.published
    assert where == ADDRESS.topic("reported", "watchlist", drill=True)
    assert (body["version"], body["status"]) == (0, "Exercise")


@pytest.mark.parametrize("name", ["residents", "visitors", "plates", "profile", "roster"])
def test_documents_that_this_gate_does_not_keep_are_refused_aloud(gate: Gate, name: str) -> None:
    gate.hear(ADDRESS.topic("desired", name), b"{}", retained=True)
    ((where, body, _),) = gate.published
    assert where == ADDRESS.topic("reported", name)
    assert body["refused"] == f"unsupported: this gate keeps no '{name}'"


def test_a_document_that_nobody_knows_is_not_reported(gate: Gate) -> None:
    gate.hear(ADDRESS.topic("desired", "shopping"), b"{}", retained=True)
    assert (gate.published, gate.control.malformed) == ([], 1)


def test_an_emptied_document_leaves_what_stands(gate: Gate) -> None:
    topic = ADDRESS.topic("desired", "watchlist")
    gate.hear(topic, watchlist(gate.clock, [listed(gate.clock)]), retained=True)
    gate.hear(topic, b"", retained=True)
    assert [row.entry_id for row in gate.watchlist.listing()] == ["w-1"]
    assert gate.published == []


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gh",
        f"{OTHER}/ack",
        f"{OTHER}/cmd/rebirth",
        "gh/v1/elsewhere/host/state",
        ADDRESS.topic("state"),
        ADDRESS.topic("cmd"),
        ADDRESS.topic("cmd", "rebirth", "now", "more"),
        ADDRESS.topic("desired"),
        ADDRESS.base,
        ACK.upper(),
    ],
)
def test_what_is_not_for_us_is_counted_and_nothing_else(gate: Gate, topic: str) -> None:
    gate.hear(topic, ack())
    assert gate.control.malformed == 1
    assert (gate.acked, gate.events, gate.published, gate.done) == ([], [], [], [])


def test_a_fault_of_our_own_while_hearing_does_not_reach_the_link(gate: Gate) -> None:
    def broken(_: str) -> object:
        raise ZeroDivisionError

    gate.control._answers = replace(gate.control._answers, acked=broken)
    gate.hear(ACK, ack())
    assert gate.control.malformed == 1
