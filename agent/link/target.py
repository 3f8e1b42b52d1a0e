"""What a connection is made with, and who hears of it. Values: no network, no paho."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from agent.core.errors import GatehouseError
from agent.core.ports import Received
from agent.core.secret import Secret
from agent.link.session import LinkFault, Protocol


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how to connect. ``tls`` None is plain text, for loopback only."""

    host: str
    port: int
    protocol: Protocol
    client_id: str
    keepalive_s: int
    connect_timeout_s: float
    session_expiry_s: int
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone: QoS 1, retained."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who hears of what, all on the loop. ``lost`` is called once, for a connection that was up.

    ``subscribed`` hears of each topic why the broker refuses it, empty where it does not.
    """

    message: Callable[[Received], None]
    freed: Callable[[], None]
    lost: Callable[[LinkFault, str], None]
    subscribed: Callable[[str, str], None] = lambda _topic, _refusal: None


class ConnectError(GatehouseError):
    """The connection was not made."""

    exit_code = 69

    def __init__(self, fault: LinkFault, text: str) -> None:
        super().__init__(text)
        self.fault = fault
