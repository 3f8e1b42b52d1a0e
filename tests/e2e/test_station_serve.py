"""``station serve`` against a real broker: store, then ack, whatever dies in between."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tools.broker import Broker
from tests.tools.gate import WireGate
from tests.tools.messages import GATE, alert, beat, body, fact, message_id, state
from tests.tools.recorder import Recorder
from tests.tools.station import Process, init_station, serving

PROTOCOLS = ["5", "3.1.1"]

DIES_BEFORE_ACK = """
import os, signal
import station.mqtt as mqtt
publish = mqtt.Link.publish
def dying(self, message):
    if message.topic.endswith("/ack"):
        os.kill(os.getpid(), signal.SIGKILL)
    return publish(self, message)
mqtt.Link.publish = dying
from station.cli import main
main()
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return init_station(tmp_path / "st")


def stored(folder: Path, columns: str = "id, copies") -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / "station.db")
    try:
        query = f"SELECT {columns} FROM messages ORDER BY n"  # noqa: S608 - columns are ours
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_alert_is_stored_then_acked(broker: Broker, folder: Path, protocol: str) -> None:
    with (
        Recorder(broker.host, broker.port) as recorder,
        serving(folder, broker.address, "--protocol", protocol) as station,
        WireGate(broker.host, broker.port, five=protocol == "5") as gate,
    ):
        station.wait_event("connected")
        gate.publish("state", state(), retain=True)
        gate.publish("hb", beat(), qos=0)
        gate.publish("alert", alert(1))
        gate.publish("event", fact(1))
        gate.publish("drill/alert", alert(2, ghstatus="Exercise"))
        assert gate.wait_acks(2) == [message_id(1), str(fact(1)["id"])]
        assert gate.wait_acks(1, branch="drill/ack") == [message_id(2)]
        assert len(stored(folder)) == 3
        gate.publish("alert", alert(1, replayed=True))
        assert gate.wait_acks(3)[-1] == message_id(1)
        assert stored(folder)[0] == (message_id(1), 2)
        station.signal(signal.SIGTERM)
        assert station.wait() == 0
    recorder.assert_contract()
    said = [json.loads(m.payload)["online"] for m in recorder.on("host/state")]
    assert said == [True, False]


def test_killed_between_store_and_ack(broker: Broker, folder: Path) -> None:
    dying = [sys.executable, "-c", DIES_BEFORE_ACK]
    args = ["serve", "--dir", str(folder), "--broker", broker.address, "--json"]
    with WireGate(broker.host, broker.port) as gate, Recorder(broker.host, broker.port) as recorder:
        with Process(args, command=dying) as station:
            station.wait_event("connected")
            gate.publish("alert", alert(1))
            assert station.wait() == -signal.SIGKILL
        assert stored(folder) == [(message_id(1), 1)]
        assert gate.acks() == []
        recorder.wait_last("host/state", b'"online":false')
        with serving(folder, broker.address) as station:
            station.wait_event("connected")
            gate.publish("alert", alert(1, replayed=True))
            assert set(gate.wait_acks(2)) == {message_id(1)}
    ((stored_id, copies),) = stored(folder)
    assert stored_id == message_id(1)
    assert copies == 3, "stored once, then redelivered by the broker and resent by the gate"
    recorder.assert_contract()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_alerts_sent_while_the_station_is_down(broker: Broker, folder: Path, protocol: str) -> None:
    with serving(folder, broker.address, "--protocol", protocol) as station:
        station.wait_event("connected")
        station.signal(signal.SIGINT)
        assert station.wait() == 0
    with WireGate(broker.host, broker.port) as gate:
        for number in range(1, 301):
            gate.publish("alert", alert(number))
        assert gate.acks() == []
        with serving(folder, broker.address, "--protocol", protocol):
            assert gate.wait_acks(300) == [message_id(n) for n in range(1, 301)]
    assert [row[0] for row in stored(folder, "seq")] == list(range(1, 301))


def test_acks_keep_pace_with_a_flood_although_the_broker_takes_few_at_once(
    broker: Broker, folder: Path
) -> None:
    with serving(folder, broker.address) as station:
        station.wait_event("connected")
        station.signal(signal.SIGINT)
        assert station.wait() == 0
    with WireGate(broker.host, broker.port) as gate:
        for number in range(1, 2001):
            gate.publish("alert", alert(number))
        with serving(folder, broker.address):
            gate.wait_acks(200)
            assert len(stored(folder)) < 1500, "the first acks waited for the last alarms"
            assert len(gate.wait_acks(2000, timeout_s=60)) == 2000
    assert len(stored(folder)) == 2000


