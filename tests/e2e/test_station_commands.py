"""What people at the station type: init, ack, sign, send, watch, with a real broker behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.signing import content_hash, is_signed_by, read_trusted_keys
from contract.words import Role
from tests.tools.broker import Broker
from tests.tools.gate import WireGate
from tests.tools.messages import GATE, OTHER_GATE, alert, beat, fact, message_id, meta, state
from tests.tools.recorder import Recorder
from tests.tools.station import Process, init_station, run_station, serving

LIST = """\
- entry_id: W-1
  list: wanted
  authority: County public security bureau
  case_reference: 2026-0451
  legal_basis: Order of 2026-11-18
  category: theft series
  approvers: [duty-officer, shift-lead]
  not_before: 2026-11-20T00:00:00Z
  expires_at: {expires_at}
  instruction: 不要拦截，请联系值班警官
  photos: [one.jpg]
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return init_station(tmp_path / "st")


def write_list(folder: Path, expires_at: str = "2027-01-20T00:00:00Z", photo: int = 500) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "one.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(photo))
    path = folder / "list.yaml"
    path.write_text(LIST.format(expires_at=expires_at), encoding="utf-8")
    return str(path)


def said(*args: str) -> tuple[int, dict[str, Any]]:
    done = run_station(*args, "--json")
    return done.returncode, json.loads(done.stdout)


def test_init_tells_what_to_give_to_the_gates(tmp_path: Path) -> None:
    folder = tmp_path / "st"
    done = run_station("init", "--dir", str(folder), "--id", "cancheng")
    assert done.returncode == 0
    trusted = folder / "trusted-keys.json"
    assert str(trusted) in done.stdout
    for key in json.loads(trusted.read_bytes())["keys"].values():
        assert key in done.stdout
    code, again = said("init", "--dir", str(folder), "--id", "cancheng")
    assert code == again["exit_code"] == 1
    assert "nothing was changed" in again["error"]
    assert run_station("init", "--dir", str(tmp_path / "x"), "--id", "No Id").returncode == 78
    assert run_station("init", "--dir", str(tmp_path / "x")).returncode == 2


def test_a_person_acks(broker: Broker, folder: Path) -> None:
    place = ("--dir", str(folder), "--by", "duty-officer")
    with (
        Recorder(broker.host, broker.port) as recorder,
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
    ):
        station.wait_event("connected")
        gate.publish("alert", alert(1))
        gate.wait_acks(1)
        code, told = said("ack", message_id(1)[:-2], "--stage", "seen", *place)
        assert (code, told["stage"], told["changed"]) == (0, "seen", True)
        assert gate.wait_acks(1, stage="seen") == [message_id(1)]
        assert said("ack", message_id(1), "--stage", "closed", *place)[0] == 0
        code, told = said("ack", message_id(1), "--stage", "handling", *place)
        assert code == 1
        assert "does not go back" in told["error"]
        code, told = said("ack", message_id(1), "--stage", "closed", *place)
        assert (code, told["changed"]) == (0, False)
        assert said("ack", message_id(2), "--stage", "seen", *place)[0] == 1
        assert run_station("ack", "x", "--stage", "received", *place).returncode == 2
        assert gate.wait_acks(1, stage="closed") == [message_id(1)]
    recorder.assert_contract()


def test_an_ack_waits_for_serve(broker: Broker, folder: Path) -> None:
    with WireGate(broker.host, broker.port) as gate:
        with serving(folder, broker.address) as station:
            station.wait_event("connected")
            gate.publish("alert", alert(1))
            gate.wait_acks(1)
        done = run_station(
            "ack", message_id(1), "--dir", str(folder), "--stage", "seen", "--by", "duty-officer"
        )
        assert done.returncode == 69
        assert "will be sent when 'gatehouse station serve' runs" in done.stderr
        assert gate.acks("seen") == []
        with serving(folder, broker.address) as station:
            station.wait_event("sent")
            assert gate.wait_acks(1, stage="seen") == [message_id(1)]


def test_sign_then_send(broker: Broker, folder: Path, tmp_path: Path) -> None:
    entries = write_list(tmp_path / "in")
    out = tmp_path / "signed.json"
    code, told = said("sign", entries, "-o", str(out), "--dir", str(folder))
    assert (code, told["version"], told["entries"], told["sendable"]) == (0, 1, 1, True)
    document = json.loads(out.read_bytes())
    trusted = read_trusted_keys((folder / "trusted-keys.json").read_bytes())
    assert is_signed_by(document, trusted.keys[Role.WATCHLIST])
    assert told["hash"] == content_hash(document)
    drill = tmp_path / "drill.json"
    args = ("-o", str(drill), "--dir", str(folder), "--exercise", "--node", "liya-garden/gate-1")
    assert said("sign", entries, *args)[1]["version"] == 2
    with serving(folder, broker.address) as station:
        station.wait_event("connected")
        for file in (out, drill):
            send = ("send", "liya-garden/gate-1", "watchlist", str(file), "--dir", str(folder))
            assert said(*send)[0] == 0
        away = ("send", "no3-school/gate-2", "watchlist", str(drill), "--dir", str(folder))
        assert said(*away)[0] == 1
    with Recorder(broker.host, broker.port) as late:
        seen = late.wait_for(lambda found: sum("desired" in m.topic for m in found) == 2)
    bodies = {m.topic: m.payload for m in seen if "desired" in m.topic}
    assert bodies[f"{GATE}/desired/watchlist"] == out.read_bytes()
    assert bodies[f"{GATE}/drill/desired/watchlist"] == drill.read_bytes()
    late.assert_contract()


