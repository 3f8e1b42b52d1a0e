"""How a gate becomes one of the station's: real commands, real port, a stick, and mischief."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.core.errors import CheckFailedError
from agent.files.tls import client_context, pinned_context
from agent.identity import enrolment
from agent.identity.request import make_key, make_request
from contract.join import HEADER_BYTES, MAX_QUESTION_BYTES, read_token
from station.trust.port import CALL_S, MAX_CALLERS
from tests.tools.site_config import SITE, STATION
from tests.tools.trusted import TrustedGate, TrustedStation

NUMBERS = count(1)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustedStation]:
    with TrustedStation(tmp_path_factory.mktemp("trusted")) as made:
        yield made.start()


@pytest.fixture
def gate(station: TrustedStation) -> TrustedGate:
    return station.gate(f"gate-{next(NUMBERS)}")


def about(rows: list[dict[str, Any]], gate: TrustedGate) -> list[dict[str, Any]]:
    return [row for row in rows if row["gate"] == gate.address.client_id]


def tokens(station: TrustedStation, gate: TrustedGate) -> list[dict[str, Any]]:
    return about(station.run("token", "--list")["tokens"], gate)


def test_a_gate_joins_with_a_token_and_both_sides_show_the_same(
    station: TrustedStation, gate: TrustedGate
) -> None:
    made = gate.command("init")
    told = gate.command("join", station.token(gate.node, "--area", "west"))
    assert told["fingerprint"] == made["fingerprint"]
    assert told["authority"] == station.told["authority"]
    (row,) = about(station.run("gates")["gates"], gate)
    assert row["fingerprint"] == made["fingerprint"]
    assert row["areas"] == told["areas"] == ["west"]
    (event,) = about(station.events("enrolled"), gate)
    assert event["fingerprint"] == made["fingerprint"]
    gate.start()
    gate.ask("sim", verb="press", name="panic-1", for_s=0.2)
    station.until(station.stored)
    gate.delivered()


def test_the_configuration_is_completed_and_the_key_stays_private(
    station: TrustedStation, gate: TrustedGate
) -> None:
    before = yaml.safe_load(gate.config_path.read_text("utf-8"))
    gate.join()
    after = yaml.safe_load(gate.config_path.read_text("utf-8"))
    assert after["inputs"] == before["inputs"]
    assert after["link"]["brokers"][0]["port"] == station.port
    assert after["link"]["enrolment"] == [{"host": "127.0.0.1", "port": station.enrol_port}]
    assert after["link"]["heartbeat_s"] == before["link"]["heartbeat_s"]
    assert after["node"]["trusted_keys"] == str(gate.identity.trusted_keys)
    files = [path for path in gate.identity.folder.iterdir() if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {path.name for path in files} == {"gate.pem", "ca.pem", "trusted-keys.json"}
    assert stat.S_IMODE(gate.identity.folder.stat().st_mode) == 0o700
    pem = gate.identity.gate.read_text("ascii")
    body = pem.split("BEGIN PRIVATE KEY-----")[1].split("-----END")[0]
    raw = base64.b64decode("".join(body.split()))
    for path in station.folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert raw not in data
        assert body.split()[0].encode() not in data


def test_a_second_use_is_refused_at_the_same_gate_and_at_another(
    station: TrustedStation, gate: TrustedGate
) -> None:
    token = station.token(gate.node)
    gate.command("init")
    gate.command("join", token)
    assert "has joined already" in gate.command("join", token, code=1)["error"]
    gate.command("init", "--again")
    assert "used already" in gate.command("join", token, code=1)["error"]
    thief = TrustedGate(station, gate.folder.parent / "thief", gate.node, {})
    thief.command("init")
    assert "used already" in thief.command("join", token, code=1)["error"]
    assert not thief.identity.gate.exists()
    (row,) = tokens(station, gate)
    assert row["state"] == "used"


def test_a_token_is_for_one_gate(station: TrustedStation, gate: TrustedGate) -> None:
    gate.command("init")
    other = station.token("gate-99")
    error = gate.command("join", other, code=1)["error"]
    assert "is for cancheng.liya-garden.gate-99" in error
    secret = base64.b64encode(read_token(other).secret).decode()
    authority = station.trust.files.authority.read_text("ascii")
    request = make_request(make_key(), gate.address).decode()
    question = {"op": "join", "secret": secret, "request": request}
    with pytest.raises(CheckFailedError, match=r"not of cancheng\.liya-garden\.gate-99"):
        enrolment.ask(station.enrolment, pinned_context(authority), question)


def test_withdrawn_old_and_damaged_tokens(station: TrustedStation, gate: TrustedGate) -> None:
    gate.command("init")
    token = station.token(gate.node)
    (row,) = tokens(station, gate)
    station.run("token", "--revoke", row["id"])
    assert "withdrawn" in gate.command("join", token, code=1)["error"]
    short = station.token(gate.node, "--hours", "0.00001")
    assert "too old" in gate.command("join", short, code=1)["error"]
    assert "damaged" in gate.command("join", token[:-6], code=1)["error"]
    assert "no join token" in gate.command("join", "hello", code=1)["error"]
    assert not gate.identity.gate.exists()


def test_nothing_is_asked_while_the_configuration_could_not_be_used(
    station: TrustedStation, gate: TrustedGate
) -> None:
    token = station.token(gate.node)
    gate.command("init")
    whole = gate.config_path.read_text("utf-8")
    gate.config_path.write_text(whole.replace("pin_factory: mock", "pin_factory: wood"), "utf-8")
    assert "pin_factory" in gate.command("join", token, code=78)["error"]
    gate.config_path.write_text(whole.replace(f"node: {gate.node}", "node: gate-98"), "utf-8")
    assert "gate-98" in gate.command("join", token, code=1)["error"]
    gate.config_path.write_text(whole, "utf-8")
    assert about(station.events("enrolled"), gate) == []
    gate.command("join", token)


def test_by_stick_without_a_network(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    with TrustedStation(tmp_path) as station:
        gate = station.gate("gate-1")
        made = gate.command("init", "--csr-to", stick)
        request = stick / f"{STATION}.{SITE}.gate-1.csr"
        assert b"PRIVATE" not in request.read_bytes()
        told = station.run("enrol", "--request", request, code=1)
        assert "not confirmed" in told["error"]
        signed = station.run("enrol", "--request", request, "--fingerprint", made["fingerprint"])
        assert "not confirmed" in gate.command("join", "--from", stick, code=1)["error"]
        seen = ("--fingerprint", signed["authority"])
        told = gate.command("join", "--from", stick, *seen)
        assert told["fingerprint"] == made["fingerprint"]
        assert not told["confirmed"]
        station.start()
        gate.start()
        station.until(lambda: station.events("confirmed"))
        gate.ask("sim", verb="press", name="panic-1", for_s=0.2)
        station.until(station.stored)


def test_by_stick_with_a_token(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    with TrustedStation(tmp_path) as station:
        gate, token = station.gate("gate-1"), station.token("gate-1")
        gate.command("init", "--csr-to", stick)
        request = stick / f"{STATION}.{SITE}.gate-1.csr"
        wrong = station.token("gate-2")
        assert (
            "is for"
            in station.run("enrol", "--request", request, "--token", wrong, code=1)["error"]
        )
        station.run("enrol", "--request", request, "--token", token)
        again = station.run("enrol", "--request", request, "--token", token, code=1)
        assert "used already" in again["error"]
        gate.command("join", token, "--from", stick)
        assert gate.identity.gate.exists()


def test_papers_of_another_station_are_not_taken(tmp_path: Path) -> None:
    stick, other = tmp_path / "stick", tmp_path / "other"
    stick.mkdir()
    other.mkdir()
    with TrustedStation(tmp_path) as station, TrustedStation(other) as false:
        gate, token = station.gate("gate-1"), station.token("gate-1")
        made = gate.command("init", "--csr-to", stick)
        request = stick / f"{STATION}.{SITE}.gate-1.csr"
        false.run("enrol", "--request", request, "--fingerprint", made["fingerprint"])
        error = gate.command("join", token, "--from", stick, code=1)["error"]
        assert "another station" in error
        assert not gate.identity.gate.exists()


def test_a_lost_answer_costs_nothing(station: TrustedStation, gate: TrustedGate) -> None:
    """The gate's call is cut after the station signed: the same gate joins with the same token."""
    text = station.token(gate.node)
    gate.command("init")
    enrolment.join(read_token(text), gate.identity.pending_request.read_bytes())
    assert tokens(station, gate)[0]["state"] == "not confirmed"
    gate.command("join", text)
    assert tokens(station, gate)[0]["state"] == "used"


