"""In systemd's place: starts a service, restarts it when it ends, kills it when it is silent.

As the unit says: ``WatchdogSec`` (counted from READY) and ``RestartSec``. Every life is written
down, in monotonic seconds, so that a test can say how long each part of it took.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.tools.program import Program
from tests.tools.service import NotifySocket, values

UNITS = Path(__file__).parents[2] / "systemd"
HEAR_S = 0.05


@dataclass(slots=True)
class Life:
    """One start of the service: when it began, was ready, and ended; silent when it was killed."""

    began_s: float
    ready_s: float | None = None
    ended_s: float | None = None
    silent: bool = False
    code: int | None = None


class Supervisor:
    """Keeps *program* running as *unit* says. A context manager."""

    def __init__(self, program: Program, unit: str, notify: Path) -> None:
        self._program = program
        self._socket = NotifySocket(notify)
        self.watchdog_s = float(values(UNITS / unit, "WatchdogSec")[0])
        self.restart_s = float(values(UNITS / unit, "RestartSec")[0])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self.lives: list[Life] = []

    def __enter__(self) -> Self:
        self._socket.__enter__()
        microseconds = str(round(self.watchdog_s * 1e6))
        self._program.env |= {
            "NOTIFY_SOCKET": str(self._socket.path),
            "WATCHDOG_USEC": microseconds,
        }
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(20)
        self._program.kill()
        self._socket.__exit__(kind, error, trace)

    def ready(self, lives: int) -> bool:
        """True when that many lives began and the newest said READY."""
        return len(self.lives) >= lives and self.lives[-1].ready_s is not None

    def kill(self) -> None:
        """SIGKILL, as from outside; the service is started again."""
        self._program.send(signal.SIGKILL)

    def _run(self) -> None:
        while not self._over.is_set():
            life = Life(time.monotonic())
            self._program.start()
            self.lives.append(life)
            self._watch(life)
            self._over.wait(self.restart_s)

    def _watch(self, life: Life) -> None:
        heard_s = None
        pid = self._program.pid
        while not self._over.is_set():
            word = self._socket.word(HEAR_S)
            if word is not None and word.pid == pid:
                if word.text.startswith("READY=1"):
                    life.ready_s = heard_s = word.monotonic_s
                elif word.text.startswith("WATCHDOG=1"):
                    heard_s = word.monotonic_s
            if not self._program.running:
                life.ended_s, life.code = time.monotonic(), self._program.wait()
                return
            if heard_s is not None and time.monotonic() - heard_s > self.watchdog_s:
                life.ended_s, life.silent = time.monotonic(), True
                self._program.kill()
                return
