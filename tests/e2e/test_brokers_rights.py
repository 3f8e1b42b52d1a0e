"""RabbitMQ's topic permissions hold each gate to its own topics, as docs/brokers.md sets them.

MQTT 3.1.1 has no refusal of a publish: RabbitMQ ends the connection.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from contract.rights import gate_rights
from contract.topics import Address
from tests.tools.brokers import PASSWORDS, Nodes
from tests.tools.certificates import Authority
from tests.tools.rabbit_rights import definitions

GATE = Address("cancheng", "liya-garden", "gate-1")
OTHER = Address("cancheng", "no3-school", "gate-2")
ANSWER_S = 10.0
CONNECT = bytes([0x10, 14, 0, 4, *b"MQTT", 4, 2, 0, 30, 0, 2, *b"me"])
WELCOME = bytes([0x20, 2, 0, 0])
MAY_SAY = ("state", "meta", "hb", "alert", "event", "result", "evidence/a/1", "drill/alert")
MAY_HEAR = (*GATE.subscriptions(), GATE.topic("task", "+"))
MAY_NOT_SAY = (
    GATE.topic("ack"),
    GATE.topic("cmd", "door.open"),
    GATE.topic("desired", "watchlist"),
    GATE.host_state(),
    OTHER.topic("alert"),
    "gh/v1/cancheng/liya-garden/gate-11/alert",
    "gh/v1/nanhai/liya-garden/gate-1/alert",
    "alert",
)
MAY_NOT_HEAR = (
    OTHER.topic("ack"),
    GATE.topic("alert"),
    "gh/v1/cancheng/+/+/alert",
    "gh/v1/cancheng/liya-garden/+/ack",
    "gh/#",
    "#",
)


class Wire:
    """A client: whether it is up, and whether its last subscription was granted."""

    def __init__(self, client: paho.Client) -> None:
        self.client = client
        self.up, self.down = threading.Event(), threading.Event()
        self.granted = threading.Event()
        self.refused = ""
        client.on_connect = lambda _c, _d, _f, code, _p: self._welcome(code)
        client.on_disconnect = lambda *_: self.down.set()
        client.on_subscribe = lambda *_: self.granted.set()

    def _welcome(self, code: object) -> None:
        self.refused = "" if str(code) == "Success" else str(code)
        self.up.set()


@contextmanager
def wire(
    cluster: Nodes,
    user: str,
    *,
    client_id: str = "",
    password: str = "",
    tls: ssl.SSLContext | None = None,
) -> Iterator[Wire]:
    """A connection as *user*, under its own client id when none is given; by *tls*, or password."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id or user,
        clean_session=True,
        protocol=MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    if tls is None:
        client.username_pw_set(user, password or PASSWORDS[user])
    else:
        client.tls_set_context(tls)
    made = Wire(client)
    client.connect(*(cluster.addresses[1] if tls is None else cluster.tls_address))
    client.loop_start()
    try:
        assert made.up.wait(ANSWER_S)
        yield made
    finally:
        client.disconnect()
        client.loop_stop()
        client._reset_sockets()


@pytest.fixture(scope="module")
def healed(cluster: Nodes) -> Nodes:
    cluster.heal()
    return cluster


def test_the_permissions_take_in_every_right_of_the_contract() -> None:
    rights = gate_rights(GATE, areas=())
    (told,) = definitions({GATE.client_id: "x"})["topic_permissions"]
    for way, topics in {"write": rights.write, "read": rights.read}.items():
        for topic in topics:
            assert re.search(told[way], topic.replace("/", ".").replace("+", "any")), topic


def test_a_gate_says_what_is_its_own(healed: Nodes) -> None:
    with wire(healed, GATE.client_id) as gate:
        for rest in MAY_SAY:
            gate.client.publish(GATE.topic(rest), b"x", 1).wait_for_publish(ANSWER_S)
        assert not gate.down.is_set()


def test_a_gate_hears_what_is_for_it(healed: Nodes) -> None:
    with wire(healed, GATE.client_id) as gate:
        for topic in MAY_HEAR:
            gate.granted.clear()
            gate.client.subscribe(topic, 1)
            assert gate.granted.wait(ANSWER_S), topic
        assert not gate.down.is_set()


@pytest.mark.parametrize("topic", MAY_NOT_SAY)
def test_a_gate_that_says_anything_else_is_thrown_out(healed: Nodes, topic: str) -> None:
    with wire(healed, GATE.client_id) as gate:
        gate.client.publish(topic, b"x", 1)
        assert gate.down.wait(ANSWER_S)


@pytest.mark.parametrize("topic", MAY_NOT_HEAR)
def test_a_gate_that_wants_to_hear_anything_else_is_thrown_out(healed: Nodes, topic: str) -> None:
    with wire(healed, GATE.client_id) as gate:
        gate.client.subscribe(topic, 1)
        assert gate.down.wait(ANSWER_S)
        assert not gate.granted.is_set()


def test_a_gate_takes_no_other_session(healed: Nodes) -> None:
    with wire(healed, GATE.client_id, client_id=OTHER.client_id) as gate:
        gate.client.subscribe(GATE.topic("ack"), 1)
        assert gate.down.wait(ANSWER_S)


def test_a_wrong_password_is_refused(healed: Nodes) -> None:
    with wire(healed, GATE.client_id, password="guess") as gate:
        assert gate.refused == "Bad user name or password"


def test_a_certificate_is_the_login_and_its_name_the_rights(
    healed: Nodes, authority: Authority
) -> None:
    shown = authority.issue(GATE.client_id)
    context = ssl.create_default_context(cafile=str(authority.ca))
    context.load_cert_chain(shown.cert, shown.key)
    with wire(healed, GATE.client_id, tls=context) as gate:
        gate.client.publish(GATE.topic("alert"), b"x", 1).wait_for_publish(ANSWER_S)
        assert not gate.down.is_set()
        gate.client.publish(OTHER.topic("alert"), b"x", 1)
        assert gate.down.wait(ANSWER_S)


def welcome(address: tuple[str, int], context: ssl.SSLContext) -> bytes:
    """What the broker answers to a CONNECT over TLS."""
    with (
        socket.create_connection(address, ANSWER_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as safe,
    ):
        safe.settimeout(ANSWER_S)
        safe.sendall(CONNECT)
        return safe.recv(4)


def test_who_has_no_certificate_or_a_foreign_one_is_not_let_in(
    healed: Nodes, authority: Authority, tmp_path: Path
) -> None:
    own = authority.issue(OTHER.client_id)
    foreign = Authority(tmp_path, "somebody else").issue(GATE.client_id)
    context = ssl.create_default_context(cafile=str(authority.ca))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        welcome(healed.tls_address, context)
    context.load_cert_chain(foreign.cert, foreign.key)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        welcome(healed.tls_address, context)
    context.load_cert_chain(own.cert, own.key)
    assert welcome(healed.tls_address, context) == WELCOME
