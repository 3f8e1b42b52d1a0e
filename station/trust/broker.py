"""The station's own mosquitto: a child of ``station serve``, kept running, reloaded on changes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from agent.core.errors import ConfigError
from station.trust.files import TrustFiles
from station.trust.questions import Tell

STOP_S = 10.0
SETTLED_S = 1.0
STEADY_S = 60.0
LONGEST_WAIT_S = 30.0
LOG_BYTES = 8 * 1024 * 1024
TOLD_LINES = 5
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def find_mosquitto() -> str:
    """Where mosquitto is; ConfigError says how to get it."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_PLACES}")
    if found is None:
        raise ConfigError(
            "mosquitto is not installed: apt-get install mosquitto, "
            "or name a running broker with --broker HOST:PORT"
        )
    return found


class OwnBroker:
    """One mosquitto with the generated configuration. Used by one thread."""

    def __init__(self, files: TrustFiles, tell: Tell, monotonic: Callable[[], float]) -> None:
        self._files = files
        self._tell = tell
        self._monotonic = monotonic
        self._program = find_mosquitto()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = float("-inf")
        self._again_s = float("-inf")
        self._failures = 0

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        return None if self._process is None else self._process.pid

    def keep(self) -> None:
        """Start it, or start it again when it ended; waits grow while it keeps ending."""
        now_s = self._monotonic()
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                if now_s - self._started_s > STEADY_S:
                    self._failures = 0
                return
            self._process = None
            wait_s = min(0.25 * 2.0 ** min(self._failures, 10), LONGEST_WAIT_S)
            self._failures += 1
            self._again_s = now_s + wait_s
            about = {"code": code, "said": self._last_words(), "retry_s": wait_s}
            self._tell("broker-ended", about)
        if now_s >= self._again_s:
            self._start(now_s)

    def reload(self) -> bool:
        """Have it read its files anew; False when it is not ready for that yet: ask again."""
        if self._process is None:
            return True
        if self._monotonic() - self._started_s < SETTLED_S:
            return False
        self._process.send_signal(signal.SIGHUP)
        return True

    def rotate_log(self) -> bool:
        """Put a long log aside; True when a reload is needed for that."""
        log = self._log
        try:
            if log.stat().st_size < LOG_BYTES:
                return False
            log.replace(log.with_suffix(".log.1"))
        except OSError:
            return False
        return True

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

    def _start(self, now_s: float) -> None:
        self._started_s = now_s
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*_tied_to_us(), self._program, "-c", str(self._files.config)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        self._tell("broker-started", {"pid": self._process.pid})

    @property
    def _log(self) -> Path:
        return self._files.broker / "mosquitto.log"

    @property
    def _errors(self) -> Path:
        return self._files.broker / "stderr.log"

    def _last_words(self) -> str:
        lines: list[str] = []
        for path in (self._errors, self._log):
            try:
                with path.open("rb") as file:
                    file.seek(max(path.stat().st_size - 4096, 0))
                    lines += file.read().decode("utf-8", "replace").splitlines()[-TOLD_LINES:]
            except OSError:
                continue
        return " | ".join(lines)


def _tied_to_us() -> list[str]:
    """A wrapper that ends the child when this process dies, where util-linux has it."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM"] if found else []