@pytest.mark.parametrize("kill", [False, True])
def test_the_broker_restarts(broker: Broker, folder: Path, *, kill: bool) -> None:
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
    ):
        station.wait_event("connected")
        gate.publish("alert", alert(1))
        gate.wait_acks(1)
        broker.restart(kill=kill)
        assert "went away" in station.wait_event("disconnected")["reason"]
        station.wait_event("connected")
        with WireGate(broker.host, broker.port, base=f"{GATE}9") as other:
            other.publish("alert", alert(2, source=f"{GATE}9"))
            assert other.wait_acks(1) == [message_id(2)]
    assert len(stored(folder)) == 2


def test_reconnecting_leaks_nothing(broker: Broker, folder: Path) -> None:
    with serving(folder, broker.address) as station:
        station.wait_event("connected")
        open_files = []
        for _ in range(3):
            broker.restart(kill=True)
            station.wait_event("connected")
            open_files.append(psutil.Process(station.process.pid).num_fds())
    assert len(set(open_files)) == 1


def test_a_broker_that_comes_later(broker: Broker, folder: Path) -> None:
    broker.stop()
    with serving(folder, broker.address) as station:
        lost = station.wait_event("disconnected")
        assert "not reachable" in lost["reason"]
        assert 0 < lost["retry_s"] <= 15
        broker.start()
        station.wait_event("connected")


HOSTILE = [
    ("alert", b""),
    ("alert", b"\xff\xfe\x00"),
    ("alert", b"[" * 200_000),
    ("alert", b"{" * 7000),
    ("alert", b'{"a":1e999}'),
    ("alert", b'{"id":"\\ud800"}'),
    ("alert", b"x" * 600_000),
    ("alert", body(alert(1, type="com.example.lunch"))),
    ("alert", body(alert(1, seq=1 << 70))),
    ("alert", body(alert(1, source="gh/v1/cancheng/liya-garden/gate-2"))),
    ("event", body(beat())),
    ("state", b"offline"),
    ("hb", body(beat(period_s=0))),
    ("meta", b"{}"),
    ("result", b"17"),
    ("reported/watchlist", b"null"),
    ("evidence/x/1", b"MZ"),
]


def test_no_payload_stops_it_and_none_of_these_is_acked(broker: Broker, folder: Path) -> None:
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
    ):
        station.wait_event("connected")
        for rest, payload in HOSTILE:
            gate.publish(rest, payload)
        for _, _ in HOSTILE:
            assert station.wait_event("malformed")["about"]
        gate.publish("alert", alert(9))
        assert gate.wait_acks(1) == [message_id(9)]
    assert stored(folder) == [(message_id(9), 1)]


def test_a_wild_clock_and_a_newer_gate_are_stored(broker: Broker, folder: Path) -> None:
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
    ):
        station.wait_event("connected")
        gate.publish("alert", alert(1, utc="0001-01-01T00:00:00Z"))
        gate.publish("alert", alert(2, utc="9999-12-31T23:59:59Z"))
        gate.publish("alert", alert(3, type="gatehouse.alert.flood", later="field"))
        gate.wait_acks(3)
    assert [row[0] for row in stored(folder, "kind")] == ["panic", "panic", "flood"]


def test_a_full_disk_is_said_and_survived(broker: Broker, folder: Path) -> None:
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
        Recorder(broker.host, broker.port, topic="gh/v1/cancheng/host/#") as recorder,
    ):
        station.wait_event("connected")
        gate.publish("alert", alert(1))
        gate.wait_acks(1)
        limits = psutil.Process(station.process.pid)
        before = limits.rlimit(psutil.RLIMIT_FSIZE)
        limits.rlimit(psutil.RLIMIT_FSIZE, (4096, before[1]))
        gate.publish("alert", alert(2))
        station.wait_event("store-failed")
        recorder.wait_last("host/state", b'"online":false')
        assert gate.acks() == [message_id(1)]
        limits.rlimit(psutil.RLIMIT_FSIZE, before)
        station.wait_event("store-works")
        assert gate.wait_acks(2) == [message_id(1), message_id(2)]
        recorder.wait_last("host/state", b'"online":true')
    assert [row[0] for row in stored(folder)] == [message_id(1), message_id(2)]


def test_two_stations_in_one_folder(broker: Broker, folder: Path) -> None:
    with serving(folder, broker.address) as station:
        station.wait_event("connected")
        with serving(folder, broker.address) as second:
            assert "in use by process" in second.wait_line(lambda line: "error" in line)["error"]
            assert second.wait() == 1
