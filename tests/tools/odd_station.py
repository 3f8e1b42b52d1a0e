"""A station that is no good: takes over the real one's session at the broker and stores nothing.

It takes every alert off the broker's hands (PUBACK) and never acks it, or acks late.
"""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from contract.topics import station_subscriptions
from tests.tools.broker import Broker
from tests.tools.gate import no_delay
from tests.tools.messages import UTC
from tests.tools.site_config import STATION

READY_S = 10.0


class OddStation:
    """A context manager. ``taken`` lists the ids of alerts and events in the order they came."""

    def __init__(self, broker: Broker, *, ack_after_s: float | None = None) -> None:
        """*ack_after_s*: seconds from an alert's first copy to its ack; None: never."""
        self._broker = broker
        self._ack_after_s = ack_after_s
        self._ready = threading.Event()
        self._timers: list[threading.Timer] = []
        self.taken: list[tuple[float, str]] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{STATION}.host",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        topics = [(topic, 1) for topic in station_subscriptions(STATION)]
        self._client.on_connect = lambda client, *_: client.subscribe(topics)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.on_socket_open = no_delay

    def __enter__(self) -> Self:
        self._client.connect(self._broker.host, self._broker.port, clean_start=False)
        self._client.loop_start()
        if not self._ready.wait(READY_S):
            raise RuntimeError("the odd station could not subscribe")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for timer in self._timers:
            timer.cancel()
            timer.join()
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()

    @property
    def ids(self) -> list[str]:
        """Ids of alerts and events, each as often as it came."""
        return [message_id for _, message_id in self.taken]

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if not message.topic.endswith(("/alert", "/event")):
            return
        message_id = str(json.loads(message.payload)["id"])
        first = message_id not in self.ids
        self.taken.append((time.monotonic(), message_id))
        if first and self._ack_after_s is not None:
            base = message.topic.rsplit("/", 1)[0]
            timer = threading.Timer(self._ack_after_s, self._ack, (base, message_id))
            self._timers.append(timer)
            timer.start()

    def _ack(self, base: str, message_id: str) -> None:
        word = {"alert_id": message_id, "stage": "received", "by": STATION, "at": UTC}
        self._client.publish(f"{base}/ack", json.dumps(word), qos=1)
