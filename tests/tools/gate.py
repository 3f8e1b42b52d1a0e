"""A gate on the wire for tests of the station: publishes what it is told, collects what it hears.

A plain paho client in a thread of its own; it stores nothing and resends nothing by itself.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.tools.messages import GATE

ANSWER_S = 10.0


def no_delay(_client: Any, _data: Any, opened: Any) -> None:
    """Small messages leave at once; with Nagle's algorithm each waits 40 ms for the one before."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class WireGate:
    """One gate. A context manager; connected and subscribed within it."""

    def __init__(self, host: str, port: int, *, base: str = GATE, five: bool = True) -> None:
        self.base = base
        self._host, self._port = host, port
        self._heard: list[tuple[str, bytes]] = []
        self._news = threading.Condition()
        self._ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=".".join(base.split("/")[2:]),
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe([(f"{base}/#", 1)])
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.on_socket_open = no_delay

    def __enter__(self) -> Self:
        self._client.connect(self._host, self._port, 30)
        self._client.loop_start()
        if not self._ready.wait(ANSWER_S):
            raise RuntimeError("the gate could not subscribe")
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

    def publish(
        self, rest: str, body: bytes | dict[str, Any], *, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish under the gate's own ``~`` and wait for the broker's PUBACK."""
        payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        info = self._client.publish(f"{self.base}/{rest}", payload, qos=qos, retain=retain)
        info.wait_for_publish(ANSWER_S)
        assert info.is_published()

    def acks(self, stage: str = "received", branch: str = "ack") -> list[str]:
        """Ids acked with *stage*, in order, each as often as it came."""
        with self._news:
            return self._acks(stage, branch)

    def wait_acks(
        self, count: int, *, stage: str = "received", branch: str = "ack", timeout_s: float = 15.0
    ) -> list[str]:
        """Wait until *count* acks of *stage* came."""
        until = time.monotonic() + timeout_s
        with self._news:
            while len(self._acks(stage, branch)) < count:
                left = until - time.monotonic()
                assert left > 0, f"{len(self._acks(stage, branch))} of {count} acks"
                self._news.wait(left)
            return self._acks(stage, branch)

    def _acks(self, stage: str, branch: str) -> list[str]:
        topic = f"{self.base}/{branch}"
        bodies = [json.loads(payload) for heard, payload in self._heard if heard == topic]
        return [str(value["alert_id"]) for value in bodies if value["stage"] == stage]

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        with self._news:
            self._heard.append((message.topic, bytes(message.payload)))
            self._news.notify_all()
