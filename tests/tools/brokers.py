"""The brokers that Gatehouse is tested on, behind one face: mosquitto, and a RabbitMQ cluster.

Here: which addresses there are, killing the broker that listens at one, bringing all back. Not
here: how each is run (``tests.tools.broker``, ``tests.tools.rabbit``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.tools.broker import Broker
from tests.tools.rabbit import Cluster
from tests.tools.site_config import Place

PASSWORDS = {"cancheng.liya-garden.gate-1": "one", "cancheng.no3-school.gate-2": "two"}
ANSWER_S = 10.0
SHELF_S = 3.0


class Brokers(Protocol):
    """``protocol`` is what a gate's configuration says; ``five``: they speak MQTT 5."""

    protocol: str
    five: bool

    @property
    def addresses(self) -> list[Place]:
        """Where they listen."""

    def replace(self, address: Place) -> None:
        """Kill the broker at *address*; it, or another one, serves again soon."""

    def heal(self) -> None:
        """All of them run when this returns."""


class Single:
    """One mosquitto with the settings of docs/brokers.md."""

    five = True

    def __init__(self, broker: Broker, protocol: str) -> None:
        self.protocol = protocol
        self._broker = broker

    @property
    def addresses(self) -> list[Place]:
        """Where it listens."""
        return [(self._broker.host, self._broker.port)]

    def replace(self, address: Place) -> None:
        """Kill it and start it again."""
        assert address == self.addresses[0]
        self._broker.restart(kill=True)

    def heal(self) -> None:
        """It runs."""


class Nodes:
    """A RabbitMQ cluster with quorum queues; ``auto`` has to find out that it speaks 3.1.1."""

    protocol = "auto"
    five = False

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def addresses(self) -> list[Place]:
        """Every node."""
        return self._cluster.addresses

    @property
    def tls_address(self) -> Place:
        """Where a node asks for certificates."""
        node = self._cluster.nodes[-1]
        return node.address[0], node.tls_port

    def replace(self, address: Place) -> None:
        """Kill the node and start it again; the others serve meanwhile."""
        node = self._cluster.at(address)
        node.kill()
        node.start()

    def heal(self) -> None:
        """All nodes run, and any one may be spared."""
        self._cluster.heal()


def shelf(brokers: Brokers, address: Place, topic: str) -> bytes | None:
    """The retained message of *topic* that the broker at *address* gives to a newcomer."""
    found: list[bytes] = []
    news = threading.Event()

    def heard(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.retain:
            found.append(bytes(message.payload))
            news.set()

    with _client(brokers, address) as client:
        client.on_message = heard
        client.subscribe(topic, 1)
        news.wait(SHELF_S)
    return found[0] if found else None


def forget(brokers: Brokers, client_ids: Iterable[str], topics: Iterable[str]) -> None:
    """Throw away what brokers that outlive a test keep: sessions and retained messages."""
    for address in brokers.addresses:
        with _client(brokers, address) as client:
            for topic in topics:
                client.publish(topic, b"", 1, retain=True).wait_for_publish(ANSWER_S)
    for client_id in client_ids:
        with _client(brokers, brokers.addresses[0], client_id):
            pass


@contextmanager
def _client(brokers: Brokers, address: Place, client_id: str = "") -> Iterator[paho.Client]:
    """A client that is connected without a session of its own."""
    ready = threading.Event()
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if brokers.five else True,
        protocol=MQTTProtocolVersion.MQTTv5 if brokers.five else MQTTProtocolVersion.MQTTv311,
    )
    client.on_connect = lambda *_: ready.set()
    client.connect(*address)
    client.loop_start()
    try:
        assert ready.wait(ANSWER_S), f"{address} does not answer"
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
        client._reset_sockets()
