"""A gate for measuring: real broker, real agent, and where asked vision, in a temporary folder.

Here: starting and stopping. The configuration has many panic buttons, because a button that was
pressed is the same press for two seconds.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.core.errors import GatehouseError
from agent.pipeline.local import ask
from provisioning.demo.broker import DemoBroker
from provisioning.demo.children import Child, gatehouse

BUTTONS = 20
START_S = 30.0


@dataclass(slots=True)
class Gate:
    """What runs; ``agent`` and ``vision`` by process id."""

    folder: Path
    broker: DemoBroker
    address: str = "gh/v1/bench/bench/gate-1"
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The gate's configuration."""
        return self.folder / "gate.yaml"

    @property
    def control(self) -> Path:
        """The agent's local socket."""
        return self.folder / "run" / "control.sock"

    def press(self, number: int) -> str:
        """Press a button; returns its name."""
        name = f"panic-{number % BUTTONS}"
        ask(self.control, "sim", verb="press", name=name, for_s=0.2)
        return name

    def start(self, name: str, *command: str) -> Child:
        """Start one of our programs on this gate."""
        child = Child(name, gatehouse(*command, "--config", str(self.config)), self.folder / "log")
        self.children[name] = child
        child.start()
        return child

    def start_unit(self, name: str, *options: str) -> Child:
        """Start one of our programs as its unit does."""
        child = Child(name, [sys.executable, *options, str(self.config)], self.folder / "log")
        self.children[name] = child
        child.start()
        return child

    def pid(self, name: str) -> int:
        """The process id of a child that runs."""
        pid = self.children[name].pid
        if pid is None:
            raise RuntimeError(f"{name} does not run")
        return pid


@contextmanager
def gate(folder: Path, trusted_keys: Path | None = None, **sections: Any) -> Iterator[Gate]:
    """A broker and a configuration; *sections* are put over the configuration's own."""
    folder.mkdir(exist_ok=True)
    broker = DemoBroker(folder / "broker", folder / "log")
    made = Gate(folder, broker)
    config = _config(folder, broker.port) | sections
    if trusted_keys is not None:
        config["node"]["trusted_keys"] = str(trusted_keys)
    made.config.write_text(json.dumps(config), "utf-8")
    broker.start()
    try:
        yield made
    finally:
        for child in reversed(made.children.values()):
            child.stop()
        broker.stop()


def wait_linked(made: Gate) -> None:
    """Wait until the agent's link is up."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        made.children["agent"].check()
        try:
            if ask(made.control, "status")["link"]:
                return
        except GatehouseError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the agent's link did not come up")


@contextmanager
def notify_socket(folder: Path) -> Iterator[socket.socket]:
    """A NOTIFY_SOCKET in systemd's place, named in our environment for children."""
    path = folder / "notify.sock"
    before = os.environ.get("NOTIFY_SOCKET")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(START_S)
        os.environ["NOTIFY_SOCKET"] = str(path)
        try:
            yield sock
        finally:
            os.environ.pop("NOTIFY_SOCKET")
            path.unlink()
            if before is not None:
                os.environ["NOTIFY_SOCKET"] = before


def _config(folder: Path, port: int) -> dict[str, Any]:
    buttons = {
        f"panic-{n}": {"type": "panic", "pin": n + 2, "where": "bench", "name": f"button {n}"}
        for n in range(BUTTONS)
    }
    return {
        "schema": 1,
        "node": {
            "station": "bench",
            "site": "bench",
            "node": "gate-1",
            "name": "bench",
            "pin_factory": "mock",
            "data_dir": str(folder / "data"),
            "run_dir": str(folder / "run"),
        },
        "link": {"brokers": [{"host": "127.0.0.1", "port": port}]},
        "inputs": buttons,
    }
