"""The real ``station`` commands as processes, for e2e tests."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from station import keys

REPO = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "station.cli")
ANSWER_S = 15.0

Line = dict[str, Any]


def run_station(*args: str, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [*COMMAND, *args],
        cwd=REPO,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def environment() -> dict[str, str]:
    """Ours, without what changes how a terminal looks."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "LANG"}
    return {**kept, "LANG": "en_US.UTF-8", "COLUMNS": "120", "NO_COLOR": "1"}


def init_station(folder: Path, station: str = "cancheng") -> Path:
    """A fresh station's folder, as ``station init`` makes it."""
    return keys.init(folder, station, "禅城派出所").folder


class Process:
    """A command that runs on and prints lines of JSON."""

    def __init__(self, args: Sequence[str], *, command: Sequence[str] = COMMAND) -> None:
        self._args = [*command, *args]
        self._lines: list[Line] = []
        self._incoming: queue.Queue[Line | None] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._args,
            cwd=REPO,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self.process
        if process.poll() is None:
            process.kill()
        process.wait(ANSWER_S)
        self._reader.join(ANSWER_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    @property
    def process(self) -> subprocess.Popen[str]:
        """The child."""
        assert self._process is not None
        return self._process

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, timeout_s: float = ANSWER_S) -> int:
        """Its exit code, once it ended."""
        return self.process.wait(timeout_s)

    def wait_line(self, wanted: Callable[[Line], bool], timeout_s: float = ANSWER_S) -> Line:
        """The next line that fits; lines before it are passed over."""
        until = time.monotonic() + timeout_s
        while True:
            try:
                line = self._incoming.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no such line; seen: {self._lines[-20:]}") from None
            assert line is not None, f"ended with {self.wait()}: {self._error()}"
            self._lines.append(line)
            if wanted(line):
                return line

    def wait_event(self, event: str, timeout_s: float = ANSWER_S) -> Line:
        """The next line of that event."""
        return self.wait_line(lambda line: line["event"] == event, timeout_s)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self._incoming.put(json.loads(text))
        self._incoming.put(None)

    def _error(self) -> str:
        return self.process.stderr.read() if self.process.stderr is not None else ""


def serving(folder: Path, address: str, *more: str) -> Process:
    """``station serve --json``; enter it and wait for ``connected``."""
    return Process(["serve", "--dir", str(folder), "--broker", address, "--json", *more])
