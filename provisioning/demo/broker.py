"""The demo's broker on loopback: mosquitto where it is installed, else amqtt from the extra."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from enum import StrEnum
from pathlib import Path

from agent.core.errors import CheckFailedError, UnreachableError
from provisioning.demo.children import Child

START_S = 15.0
PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class BrokerKind(StrEnum):
    """Brokers that the demo can run."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


class DemoBroker:
    """A real broker that can be stopped and started again on the same port."""

    def __init__(
        self, folder: Path, logs: Path, wanted: BrokerKind | None = None, places: str = PLACES
    ) -> None:
        """*wanted* None: mosquitto when it is in one of *places*, else amqtt."""
        self.port = _free_port()
        folder.mkdir(parents=True, exist_ok=True)
        program = None if wanted is BrokerKind.AMQTT else shutil.which("mosquitto", path=places)
        if program is None and wanted is BrokerKind.MOSQUITTO:
            raise CheckFailedError("mosquitto is not installed: apt-get install mosquitto")
        if program is not None:
            self.name, self.protocol = "mosquitto", "5"
            command = [program, "-c", str(_mosquitto_config(folder, self.port))]
        else:
            self.name, self.protocol = "amqtt (embedded)", "3.1.1"
            command = [sys.executable, "-P", "-m", "provisioning.demo.embedded", str(self.port)]
        self._child = Child("broker", command, logs)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._child.start()
        deadline = time.monotonic() + START_S
        while not _listens(self.port):
            self._child.check()
            if time.monotonic() > deadline:
                raise UnreachableError(f"the broker does not listen on port {self.port}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it."""
        self._child.stop()

    def check(self) -> None:
        """CheckFailedError when it ended on its own."""
        self._child.check()


def _mosquitto_config(folder: Path, port: int) -> Path:
    store = folder / "store"
    store.mkdir(mode=0o700, exist_ok=True)
    path = folder / "mosquitto.conf"
    path.write_text(
        f"listener {port} 127.0.0.1\n"
        "allow_anonymous true\n"
        "set_tcp_nodelay true\n"
        "persistence true\n"
        f"persistence_location {store}/\n"
        "autosave_interval 1\n"
        "log_dest stderr\n"
        f"user {_user()}\n",
        encoding="utf-8",
    )
    return path


def _user() -> str:
    import getpass

    return getpass.getuser()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False
