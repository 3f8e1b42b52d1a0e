"""Where the broker is and how the station proves itself to it. Checked values, no network.

There is no fallback: without certificates only a loopback address is accepted (CONTRACT 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.core.errors import ConfigError
from agent.core.hosts import is_loopback

Protocol = Literal["auto", "5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: the broker's authority, our certificate and its key."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Login:
    """A broker's user and password; the password shows in no ``repr``."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(user={self.user!r}, password=***)"


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker. ``client_id`` names the session that keeps what comes while we are away."""

    host: str
    port: int
    client_id: str
    protocol: Protocol = "auto"
    login: Login | None = None
    tls: Tls | None = None
    keepalive_s: int = 15
    session_expiry_s: int = 7 * 86_400
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.tls is None and not is_loopback(self.host):
            raise ConfigError(
                f"{self.host} is not this machine: give --ca, --cert and --key. "
                "Plain text is accepted to a loopback address only"
            )

    @property
    def name(self) -> str:
        """``host:port`` for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Ring:
    """The brokers of one cluster. The one that failed last is asked again last."""

    def __init__(self, brokers: Sequence[Broker]) -> None:
        self._brokers = tuple(brokers)
        self._at = -1

    def __len__(self) -> int:
        return len(self._brokers)

    def next(self) -> Broker:
        """The broker of the next connection: the first one, then each in its turn."""
        self._at = (self._at + 1) % len(self._brokers)
        return self._brokers[self._at]


def parse_addresses(text: str) -> list[tuple[str, int]]:
    """One address or several with commas between, in the order in which they are tried."""
    return [parse_address(part.strip()) for part in text.split(",")]


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPV6]:PORT``; ConfigError says what is wrong."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    if not colon or not bare or not 0 < number < 65536:
        raise ConfigError(f"{text!r} is not HOST:PORT, as in 127.0.0.1:1883 or [::1]:8883")
    if ":" in bare and not host.startswith("["):
        raise ConfigError(f"{text!r}: write an IPv6 address in brackets, as in [::1]:8883")
    return bare, number


def read_login(user: str | None, password_file: Path | None) -> Login | None:
    """The login from an option and a file whose first line is the password."""
    if user is None and password_file is None:
        return None
    if user is None or password_file is None:
        raise ConfigError("--user and --password-file go together")
    try:
        lines = password_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the password file cannot be read: {error}") from error
    if not lines or not lines[0]:
        raise ConfigError(f"the password file {password_file} has no first line")
    return Login(user, lines[0])


def read_tls(ca: Path | None, cert: Path | None, key: Path | None) -> Tls | None:
    """The three TLS files, or none of them."""
    if ca is None and cert is None and key is None:
        return None
    if ca is None or cert is None or key is None:
        raise ConfigError("--ca, --cert and --key go together")
    for path in (ca, cert, key):
        if not path.is_file():
            raise ConfigError(f"{path} is no file")
    return Tls(ca, cert, key)
