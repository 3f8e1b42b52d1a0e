"""One MQTT connection: the only file of the agent that knows paho, but for ``expiry``.

paho is only a pipe. Its network is driven by our own event loop (no thread of its own, so a
raising callback cannot end it unseen), a new client is made for every connection (so that it never
resends from a queue of its own), and what it is given is bounded by ``window``.
The blocking part, connecting with TLS, runs in a worker thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
import ssl
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.core.ports import Received
from agent.files.tls import tls_trouble, why_refused
from agent.link.expiry import expiry_of
from agent.link.session import LinkFault
from agent.link.target import ConnectError, Handlers, Target, Will
from agent.runtime.threads import in_daemon_thread
from contract.topics import subscription_qos

log = logging.getLogger(__name__)

WINDOW = 20
_CLOSED = frozenset({errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE})
MISC_S = 1.0
_LOGIN_REFUSED = frozenset({"Bad user name or password", "Not authorized", "Banned"})


class Connection:
    """One connection from CONNECT to its end; never used again afterwards."""

    def __init__(self, target: Target, will: Will, handlers: Handlers) -> None:
        self._target = target
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()
        self._connack: asyncio.Future[None] = self._loop.create_future()
        self._unacked: dict[int, float] = {}
        self._asked: dict[int | None, tuple[str, ...]] = {}
        self._up = False
        self._misc: asyncio.TimerHandle | None = None
        self._sock: Any = None
        self._sending = self._watching = False
        self._client = self._make_client(will)

    async def open(self) -> None:
        """Connect and wait for the broker's CONNACK; ConnectError says what stood in the way."""
        target = self._target
        self._client.connect_timeout = target.connect_timeout_s
        try:
            async with asyncio.timeout(target.connect_timeout_s * 2):
                await in_daemon_thread(self._connect_blocking)
                self._attach()
                await self._connack
        except TimeoutError as error:
            self.close()
            text = f"{target.host}:{target.port} does not answer"
            raise ConnectError(LinkFault.UNREACHABLE, text) from error
        except ConnectError as error:
            self.close()
            if error.fault is not LinkFault.CLOSED:
                raise
            explained = await self._explained(error)
            if explained is error:
                raise
            raise explained from error
        except ssl.SSLError as error:
            self.close()
            text = f"TLS with {target.host}:{target.port} failed: {tls_trouble(error)}"
            raise ConnectError(LinkFault.TLS, text) from error
        except (OSError, ValueError) as error:
            self.close()
            text = f"{target.host}:{target.port} cannot be reached: {error}"
            known = ConnectError(LinkFault.UNREACHABLE, text)
            if isinstance(error, OSError) and error.errno in _CLOSED:
                known = await self._explained(known)
            raise known from error
        self._up = True

    async def _explained(self, error: ConnectError) -> ConnectError:
        """The same error, or TLS's reason for it."""
        target = self._target
        context = target.tls
        if context is None:
            return error
        why = await in_daemon_thread(lambda: why_refused(context, target.host, target.port))
        if not why:
            return error
        return ConnectError(LinkFault.TLS, f"TLS with {target.host}:{target.port} failed: {why}")

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Ask for *topics*, each with its QoS."""
        wanted = [(topic, subscription_qos(topic)) for topic in topics]
        self._asked[self._client.subscribe(wanted)[1]] = topics

    def unsubscribe(self, topic: str) -> None:
        """Hear *topic* no more."""
        self._client.unsubscribe(topic)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Put a message on the wire; False when the connection is gone."""
        if not self._up:
            return False
        info = self._send(topic, payload, qos=qos, retain=retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not self._up:
            return False
        if qos:
            self._unacked[info.mid] = self._loop.time()
        return True

    def _send(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> paho.MQTTMessageInfo:
        """Write at once: to be told first that the socket takes bytes costs as much as sending."""
        self._sending = True
        try:
            expiry = expiry_of(topic, self._target.protocol)
            info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=expiry)
            self._client.loop_write()
        finally:
            self._sending = False
        if self._client.want_write():
            self._on_register_write()
        return info

    @property
    def up(self) -> bool:
        """True from the broker's CONNACK to the end of the connection."""
        return self._up

    @property
    def unacked(self) -> int:
        """QoS 1 messages on the wire without the broker's PUBACK."""
        return len(self._unacked)

    def oldest_unacked_s(self) -> float:
        """Seconds since the oldest message without PUBACK was sent; 0 when there is none."""
        return self._loop.time() - min(self._unacked.values(), default=self._loop.time())

    def close(self, *, graceful: bool = False) -> None:
        """End the connection; *graceful* sends DISCONNECT, so that the will is not published."""
        self._up = False
        self._client.on_disconnect = None
        if graceful:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
                self._client.loop_write()
        self._detach()
        with contextlib.suppress(OSError):
            sock = self._client.socket()
            if sock is not None:
                sock.close()

    def _make_client(self, will: Will) -> paho.Client:
        target = self._target
        version5 = target.protocol == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=target.client_id,
            protocol=paho.MQTTv5 if version5 else paho.MQTTv311,
            clean_session=None if version5 else target.session_expiry_s == 0,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        if target.tls is not None:
            client.tls_set_context(target.tls)
        if target.username is not None:
            password = None if target.password is None else target.password.reveal()
            client.username_pw_set(target.username, password)
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        return client

    def _connect_blocking(self) -> None:
        target = self._target
        options: dict[str, Any] = {}
        if target.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = target.session_expiry_s
            # No MaximumPacketSize: mosquitto 2.0.11 loses a place of its window for every message
            # that it drops for it, and is silent to us after twenty. Control refuses large ones.
            options = {"clean_start": False, "properties": properties}
        self._client.connect(target.host, target.port, target.keepalive_s, **options)

    def _attach(self) -> None:
        sock: Any = self._client.socket()
        if sock is None:
            raise ConnectError(LinkFault.CLOSED, f"{self._target.host} closed the connection")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._loop.add_reader(sock, self._readable)
        if self._client.want_write():
            self._on_register_write()
        self._misc = self._loop.call_later(MISC_S, self._misc_due)

    def _detach(self) -> None:
        if self._misc is not None:
            self._misc.cancel()
        if self._sock is not None:
            with contextlib.suppress(ValueError, OSError):
                self._loop.remove_reader(self._sock)
                self._loop.remove_writer(self._sock)
            self._sock = None

    def _readable(self) -> None:
        self._client.loop_read()
        pending = getattr(self._sock, "pending", None)
        while self._sock is not None and pending is not None and pending():
            self._client.loop_read()

    def _writable(self) -> None:
        self._client.loop_write()

    def _misc_due(self) -> None:
        if self._connack.done():  # before, the keepalive would call a silent broker a closed one
            self._client.loop_misc()
        if self._sock is not None:
            self._misc = self._loop.call_later(MISC_S, self._misc_due)

    def _on_socket_open(self, _client: Any, _data: Any, sock: Any) -> None:
        """Before the first byte: a name that was configured as this machine's must be its."""
        peer = str(sock.getpeername()[0])
        if self._target.tls is None and not ipaddress.ip_address(peer).is_loopback:
            text = f"{self._target.host} is {peer}, not this machine; plain text stays on it"
            raise ConnectError(LinkFault.UNREACHABLE, text)

    def _on_register_write(self, *_: object) -> None:
        if self._sock is not None and not self._sending:
            self._watching = True
            self._loop.add_writer(self._sock, self._writable)

    def _on_unregister_write(self, *_: object) -> None:
        if self._sock is not None and self._watching:
            self._watching = False
            self._loop.remove_writer(self._sock)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _p: Any) -> None:
        if self._connack.done():
            return
        if not code.is_failure:
            self._connack.set_result(None)
            return
        name = str(code)
        where = f"{self._target.host}:{self._target.port}"
        if name in _LOGIN_REFUSED:
            fault, text = LinkFault.LOGIN, f"{where} refuses the login: {name}"
        elif name == "Unsupported protocol version":
            fault, text = LinkFault.PROTOCOL, f"{where} does not speak MQTT {self._target.protocol}"
        else:
            fault, text = LinkFault.UNREACHABLE, f"{where} refuses the connection: {name}"
        self._connack.set_exception(ConnectError(fault, text))

    def _on_disconnect(
        self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _p: Any
    ) -> None:
        self._detach()
        if not self._connack.done():
            where = f"{self._target.host}:{self._target.port}"
            text = f"{where} closed the connection before accepting it"
            self._connack.set_exception(ConnectError(LinkFault.CLOSED, text))
        elif self._up:
            self._up = False
            taken = str(code) == "Session taken over"
            fault = LinkFault.TAKEN_OVER if taken else LinkFault.CLOSED
            reason = str(code)
            text = "the broker went away" if reason == "Unspecified error" else reason
            self._loop.call_soon(self._handlers.lost, fault, text)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        topic = message._topic.decode("utf-8", "replace")  # noqa: SLF001 - the property raises
        heard = Received(topic, bytes(message.payload), bool(message.retain))
        self._loop.call_soon(self._handlers.message, heard)

    def _on_publish(self, _client: Any, _data: Any, mid: int, _code: Any, _p: Any) -> None:
        if self._unacked.pop(mid, None) is not None:
            self._loop.call_soon(self._handlers.freed)

    def _on_subscribe(self, _c: Any, _d: Any, mid: int, codes: list[ReasonCode], _p: Any) -> None:
        for topic, rc in zip(self._asked.pop(mid, ()), codes, strict=False):
            self._loop.call_soon(self._handlers.subscribed, topic, str(rc) if rc.is_failure else "")