def test_sign_names_every_problem_and_uses_no_version(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "signed.json"
    bad = write_list(tmp_path / "in", expires_at="2028-01-01T00:00:00Z")
    done = run_station("sign", bad, "-o", str(out), "--dir", str(folder))
    assert done.returncode == 1
    assert "W-1: expires_at: is more than 90 days after not_before" in done.stderr
    assert not out.exists()
    large = write_list(tmp_path / "in", photo=300_000)
    code, told = said("sign", large, "-o", str(out), "--dir", str(folder))
    assert (code, told["version"], told["sendable"]) == (0, 1, False)
    send = ("send", "liya-garden/gate-1", "watchlist", str(out), "--dir", str(folder))
    assert "import the file at the gate" in said(*send)[1]["error"]
    empty = tmp_path / "empty.yaml"
    empty.write_text("[]\n")
    args = (str(empty), "-o", str(out), "--dir", str(folder))
    assert said("sign", *args)[0] == 1
    assert said("sign", *args, "--allow-empty")[1]["version"] == 2


def test_watch_prints_a_line_for_every_change(broker: Broker, folder: Path) -> None:
    place = ["--dir", str(folder), "--json"]
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
        Process(["watch", *place]) as watch,
    ):
        assert watch.wait_event("watching")["event"] == "watching"
        station.wait_event("connected")
        gate.publish("state", state(), retain=True)
        gate.publish("alert", alert(1))
        line = watch.wait_event("alert")
        assert (line["id"], line["source"], line["kind"]) == (message_id(1), GATE, "panic")
        assert (line["stage"], line["status"]) == ("received", "Actual")
        assert line["text"]["zh"] == "北门紧急按钮触发"
        assert isinstance(line["latency_ms"], int)
        gate.publish("event", fact(1))
        assert watch.wait_event("fact")["kind"] == "access.granted"
        gate.publish("alert", alert(4))
        assert watch.wait_event("alert")["seq"] == 4
        gaps = watch.wait_line(lambda found: found["event"] == "gate" and found["missing"] != [])
        assert gaps["missing"] == [[2, 3]]
        gate.publish("alert", b"")
        assert watch.wait_event("malformed")["problems"] == ["is empty"]
        ack = ("--stage", "handling", "--by", "duty-officer", "--dir", str(folder))
        assert said("ack", message_id(4), *ack)[0] == 0
        assert watch.wait_event("ack")["stage"] == "handling"
        station.signal(signal.SIGTERM)
        line = watch.wait_event("host")
        assert (line["listening"], line["reason"]) == (False, "stopped")


def test_watch_once_shows_the_present(broker: Broker, folder: Path) -> None:
    with (
        serving(folder, broker.address) as station,
        WireGate(broker.host, broker.port) as gate,
        WireGate(broker.host, broker.port, base=OTHER_GATE) as other,
    ):
        station.wait_event("connected")
        gate.publish("meta", meta(), retain=True)
        gate.publish("state", state(), retain=True)
        gate.publish("hb", beat(), qos=0)
        other.publish("drill/alert", alert(1, source=OTHER_GATE, ghstatus="Exercise"))
        gate.publish("alert", alert(1))
        gate.wait_acks(1)
        text = run_station("watch", "--once", "--dir", str(folder)).stdout
        chinese = run_station("watch", "--once", "--lang", "zh", "--dir", str(folder)).stdout
        code, board = said("watch", "--once", "--dir", str(folder))
    for part in ("listening", "Panic button", "DRILL", "Liya Garden", "no3-school/gate-2"):
        assert part in text
    for part in ("正在接收", "紧急按钮", "演练", "丽雅花园北门", "在线"):
        assert part in chinese
    assert "\x1b" not in text
    assert (code, board["listening"], board["alerts_total"]) == (0, True, 2)
    assert {g["source"]: g["state"] for g in board["gates"]}[GATE] == "online"


def test_a_folder_without_a_station_is_a_configuration_error(tmp_path: Path) -> None:
    for args in (["watch", "--once"], ["serve", "--broker", "127.0.0.1:1"]):
        done = run_station(*args, "--dir", str(tmp_path / "none"))
        assert done.returncode == 78
        assert "station init" in done.stderr
