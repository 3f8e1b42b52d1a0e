"""Records every message on a broker and holds it against the contract.

Subscribes to ``gh/#`` with MQTT 5's *retain as published*, so that it sees the flags that the
publisher set, in a thread of its own. Any e2e test may run one beside what it tests:

    with Recorder(broker.host, broker.port) as recorder:
        ...
    recorder.assert_contract()
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from contract.routes import publish_problems, route
from contract.validate import validate_message
from tests.tools.gate import no_delay

READY_S = 10.0


@dataclass(frozen=True, slots=True)
class Login:
    """The only user that the broker lets in."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message as published: *retain* is the publisher's flag, *monotonic_s* when it came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    monotonic_s: float


class Recorder:
    """A subscriber to everything. A context manager; messages stay readable afterwards."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        topic: str = "gh/#",
        login: Login | None = None,
        five: bool = True,
    ) -> None:
        """With MQTT 3.1.1 (*five* False) the flag *retain* is taken to be as the contract says."""
        self._five = five
        self._host, self._port, self._topic = host, port, topic
        self._messages: list[Recorded] = []
        self._news = threading.Condition()
        self._ready = threading.Event()
        version = MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=version)
        if login is not None:
            self._client.username_pw_set(login.user, login.password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.on_socket_open = no_delay
        self._client.reconnect_delay_set(1, 1)

    def __enter__(self) -> Self:
        self._client.connect(self._host, self._port, 30)
        self._client.loop_start()
        if not self._ready.wait(READY_S):
            raise RuntimeError("the recorder could not subscribe")
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

    @property
    def messages(self) -> list[Recorded]:
        """Everything so far, in order."""
        with self._news:
            return list(self._messages)

    def on(self, ending: str) -> list[Recorded]:
        """Messages whose topic ends like that."""
        return [message for message in self.messages if message.topic.endswith(ending)]

    def wait_for(
        self, wanted: Callable[[list[Recorded]], bool], timeout_s: float = 10.0
    ) -> list[Recorded]:
        """Wait until *wanted* is true of all messages; AssertionError lists them otherwise."""
        until = time.monotonic() + timeout_s
        with self._news:
            while not wanted(self._messages):
                left = until - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    if wanted(self._messages):
                        break
                    seen = "\n".join(f"{m.topic} {m.payload[:120]!r}" for m in self._messages)
                    raise AssertionError(f"not seen within {timeout_s} s; seen were:\n{seen}")
            return list(self._messages)

    def wait_last(self, ending: str, part: bytes) -> None:
        """Wait until the newest message on a topic of that ending holds *part*."""

        def holds(seen: list[Recorded]) -> bool:
            newest = [message.payload for message in seen if message.topic.endswith(ending)][-1:]
            return any(part in payload for payload in newest)

        self.wait_for(holds)

    def problems(self, *, expected: Iterable[str] = ()) -> list[str]:
        """Every breach of the contract, but those whose line matches a regex of *expected*."""
        allowed = [re.compile(pattern) for pattern in expected]
        found = []
        for message in self.messages:
            way = route(message.topic)
            problems = validate_message(message.topic, message.payload, message.retain)
            if way is not None:
                flags = publish_problems(way, retained=message.retain, qos=message.qos)
                problems += [text for text in flags if text.startswith("has QoS")]
            found += [f"{message.topic}: {text}" for text in problems]
        return [line for line in found if not any(p.search(line) for p in allowed)]

    def assert_contract(self, *, expected: Iterable[str] = ()) -> None:
        """Fail when any message breaks the contract, listing every breach."""
        found = self.problems(expected=expected)
        assert not found, "messages that break the contract:\n" + "\n".join(found)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        if self._five:
            client.subscribe([(self._topic, SubscribeOptions(qos=2, retainAsPublished=True))])
        else:
            client.subscribe([(self._topic, 1)])

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        topic = message._topic.decode("utf-8", "replace")
        retain = bool(message.retain)
        if not self._five:
            way = route(topic)
            retain = retain or (way is not None and way.rule.retained)
        heard = Recorded(topic, bytes(message.payload), message.qos, retain, time.monotonic())
        with self._news:
            self._messages.append(heard)
            self._news.notify_all()
