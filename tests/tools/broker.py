"""A real mosquitto for tests: its own process, its own folder, a free loopback port.

Here: start, stop, kill and restart on the same port. Not here: clients. mosquitto 2 speaks MQTT 5
and 3.1.1 on one listener. Nothing is persisted unless asked for, so a restart forgets sessions and
retained messages, as a broker that lost its disk does.

    with Broker(tmp_path) as broker:
        connect_to("127.0.0.1", broker.port)
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
STARTED_S = 10.0
STOPPED_S = 5.0
MAX_MESSAGE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerTls:
    """PEM files of the broker: whom it trusts, its certificate and key. Clients need theirs."""

    ca: Path
    cert: Path
    key: Path


def mosquitto() -> str:
    """Where mosquitto is; RuntimeError says how to get it."""
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if found is None:
        raise RuntimeError("mosquitto is not installed: apt-get install mosquitto")
    return found


def free_port() -> int:
    """A TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Broker:
    """One mosquitto. A context manager that starts it and always ends it.

    ``users`` maps user names to passwords: with it, nobody else gets in. ``acl`` is the text of a
    mosquitto ACL file. ``extra`` are further lines of mosquitto.conf.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: dict[str, str] | None = None,
        acl: str | None = None,
        tls: ServerTls | None = None,
        persistence: bool = False,
        extra: tuple[str, ...] = (),
    ) -> None:
        self._folder = folder / f"mosquitto-{os.urandom(4).hex()}"
        self._users, self._acl, self._tls = users, acl, tls
        self._persistence, self._extra = persistence, extra
        self._process: subprocess.Popen[bytes] | None = None
        self.host = HOST
        self.port = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        for attempt in range(5):
            self.port = free_port()
            try:
                self.start()
            except RuntimeError:
                if attempt == 4:
                    raise
            else:
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process, for signals such as SIGSTOP."""
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.pid

    @property
    def log(self) -> str:
        """What mosquitto logged so far."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start on the port it had before; returns when it accepts connections."""
        if self._process is not None:
            raise RuntimeError("the broker runs already")
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join(self._config()) + "\n", encoding="utf-8")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [mosquitto(), "-c", str(config), "-v"], stdout=log, stderr=log
            )
        self._await_listening()

    def stop(self) -> None:
        """End it in order (SIGTERM): clients get a DISCONNECT or an end of file."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL); safe when it does not run."""
        self._end(signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """End it and start it again on the same port."""
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        self.start()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOPPED_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOPPED_S)

    def _await_listening(self) -> None:
        until = time.monotonic() + STARTED_S
        while time.monotonic() < until:
            process = self._process
            if process is None or process.poll() is not None:
                self._process = None
                raise RuntimeError(f"mosquitto ended at its start:\n{self.log}")
            try:
                with socket.create_connection((self.host, self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"mosquitto does not listen:\n{self.log}")

    def _config(self) -> list[str]:
        lines = [
            f"listener {self.port} {self.host}",
            "set_tcp_nodelay true",
            f"max_packet_size {MAX_MESSAGE_BYTES}",
            "max_queued_messages 100000",
            "log_type all",
            f"persistence {str(self._persistence).lower()}",
            f"persistence_location {self._folder}/",
            *(["user root"] if os.geteuid() == 0 else []),
            *self._access(),
            *self._extra,
        ]
        if self._tls is not None:
            lines += [
                f"cafile {self._tls.ca}",
                f"certfile {self._tls.cert}",
                f"keyfile {self._tls.key}",
                "require_certificate true",
                "use_identity_as_username true",
            ]
        return lines

    def _access(self) -> list[str]:
        lines = []
        if self._users is None:
            lines.append("allow_anonymous true")
        else:
            lines.append("allow_anonymous false")
            lines.append(f"password_file {self._passwords(self._users)}")
        if self._acl is not None:
            path = self._folder / "acl"
            path.write_text(self._acl, encoding="utf-8")
            lines.append(f"acl_file {path}")
        return lines

    def _passwords(self, users: dict[str, str]) -> Path:
        path = self._folder / "passwords"
        path.write_text("", encoding="utf-8")
        path.chmod(0o600)
        for user, password in users.items():
            subprocess.run(
                ["mosquitto_passwd", "-b", str(path), user, password], check=True, timeout=10
            )
        return path
