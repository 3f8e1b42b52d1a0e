"""Who the broker is and who we are: logins, certificates, access lists, taken identities."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.tools.broker import Broker, ServerTls
from tests.tools.certificates import Authority
from tests.tools.gate import WireGate
from tests.tools.messages import alert, message_id
from tests.tools.recorder import Recorder
from tests.tools.station import init_station, run_station, serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return init_station(tmp_path / "st")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_login_is_said_and_tried_again_later(
    tmp_path: Path, folder: Path, protocol: str
) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    login = ("--protocol", protocol, "--user", "station", "--password-file")
    with Broker(tmp_path, users={"station": "correct horse"}) as broker:
        with serving(folder, broker.address, *login, str(wrong)) as station:
            lost = station.wait_event("disconnected")
            assert "refuses us" in lost["reason"]
            assert "check the login" in lost["reason"]
            assert "battery" not in lost["reason"]
            station.wait_event("disconnected")
            station.signal(signal.SIGTERM)
            assert station.wait() == 0
        with serving(folder, broker.address, *login, str(right)) as station:
            station.wait_event("connected")


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("--broker", "192.0.2.1:1883"), "Plain text is accepted to a loopback address only"),
        (("--broker", "nowhere"), "is not HOST:PORT"),
        (("--broker", "127.0.0.1:1", "--user", "station"), "go together"),
        (("--broker", "127.0.0.1:1", "--ca", "none.pem"), "go together"),
    ],
)
def test_wrong_options_end_it_before_it_begins(
    folder: Path, args: tuple[str, ...], problem: str
) -> None:
    done = run_station("serve", "--dir", str(folder), *args)
    assert done.returncode == 78
    assert problem in done.stderr


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_tls_with_client_certificates(tmp_path: Path, folder: Path, protocol: str) -> None:
    authority = Authority(tmp_path)
    server, ours = authority.issue("broker"), authority.issue("cancheng.host")
    tls = ServerTls(authority.ca, server.cert, server.key)
    mine = ("--cert", str(ours.cert), "--key", str(ours.key), "--protocol", protocol)
    acl = "user cancheng.host\ntopic readwrite gh/v1/cancheng/#\n"
    with Broker(tmp_path, tls=tls, acl=acl) as broker:
        with serving(folder, broker.address, "--ca", str(authority.ca), *mine) as station:
            station.wait_event("connected")
        assert "as cancheng.host" in broker.log
        stranger = Authority(tmp_path, "another authority")
        with serving(folder, broker.address, "--ca", str(stranger.ca), *mine) as station:
            reason = station.wait_event("disconnected")["reason"]
            assert "certificate verify failed" in reason
        with serving(folder, broker.address) as station:
            assert station.wait_event("disconnected")["reason"]


def test_a_certificate_of_another_host_is_refused(tmp_path: Path, folder: Path) -> None:
    authority = Authority(tmp_path)
    server, ours = authority.issue("broker"), authority.issue("cancheng.host")
    tls = ServerTls(authority.ca, server.cert, server.key)
    pem = ("--ca", str(authority.ca), "--cert", str(ours.cert), "--key", str(ours.key))
    with Broker(tmp_path, tls=tls) as broker:
        with serving(folder, f"127.0.0.2:{broker.port}", *pem) as station:
            assert station.wait_event("disconnected")["reason"]
        with serving(folder, f"localhost:{broker.port}", *pem) as station:
            station.wait_event("connected")


def test_certificates_are_read_anew_at_every_connection(tmp_path: Path, folder: Path) -> None:
    authority = Authority(tmp_path)
    server, ours = authority.issue("broker"), authority.issue("cancheng.host")
    tls = ServerTls(authority.ca, server.cert, server.key)
    pem = ("--ca", str(authority.ca), "--cert", str(ours.cert), "--key", str(ours.key))
    whole = ours.cert.read_bytes()
    with Broker(tmp_path, tls=tls) as broker, serving(folder, broker.address, *pem) as station:
        station.wait_event("connected")
        ours.cert.write_bytes(b"half a file")
        broker.restart()
        station.wait_line(lambda line: "TLS files cannot be used" in line.get("reason", ""))
        ours.cert.write_bytes(whole)
        station.wait_event("connected")
    ours.cert.write_bytes(b"half a file")
    done = run_station("serve", "--dir", str(folder), "--broker", "127.0.0.1:1", *pem)
    assert done.returncode == 78
    assert "TLS files cannot be used" in done.stderr


def test_a_document_that_the_broker_refuses_is_not_called_sent(
    tmp_path: Path, folder: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    acl = (
        "user station\ntopic read gh/v1/cancheng/#\n"
        "topic write gh/v1/cancheng/host/state\ntopic write gh/v1/cancheng/+/+/alert\n"
    )
    login = ("--user", "station", "--password-file", str(password))
    with (
        Broker(tmp_path, users={"station": "correct horse"}, acl=acl) as broker,
        serving(folder, broker.address, *login) as station,
    ):
        station.wait_event("connected")
        signed = str(tmp_path / "signed.json")
        empty = tmp_path / "empty.yaml"
        empty.write_text("[]\n")
        place = ("--dir", str(folder))
        assert (
            run_station("sign", str(empty), "-o", signed, "--allow-empty", *place).returncode == 0
        )
        done = run_station("send", "liya-garden/gate-1", "watchlist", signed, *place)
        assert done.returncode == 69
        assert "the broker refused it: Not authorized" in done.stderr


def test_a_killed_station_is_said_to_be_gone(tmp_path: Path, folder: Path) -> None:
    with (
        Broker(tmp_path) as broker,
        Recorder(broker.host, broker.port, topic="gh/v1/cancheng/host/#") as recorder,
    ):
        with serving(folder, broker.address) as station:
            station.wait_event("connected")
            station.signal(signal.SIGKILL)
            station.wait()
        recorder.wait_last("host/state", b'"online":false')
        recorder.assert_contract()


def test_two_stations_of_one_name_do_not_storm(tmp_path: Path, folder: Path) -> None:
    twin = init_station(tmp_path / "twin")
    with (
        Broker(tmp_path) as broker,
        WireGate(broker.host, broker.port) as gate,
        serving(folder, broker.address) as first,
    ):
        first.wait_event("connected")
        with serving(twin, broker.address) as second:
            second.wait_event("connected")
            waits = [first.wait_event("disconnected")["retry_s"] for _ in range(2)]
            assert waits[0] <= 0.5 <= waits[1]
            second.signal(signal.SIGTERM)
            assert second.wait() == 0
        gate.publish("alert", alert(1))
        assert gate.wait_acks(1) == [message_id(1)]
