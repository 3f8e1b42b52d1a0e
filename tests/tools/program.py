"""One of our programs as a process that tests start, signal and read the log of.

Here: processes and waiting. Not here: what the programs are told (``tests.tools.site``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

REPO = Path(__file__).resolve().parents[2]
POLL_S = 0.02
MAX_POLL_S = 0.1
STOP_S = 15.0
SHOWN_LINES = 15
_FOREIGN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "STATE_DIRECTORY", "GATEHOUSE_CONFIG")
_T = TypeVar("_T")


def until(so: Callable[[], _T], within_s: float, told: Callable[[], object] = str) -> _T:
    """What *so* answers once that is true; AssertionError with what *told* says otherwise.

    Who waits long is asked less often: a look costs the programs that are waited for, too.
    """
    began_s = time.monotonic()
    while not (answer := so()):
        waited_s = time.monotonic() - began_s
        if waited_s >= within_s:
            raise AssertionError(f"not so within {within_s:g} s\n{told()}")
        time.sleep(min(max(POLL_S, waited_s / 20), MAX_POLL_S))
    return answer


def gatehouse(*arguments: str | Path) -> list[str]:
    """The command line of ``gatehouse``, as the demo starts it."""
    return [sys.executable, "-P", "-m", "provisioning", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """Ours without what a service manager would set, with *more*; programs find ``tests`` too."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**kept, "PYTHONPATH": str(REPO), "NO_COLOR": "1", "COLUMNS": "120", **more}


def run_to_end(
    command: Sequence[str], *, timeout_s: float = 30.0, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command to its end, with what it said."""
    return subprocess.run(
        command,
        cwd=REPO,
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


class Program:
    """A process that can be started again and again; all it ever said stands in one log."""

    def __init__(
        self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.command = list(command)
        self.env = dict(env or {})
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it must not run."""
        assert self._process is None, "it runs already"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=REPO,
                env=environment(**self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        """True from its start to its end."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """Everything that it said so far, over all its starts."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join([f"-- {self._log.name}:", *self.log.splitlines()[-SHOWN_LINES:]])

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and reap it; safe when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(STOP_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it in order; its exit code."""
        self.send(number)
        return self.wait()

    def wait(self, within_s: float = STOP_S) -> int:
        """Its exit code, once it ended."""
        assert self._process is not None, "it does not run"
        code = self._process.wait(within_s)
        self._process = None
        return code
