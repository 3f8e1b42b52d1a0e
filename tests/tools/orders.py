"""Commands as a person at the station types them, against a whole site."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.tools.program import REPO, environment, gatehouse, run_to_end
from tests.tools.site import Site

GATE_NAME = "liya-garden/gate-1"
Answer = tuple[int, dict[str, Any]]


def line(folder: Path, name: str, *options: str) -> list[str]:
    """The command line."""
    place = ["--dir", str(folder / "station"), "--json"]
    return gatehouse("station", "send", GATE_NAME, name, *options, *place)


def order(site: Site, name: str, *options: str) -> Answer:
    """Send a command and wait for its result: exit code and answer."""
    done = run_to_end(line(site.folder, name, *options), timeout_s=60)
    return done.returncode, json.loads(done.stdout)


class Ordered:
    """A command that is sent while the test goes on."""

    def __init__(self, site: Site, name: str, *options: str) -> None:
        self._process = subprocess.Popen(
            line(site.folder, name, *options),
            cwd=REPO,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def answer(self, within_s: float = 60.0) -> Answer:
        """Exit code and answer, once it ended."""
        code = self._process.wait(within_s)
        self._reader.join(within_s)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code, json.loads(self._said)

    def _read(self) -> None:
        if self._process.stdout is not None:
            self._said = self._process.stdout.read()