def test_a_new_box_takes_over_and_the_old_one_is_out(
    station: TrustedStation, gate: TrustedGate
) -> None:
    gate.join()
    kept = gate.folder / "old"
    shutil.copytree(gate.identity.folder, kept)
    gate.command("init", "--again")
    gate.command("join", station.token(gate.node))
    context = client_context(kept / "ca.pem", kept / "gate.pem", kept / "gate.pem")
    with pytest.raises(CheckFailedError, match="revoked"):
        enrolment.renew(station.enrolment, context, make_request(make_key(), gate.address))


# -- mischief at the port -------------------------------------------------------------------------


def test_slow_and_silent_callers_are_cut_off_and_others_are_served(
    station: TrustedStation,
) -> None:
    place, pin = station.enrolment, station.trust.authority.pin
    many = MAX_CALLERS + 8
    with ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection((place.host, place.port)))
            for _ in range(many)
        ]
        began = time.monotonic()
        enrolment.fetch_authority(place, pin)
        assert time.monotonic() - began < 1.5 * CALL_S
        idle[0].settimeout(CALL_S)
        assert idle[0].recv(1) == b""
    assert any(event["reason"] == "too slow" for event in station.events("enrolment-refused"))


@pytest.mark.parametrize(
    "sent",
    [
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n",
        (MAX_QUESTION_BYTES + 1).to_bytes(HEADER_BYTES, "big") + b"{}",
        b"\0\0\0\2[]",
        b"\0\0\0\2\xff\xff",
        b"\0\0\0\x0d" + b'{"a":1,"a":2}',
        b"\0\0\x40\0" + b"[" * 16384,
    ],
)
def test_what_is_no_question_ends_that_call_only(station: TrustedStation, sent: bytes) -> None:
    context = pinned_context(station.trust.files.authority)
    place = station.enrolment
    with (
        socket.create_connection((place.host, place.port), 5) as plain,
        context.wrap_socket(plain, server_hostname=place.host) as wire,
    ):
        wire.sendall(sent)
        try:
            answer = wire.recv(1)
        except OSError:
            answer = b""
    assert answer == b""
    enrolment.fetch_authority(place, station.trust.authority.pin)
    assert station.program.running


def test_plain_text_is_not_answered(station: TrustedStation) -> None:
    place = (station.enrolment.host, station.enrolment.port)
    with socket.create_connection(place, 5) as plain:
        plain.sendall(json.dumps({"op": "authority"}).encode())
        assert b"BEGIN CERTIFICATE" not in plain.recv(4096)
    refused = station.until(lambda: station.events("enrolment-refused"))
    assert refused
