"""The demo's programs as child processes: started from lists, stopped by id, logs kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.core.errors import CheckFailedError

STOP_S = 10.0


class Child:
    """One program. Its output goes to a log file; it ends when we do."""

    def __init__(self, name: str, command: Sequence[str], logs: Path) -> None:
        self.name = name
        self._command = command
        self._log_path = logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a session of its own, so that Ctrl-C reaches only us."""
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*_tied_to_us(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._process is None else self._process.pid

    def check(self) -> None:
        """CheckFailedError with its last words when it ended on its own."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            raise CheckFailedError(f"{self.name} ended with code {code}:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        try:
            lines = self._log_path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-12:])

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when that was not heard for ten seconds."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def gatehouse(*arguments: str) -> list[str]:
    """The command line of one of our own programs."""
    return [sys.executable, "-P", "-m", "provisioning", *arguments]


def _tied_to_us() -> list[str]:
    """A wrapper that ends the child when this process dies, where util-linux has it."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM"] if found and os.name == "posix" else []
