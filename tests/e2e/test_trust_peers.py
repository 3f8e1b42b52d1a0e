"""Peers that are not who they should be: refused in both directions, with a sentence why.

Real mosquitto and the real enrolment port on one side, the agent's and the station's own
connections on the other. There is no fallback: not to less checking, not to plain text.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError, UnreachableError
from agent.files.tls import client_context
from agent.identity import enrolment
from agent.link.mqtt import Connection
from agent.link.session import LinkFault, Protocol
from agent.link.target import ConnectError, Handlers, Target, Will
from station.mqtt import Link
from station.options import Broker as BrokerOptions
from station.options import Tls
from station.trust.authority import make_authority
from station.trust.files import public_pem
from station.trust.port import server_context
from station.values import Publish
from tests.support.trust import NOW, request_of
from tests.tools.broker import HOST, Broker, ServerTls
from tests.tools.broker_trusted import TrustedBroker, member
from tests.tools.false_port import answering, listening
from tests.tools.impostors import bad_client, bad_server
from tests.tools.trusted import TrustedStation

GATE = "cancheng.liya-garden.gate-1"
SERVERS = {
    "expired": "certificate has expired",
    "future": "certificate is not yet valid",
    "foreign": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate",
    "wrong-name": "IP address mismatch",
    "gate": "unsuitable certificate purpose",
}
CLIENTS = {
    "expired": "our certificate has expired",
    "future": "refuses our certificate",
    "foreign": "does not know the authority",
    "self-signed": "does not know the authority",
    "server": "our certificate is for another purpose",
}
PROTOCOLS: tuple[Protocol, ...] = ("5", "3.1.1")


async def agent_connects(port: int, context: ssl.SSLContext | None, protocol: Protocol) -> None:
    """The agent's own way to a broker; ConnectError says what stood in the way."""
    target = Target(HOST, port, protocol, GATE, 30, 3.0, 60, tls=context)
    handlers = Handlers(lambda _: None, lambda: None, lambda _f, _t: None)
    connection = Connection(target, Will("gh/v1/x", b"{}"), handlers)
    await connection.open()
    connection.close(graceful=True)


def agent_refused(port: int, context: ssl.SSLContext | None, protocol: Protocol) -> ConnectError:
    with pytest.raises(ConnectError) as raised:
        asyncio.run(agent_connects(port, context, protocol))
    return raised.value


def station_connects(port: int, tls: Tls, protocol: Protocol) -> None:
    broker = BrokerOptions(HOST, port, "cancheng.host", protocol, tls=tls, timeout_s=3.0)
    link = Link(broker, Publish("gh/v1/cancheng/host/state", b"{}"), lambda: 0)
    link.open([], lambda: False)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TrustedBroker]:
    with TrustedBroker(tmp_path, [member("liya-garden", "gate-1")]) as made:
        yield made


# -- a broker that is not ours --------------------------------------------------------------------


@pytest.mark.parametrize("fault", SERVERS)
def test_agent_and_station_refuse_a_false_broker(
    tmp_path: Path, broker: TrustedBroker, fault: str
) -> None:
    file = bad_server(tmp_path, broker.authority, fault)
    ours = broker.bearer(GATE).pem
    ca = broker.files.authority
    with Broker(tmp_path, tls=ServerTls(ca, file, file)) as false:
        for protocol in PROTOCOLS:
            error = agent_refused(false.port, client_context(ca, ours, ours), protocol)
            assert error.fault is LinkFault.TLS
            assert SERVERS[fault] in str(error)
            with pytest.raises(UnreachableError, match="TLS with the broker") as raised:
                station_connects(false.port, Tls(ca, ours, ours), protocol)
            assert SERVERS[fault] in str(raised.value)
        assert "New client connected" not in false.log


