"""The station's MQTT connection: the only file of the station that imports paho.

One connection is one :class:`Link` with a paho client of its own, driven by the thread that stores
(no thread of paho's: one raising callback would end it in silence, and ``select`` wakes us as
fast). Callbacks only append to lists. A link that broke is thrown away, and with it paho's memory
queue, which ignores its own window on reconnect; what matters is in the station's store.

The broker's PUBACK for a message is sent after it is stored (:meth:`Link.confirm`), so what a crash
took from memory is delivered again. Waiting, retrying and deciding are ``station.serve``'s.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.core.errors import UnreachableError
from agent.files.tls import client_context, tls_trouble, why_refused
from agent.link.expiry import expiry_of
from contract.topics import subscription_qos
from station.options import Broker
from station.values import Arrival, Delivery, Publish, Published

WINDOW = 100
BATCH = 256
BATCH_S = 0.002
GOODBYE_S = 2.0
RECEIVE_MAXIMUM = 200
_NOT_FIVE = "Unsupported protocol version"
_LOGIN_REFUSED = {"Not authorized", "Bad user name or password", "Client identifier not valid"}


class Link:
    """One connection, from CONNECT to its end. Used by one thread."""

    def __init__(self, broker: Broker, will: Publish, now_ns: Callable[[], int]) -> None:
        """*now_ns* stamps arrivals: nanoseconds since 1970."""
        self._broker = broker
        self._will = will
        self._five = broker.protocol != "3.1.1"
        self._now_ns = now_ns
        self._arrived: list[Delivery] = []
        self._published: list[Published] = []
        self._connected: list[str] = []
        self._subscribed: list[list[str]] = []
        self._ended: list[str] = []
        self._in_flight: set[int] = set()
        self._window = WINDOW
        self._client = self._make()

    @property
    def name(self) -> str:
        """The broker's address, for people."""
        return self._broker.name

    @property
    def protocol(self) -> str:
        """The protocol that is spoken."""
        return "5" if self._five else "3.1.1"

    def open(self, filters: Sequence[str], stopped: Callable[[], bool]) -> None:
        """Connect and subscribe; UnreachableError with the cause otherwise.

        ``auto``: a broker that refuses MQTT 5, or hangs up on it as RabbitMQ 3.10 does, is asked in
        3.1.1.
        """
        try:
            self._enter(stopped)
            self._client.subscribe([(f, self._options(f)) for f in filters])
            self._await(lambda: bool(self._subscribed), stopped)
            self._check_subscribed(filters)
        except UnreachableError:
            self._drop()
            raise

    def wait(self, timeout_s: float) -> list[Delivery]:
        """What arrived, at most ``BATCH``, after at most *timeout_s*; UnreachableError at the end.

        More may lie here: mosquitto 2.0.11 forgets our receive maximum with our first PUBACK.
        """
        if not self._arrived:
            self._turn(timeout_s)
        until = time.monotonic() + BATCH_S
        before = 0
        while before < len(self._arrived) < BATCH and time.monotonic() < until:
            before = len(self._arrived)
            self._turn(0.0)
        batch, self._arrived = self._arrived[:BATCH], self._arrived[BATCH:]
        if not batch and self._ended:
            raise UnreachableError(self._ended[0])
        return batch

    def settle(self, timeout_s: float) -> None:
        """Let the broker answer what was published, for at most *timeout_s*.

        UnreachableError at the end; what arrived meanwhile is for :meth:`wait`.
        """
        if self._ended:
            raise UnreachableError(self._ended[0])
        self._turn(timeout_s)

    def confirm(self, batch: Sequence[Delivery]) -> None:
        """Tell the broker that these need not come again."""
        for delivery in batch:
            if delivery.mid:
                self._client.ack(delivery.mid, 1)

    @property
    def room(self) -> int:
        """How many more messages may be published now."""
        return 0 if self._ended else self._window - len(self._in_flight)

    def publish(self, message: Publish) -> int:
        """Hand a message to the broker; returns the number that :meth:`published` tells later."""
        topic, retain = message.topic, message.retain
        expiry = expiry_of(topic, self._broker.protocol)
        info = self._client.publish(topic, message.payload, 1, retain, expiry)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended.append(f"the broker {self._broker.name} went away while we published")
        self._in_flight.add(info.mid)
        return info.mid

    def published(self) -> list[Published]:
        """What the broker answered since the last call."""
        answered, self._published = self._published, []
        self._in_flight.difference_update(p.mid for p in answered)
        return answered

    def close(self, last: Publish) -> None:
        """Say *last*, wait for it for a moment, and end the connection in order."""
        if not self._ended:
            with suppress(UnreachableError):
                mid = self.publish(last)
                self._await(
                    lambda: any(p.mid == mid for p in self._published), lambda: False, GOODBYE_S
                )
        self._drop()

    def _enter(self, stopped: Callable[[], bool]) -> None:
        """Connect, as far as the broker's welcome."""
        self._connect()
        try:
            self._await(lambda: bool(self._connected), stopped)
            self._check_welcome()
        except UnreachableError as error:
            refused = self._connected == [_NOT_FIVE] if self._connected else bool(self._ended)
            if not refused or not self._five or self._broker.protocol != "auto":
                self._explain(error)
                raise
            self._drop()
            self._ended, self._connected, self._five = [], [], False
            self._client = self._make()
            self._enter(stopped)

    def _connect(self) -> None:
        client, broker = self._client, self._broker
        try:
            if self._five:
                client.connect(
                    broker.host,
                    broker.port,
                    broker.keepalive_s,
                    clean_start=False,
                    properties=_connect_properties(broker),
                )
            else:
                client.connect(broker.host, broker.port, broker.keepalive_s)
        except ssl.SSLError as error:
            text = f"TLS with the broker {broker.name} failed: {tls_trouble(error)}"
            raise UnreachableError(text) from error
        except (OSError, ValueError) as error:
            raise UnreachableError(f"the broker {broker.name} is not reachable: {error}") from error
        opened: Any = client.socket()
        with suppress(OSError, AttributeError):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _explain(self, error: UnreachableError) -> None:
        """Raise TLS's reason for a connection that ended before the CONNACK, if there is one."""
        tls = self._broker.tls
        if tls is None or self._connected or not self._ended:
            return
        context = client_context(tls.ca, tls.cert, tls.key)
        why = why_refused(context, self._broker.host, self._broker.port)
        if why:
            text = f"TLS with the broker {self._broker.name} failed: {why}"
            raise UnreachableError(text) from error

    def _check_welcome(self) -> None:
        reason = self._connected[0]
        if reason:
            hint = "; check the login (--user, --password-file) or the certificate"
            about = hint if reason in _LOGIN_REFUSED else ""
            raise UnreachableError(f"the broker {self._broker.name} refuses us: {reason}{about}")

    def _check_subscribed(self, filters: Sequence[str]) -> None:
        denied = [f for f, code in zip(filters, self._subscribed[0], strict=False) if code]
        if denied:
            raise UnreachableError(f"the broker {self._broker.name} refuses us {', '.join(denied)}")

    def _drop(self) -> None:
        """End the connection; a client without callbacks is freed with us, sockets and all."""
        client = self._client
        with suppress(OSError, ValueError):
            client.disconnect()
        client.on_connect = client.on_subscribe = client.on_message = None
        client.on_publish = client.on_disconnect = None

    def _turn(self, timeout_s: float) -> None:
        """One step of paho's machine; callbacks run in here."""
        rc = self._client.loop(timeout_s)
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS and not self._ended:
            self._ended.append(f"the broker {self._broker.name} went away: {paho.error_string(rc)}")

    def _await(
        self, done: Callable[[], bool], stopped: Callable[[], bool], limit_s: float = 60.0
    ) -> None:
        until = time.monotonic() + min(limit_s, self._broker.timeout_s)
        while not done():
            if stopped():
                raise UnreachableError("stopped")
            if time.monotonic() > until:
                raise UnreachableError(f"the broker {self._broker.name} does not answer")
            self._turn(0.2)
            if self._ended and not done():
                raise UnreachableError(self._ended[0])

    def _make(self) -> paho.Client:
        five, will = self._five, self._will
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._broker.client_id,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = self._broker.timeout_s / 2
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        if self._broker.login is not None:
            client.username_pw_set(self._broker.login.user, self._broker.login.password)
        if self._broker.tls is not None:
            tls = self._broker.tls
            client.tls_set_context(client_context(tls.ca, tls.cert, tls.key))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _options(self, topic_filter: str) -> Any:
        qos = subscription_qos(topic_filter)
        return SubscribeOptions(qos=qos) if self._five else qos

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, props: Any) -> None:
        self._window = min(WINDOW, getattr(props, "ReceiveMaximum", WINDOW))
        self._connected.append(str(reason) if reason.is_failure else "")

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, codes: Any, _props: Any) -> None:
        self._subscribed.append([str(code) if code.is_failure else "" for code in codes])

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        topic = message._topic.decode("utf-8", "replace")  # noqa: SLF001 - the property raises
        arrival = Arrival(
            topic, bytes(message.payload), message.retain, message.dup, self._now_ns()
        )
        self._arrived.append(Delivery(arrival, message.mid if message.qos else 0))

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _props: Any) -> None:
        self._published.append(Published(mid, str(reason) if reason.is_failure else None))

    def _on_disconnect(
        self, _client: Any, _data: Any, flags: Any, reason: Any, _props: Any
    ) -> None:
        who = "ended the connection" if flags.is_disconnect_packet_from_server else "went away"
        self._ended.append(f"the broker {self._broker.name} {who}: {reason}")


def _connect_properties(broker: Broker) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = broker.session_expiry_s
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    # No MaximumPacketSize: mosquitto 2.0.11 loses a place of its window for every message that it
    # drops for it, so one gate could make the station deaf. The broker bounds what gates may send.
    return properties
