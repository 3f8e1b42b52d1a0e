"""A client with any certificate and any name: what a broker lets it do, told by the broker itself.

Here: connecting, publishing with the broker's verdict, subscribing, hearing. Not here: what is
right. MQTT 5 brokers answer a denied publish; with 3.1.1 only who hears it can tell.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.tools.gate import no_delay

ANSWER_S = 10.0


class Wire:
    """One connection. A context manager; connected, or refused with ``refusal``, within it."""

    def __init__(
        self,
        place: tuple[str, int],
        context: ssl.SSLContext | None,
        client_id: str,
        *,
        five: bool = True,
        will: str = "",
        clean: bool = True,
    ) -> None:
        self._place, self._five, self._clean = place, five, clean
        self._news = threading.Condition()
        self._answers: dict[int, bool] = {}
        self._subscribed = 0
        self.heard: list[tuple[str, bytes]] = []
        self.welcome: str | None = None
        self.refusal: str | None = None
        self.ended = False
        version = MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else clean,
            protocol=version,
            reconnect_on_failure=False,
        )
        if context is not None:
            self._client.tls_set_context(context)
        if will:
            self._client.will_set(will, b"will", qos=1)
        self._client.on_socket_open = no_delay
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe

    def __enter__(self) -> Self:
        host, port = self._place
        options: dict[str, Any] = {"clean_start": self._clean} if self._five else {}
        try:
            self._client.connect(host, port, 30, **options)
        except OSError as error:
            self.refusal = str(error)
            return self
        self._client.loop_start()
        self._until(lambda: self.welcome is not None or self.ended)
        if self.welcome != "Success":
            self.refusal = self.welcome or "the connection was closed"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> bool:
        """Publish with QoS 1; False when the broker (MQTT 5) says no, or ends the connection."""
        info = self._client.publish(topic, body, qos=1, retain=retain)
        self._until(lambda: info.mid in self._answers or self.ended)
        return self._answers.get(info.mid, False)

    def subscribe(self, *filters: str) -> None:
        """Subscribe; what the broker grants shows in what is heard."""
        wanted = self._subscribed + 1
        options: Any = SubscribeOptions(qos=1) if self._five else 1
        self._client.subscribe([(name, options) for name in filters])
        self._until(lambda: self._subscribed >= wanted)

    def topics(self) -> set[str]:
        """Where something was heard."""
        with self._news:
            return {topic for topic, _ in self.heard}

    def wait_heard(self, topic: str) -> None:
        """Wait for something on *topic*."""
        self._until(lambda: any(heard == topic for heard, _ in self.heard))

    def wait_ended(self, within_s: float = ANSWER_S) -> float:
        """Wait until the broker ended the connection; seconds it took."""
        began = time.monotonic()
        self._until(lambda: self.ended, within_s)
        return time.monotonic() - began

    def vanish(self) -> None:
        """End the connection without a word, so that the will is published."""
        opened: Any = self._client.socket()
        opened.shutdown(socket.SHUT_RDWR)

    def _until(self, so: Any, within_s: float = ANSWER_S) -> None:
        with self._news:
            assert self._news.wait_for(so, within_s), f"not within {within_s} s"

    def _note(self) -> None:
        with self._news:
            self._news.notify_all()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        self.welcome = str(reason)
        self._note()

    def _on_disconnect(self, *_: Any) -> None:
        self.ended = True
        self._note()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        with self._news:
            self.heard.append((message.topic, bytes(message.payload)))
            self._news.notify_all()

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _props: Any) -> None:
        with self._news:
            self._answers[mid] = not reason.is_failure
            self._news.notify_all()

    def _on_subscribe(self, *_: Any) -> None:
        with self._news:
            self._subscribed += 1
            self._news.notify_all()
