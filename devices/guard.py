"""The guard of the gate relays, seen from the agent: a process that outlives it by a moment.

It is told of every pulse before the relay moves and after it is back, and sets the relay safe when
the agent dies or hangs in between. Here: its start and what it is told. Not here: what it does
(``devices.guard_child``).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from agent.config.schema.devices import GateRelay
from agent.config.schema.root import Config

log = logging.getLogger(__name__)

MODULE = "devices.guard_child"
END_S = 2.0
_ROOT = Path(__file__).resolve().parents[1]
_ENVIRONMENT = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}


class Watches(Protocol):
    """Who watches over pulses."""

    def arm(self, name: str, pin: int, *, level: bool, for_s: float) -> None:
        """Relay *name* leaves its safe *level* for *for_s* seconds. Never raises."""

    def disarm(self, name: str) -> None:
        """It is back. Never raises."""


class NoGuard:
    """Nobody watches: for parts on their own."""

    def arm(self, name: str, pin: int, *, level: bool, for_s: float) -> None:
        """Nobody hears."""

    def disarm(self, name: str) -> None:
        """Nobody hears."""


class Guard:
    """One guard process, started again when it is found dead. Never blocks, never raises."""

    def __init__(self, factory: str, work_dir: Path) -> None:
        """*factory* names the pins, *work_dir* is lgpio's."""
        self._arguments = (factory, str(work_dir))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; before lgpio is loaded, which does not survive a fork."""
        command = [sys.executable, "-P", "-m", MODULE, str(os.getpid()), *self._arguments]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, env=_ENVIRONMENT)
        except OSError as error:
            log.error("no guard for the gate relays: %s", error)  # noqa: TRY400 - expected
            return
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
        self._process = process

    @property
    def pid(self) -> int | None:
        """Its process id; None while it does not run."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def arm(self, name: str, pin: int, *, level: bool, for_s: float) -> None:
        """Relay *name* leaves its safe *level* for *for_s* seconds."""
        word = {"arm": name, "pin": pin, "level": level, "for_s": for_s}
        if self.pid is None or not self._tell(word):
            log.warning("the guard of the gate relays is gone; a new one is started")
            self._bury(kill=True)
            self.start()
            self._tell(word)

    def disarm(self, name: str) -> None:
        """It is back."""
        self._tell({"disarm": name})

    def close(self) -> None:
        """Let it go; relays are safe by now."""
        self._bury()

    def _tell(self, word: dict[str, object]) -> bool:
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            os.write(process.stdin.fileno(), json.dumps(word).encode() + b"\n")
        except OSError:
            return False
        return True

    def _bury(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def guard_of(config: Config) -> Guard | None:
    """The guard of a gate that has a relay to guard."""
    if not any(isinstance(output, GateRelay) for output in config.outputs.values()):
        return None
    return Guard(config.node.pin_factory, config.node.run_dir)
