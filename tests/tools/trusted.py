"""A station with its own authority, broker and enrolment port, and gates that joined it.

The real commands as processes, on loopback:

    with TrustedStation(tmp_path) as station:
        station.start()
        gate = station.gate("gate-1")
        gate.join()
        gate.agent.start()
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from agent.identity.folder import IdentityFolder
from contract.join import Place
from contract.topics import Address
from station import keys
from station.trust.running import Trust, open_trust
from tests.tools.broker import HOST, free_port
from tests.tools.local import Local
from tests.tools.program import Program, gatehouse, run_to_end, until
from tests.tools.site_config import SITE, STATION, Section, gate_config

STARTED_S = 60.0
COMMAND_S = 60.0


class TrustedStation:
    """One station below *folder*. A context manager that ends what it started."""

    def __init__(self, folder: Path, *, gate_life_s: float = 86_400.0, hosts: str = HOST) -> None:
        self.folder = folder / "station"
        self.port, self.enrol_port = free_port(), free_port()
        self._life_s, self._host = gate_life_s, hosts
        self._stack = ExitStack()
        self._gates_folder = folder

    def __enter__(self) -> Self:
        ports = ("--port", str(self.port), "--enrol-port", str(self.enrol_port))
        days = ("--gate-days", f"{self._life_s / 86_400:.9f}")
        names = ("--id", STATION, "--host", self._host, "--bind", HOST)
        self.told = self.run("init", *names, *ports, *days)
        serve = gatehouse("station", "serve", "--dir", self.folder, "--json")
        self.program = Program(serve, self._gates_folder / "station.log")
        self._stack.callback(self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def trust(self) -> Trust:
        """Its authority, opened beside it."""
        return open_trust(keys.open_station(self.folder))

    @property
    def broker(self) -> Place:
        """Where its broker listens."""
        return Place(HOST, self.port)

    @property
    def enrolment(self) -> Place:
        """Where gates join."""
        return Place(HOST, self.enrol_port)

    def start(self) -> Self:
        """Run ``station serve`` until it serves."""
        before = len(self.events("connected"))
        self.program.start()
        self.until(lambda: len(self.events("connected")) > before)
        return self

    def until(self, so: Any, within_s: float = STARTED_S) -> Any:
        """What *so* answers once that is true; the station's last words otherwise."""
        return until(so, within_s, lambda: self.program.last_words)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What ``serve`` told under that name, so far."""
        found = []
        for line in self.program.log.splitlines():
            if line.startswith("{") and line.endswith("}"):
                value = json.loads(line)
                if value.get("event") == name:
                    found.append(value)
        return found

    def run(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """A ``station`` command to its end."""
        return said(gatehouse("station", *words, "--dir", self.folder, "--json"), code)

    def token(self, node: str, *more: str) -> str:
        """A join token."""
        return str(self.run("token", f"{SITE}/{node}", *more)["token"])

    def gate(self, node: str, **sections: Section) -> TrustedGate:
        """A gate that has not joined yet."""
        made = TrustedGate(self, self._gates_folder / node, node, sections)
        self._stack.callback(made.agent.kill)
        return made

    def stored(self) -> set[str]:
        """Ids of every alert that the station stored."""
        path = self.folder / "station.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT id FROM messages WHERE channel='alert'")
            return {str(row[0]) for row in rows}

    def malformed(self) -> list[str]:
        """What the station could not use, and why."""
        path = self.folder / "station.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT topic, problems FROM malformed").fetchall()
        return [f"{topic}: {problems}" for topic, problems in rows]

    def broker_pid(self) -> int:
        """The newest broker's process."""
        return int(self.events("broker-started")[-1]["pid"])

    def _stop(self) -> None:
        if self.program.running:
            self.program.stop()


class TrustedGate(Local):
    """One gate: its folder, its configuration, its agent."""

    def __init__(
        self, station: TrustedStation, folder: Path, node: str, sections: dict[str, Section]
    ) -> None:
        self.station, self.folder, self.node = station, folder, node
        self.address = Address(STATION, SITE, node)
        self.config_path = folder / "gate.yaml"
        folder.mkdir()
        config = self.config = gate_config(
            folder, [("127.0.0.1", 1)], folder / "none.json", **sections
        )
        config["node"] |= {"node": node}
        del config["node"]["trusted_keys"]
        self.config_path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        self.identity = IdentityFolder(folder / "data" / "identity")
        run = gatehouse("run", "--config", self.config_path)
        self.agent = Program(run, folder / "agent.log")

    def command(self, name: str, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """A command at the gate to its end."""
        return said(gatehouse(name, *words, "--config", self.config_path, "--json"), code)

    def join(self, *token_words: str) -> dict[str, Any]:
        """``init`` and ``join`` with a fresh token."""
        self.command("init")
        return self.command("join", self.station.token(self.node, *token_words))

    def start(self) -> Self:
        """Run the agent until its link is up."""
        self.agent.start()
        until(lambda: self.status().get("link"), STARTED_S, lambda: self.agent.last_words)
        return self

    def delivered(self, within_s: float = STARTED_S) -> None:
        """Wait until nothing waits for the station any more."""

        def empty() -> bool:
            return bool(self.status().get("outbox", {}).get("pending", 1) == 0)

        until(empty, within_s, lambda: self.agent.last_words)


def said(command: list[str], code: int) -> dict[str, Any]:
    """What a command with ``--json`` said; AssertionError for another exit code."""
    done: subprocess.CompletedProcess[str] = run_to_end(command, timeout_s=COMMAND_S)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    value: dict[str, Any] = json.loads(done.stdout)
    return value