def test_the_same_with_nothing_wrong_connects(tmp_path: Path, broker: TrustedBroker) -> None:
    file = bad_server(tmp_path, broker.authority, "none")
    ours, ca = broker.bearer(GATE).pem, broker.files.authority
    with Broker(tmp_path, tls=ServerTls(ca, file, file)) as other:
        for protocol in PROTOCOLS:
            asyncio.run(agent_connects(other.port, client_context(ca, ours, ours), protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_is_never_given_up_for_plain_text(
    tmp_path: Path, broker: TrustedBroker, protocol: Protocol
) -> None:
    context = broker.context(broker.bearer(GATE))
    with Broker(tmp_path) as plain:
        error = agent_refused(plain.port, context, protocol)
        assert error.fault in (LinkFault.TLS, LinkFault.UNREACHABLE)
        assert "New client connected" not in plain.log
    error = agent_refused(broker.port, None, protocol)
    assert error.fault in (LinkFault.CLOSED, LinkFault.UNREACHABLE)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_older_than_1_2_is_refused_by_all(tmp_path: Path, broker: TrustedBroker) -> None:
    old = ssl.TLSVersion.TLSv1_1
    file = bad_server(tmp_path, broker.authority, "none")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.set_ciphers("ALL:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = old
    server.load_cert_chain(str(file))
    with listening(server) as port:
        ours = broker.bearer(GATE)
        error = agent_refused(port, broker.context(ours), "5")
        assert "speaks no TLS that we accept" in str(error)
    client = broker.context(ours)
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    client.maximum_version = old
    assert "PROTOCOL_VERSION" in _handshake_fault(broker.port, client)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _handshake_fault(broker.port, client) == "TLSv1.2"


# -- a gate that is not ours ----------------------------------------------------------------------


@pytest.mark.parametrize("fault", CLIENTS)
def test_the_broker_refuses_a_false_gate_and_the_gate_says_why(
    tmp_path: Path, broker: TrustedBroker, fault: str
) -> None:
    file = bad_client(tmp_path, broker.authority, GATE, fault)
    context = client_context(broker.files.authority, file, file)
    for protocol in PROTOCOLS:
        error = agent_refused(broker.port, context, protocol)
        assert error.fault is LinkFault.TLS
        assert CLIENTS[fault] in str(error)
        with pytest.raises(UnreachableError) as raised:
            station_connects(broker.port, Tls(broker.files.authority, file, file), protocol)
        assert CLIENTS[fault] in str(raised.value)
    assert f"as {GATE}" not in broker.log


def test_the_broker_refuses_who_shows_nothing(broker: TrustedBroker) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(broker.files.authority))
    error = agent_refused(broker.port, context, "5")
    assert error.fault is LinkFault.TLS
    assert "wants a certificate from us" in str(error)


# -- the enrolment port ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", CLIENTS)
def test_the_enrolment_port_renews_nothing_for_a_false_gate(tmp_path: Path, fault: str) -> None:
    with TrustedStation(tmp_path) as station:
        station.start()
        trust = station.trust
        file = bad_client(tmp_path, trust.authority, GATE, fault)
        context = client_context(trust.files.authority, file, file)
        with pytest.raises(CheckFailedError) as raised:
            enrolment.renew(station.enrolment, context, request_of())
        assert CLIENTS[fault] in str(raised.value)
        for good in (trust.files.host, bad_client(tmp_path, trust.authority, GATE, "none")):
            context = client_context(trust.files.authority, good, good)
            with pytest.raises(CheckFailedError, match="not a gate's"):
                enrolment.renew(station.enrolment, context, request_of())


@pytest.mark.parametrize("fault", ["foreign", "self-signed", "expired", "wrong-name", "gate"])
def test_a_token_is_never_told_to_a_false_station(tmp_path: Path, fault: str) -> None:
    """The false port has the true authority's certificate to show, but not a key under it."""
    with TrustedStation(tmp_path) as station:
        station.start()
        gate = station.gate("gate-1")
        gate.command("init")
        token = station.token("gate-1")
        trust = station.trust
        station.program.stop()
        file = bad_server(tmp_path, trust.authority, fault)
        context = server_context(trust.files)
        context.load_cert_chain(str(file))
        authority = trust.files.authority.read_text("ascii")
        with answering(context, station.enrol_port, authority) as heard:
            told = gate.command("join", token, code=1)
        assert "TLS with" in told["error"]
        assert [question["op"] for question in heard] == ["authority"]
        assert not gate.identity.gate.exists()


def test_a_station_with_another_authority_hears_nothing(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        gate = station.gate("gate-1")
        gate.command("init")
        token = station.token("gate-1")
        stranger = make_authority("cancheng", "stranger", NOW)
        file = bad_server(tmp_path, stranger, "none")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(file))
        text = public_pem(stranger.certificate).decode()
        with answering(context, station.enrol_port, text) as heard:
            told = gate.command("join", token, code=1)
        assert "is not the station of this token" in told["error"]
        assert [question["op"] for question in heard] == ["authority"]


def test_nobody_there_is_another_exit_code(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        gate = station.gate("gate-1")
        gate.command("init")
        told = gate.command("join", station.token("gate-1"), code=69)
        assert "does not answer" in told["error"]


def _handshake_fault(port: int, context: ssl.SSLContext) -> str:
    try:
        with (
            socket.create_connection((HOST, port), 5) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as wire,
        ):
            return str(wire.version())
    except ssl.SSLError as error:
        return str(error.reason)
