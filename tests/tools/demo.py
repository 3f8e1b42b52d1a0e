"""``gatehouse demo`` as a process that tests start, read, signal and clean up after.

Here: the process, its lines, its family, what it left. Not here: what should have happened.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from tests.tools.outbox import waiting
from tests.tools.program import environment, gatehouse, until

STARTED_S = 120.0
END_S = 20.0
Line = dict[str, Any]


class Demo:
    """One ``gatehouse demo`` with its own home, scratch and working folder below *folder*.

    *packs* and *photos* are copied, so that nothing has to be fetched.
    """

    def __init__(self, folder: Path, packs: Path, photos: Path, *options: str) -> None:
        self.made = folder / "gatehouse"
        self.elsewhere = [folder / name for name in ("home", "scratch", "work")]
        for place in (*self.elsewhere, self.made / "demo"):
            place.mkdir(parents=True)
        shutil.copytree(packs, self.made / "models")
        shutil.copytree(photos, self.made / "demo" / "photos")
        self._options = options
        self._said, self._errors = folder / "said", folder / "errors"
        self._process: subprocess.Popen[bytes] | None = None
        self.family: set[psutil.Process] = set()

    @property
    def env(self) -> dict[str, str]:
        """What its shell sets."""
        home, scratch, _ = map(str, self.elsewhere)
        return environment(HOME=home, TMPDIR=scratch, GATEHOUSE_HOME=str(self.made))

    def start(self) -> None:
        """Start it."""
        with self._said.open("wb") as said, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                gatehouse("demo", "--json", *self._options),
                cwd=self.elsewhere[2],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=errors,
            )

    def lines(self) -> list[Line]:
        """What it printed so far; every whole line is JSON."""
        return [json.loads(line) for line in self._said.read_text("utf-8").split("\n")[:-1]]

    def line(self, wanted: Callable[[Line], bool], within_s: float = STARTED_S) -> Line:
        """The first line that is *wanted*, once it is printed."""

        def look() -> Line | None:
            self._note_family()
            return next(filter(wanted, self.lines()), None)

        found = until(look, within_s, self.told)
        assert found is not None
        return found

    def alert(self, kind: str, *, replayed: bool = False) -> Line:
        """An alert as it was first shown."""
        return self.line(
            lambda x: (x["event"], x.get("kind"), x.get("replayed")) == ("alert", kind, replayed)
        )

    def scene(self, number: int) -> float:
        """The moment at which that scene had begun; monotonic seconds."""
        self.line(lambda line: line["event"] == "scene" and line["text"].startswith(f"{number}/"))
        return time.monotonic()

    def port(self) -> int:
        """The broker's, which it told at its start."""
        started = self.line(lambda line: line["event"] == "started")
        found = re.search(r"port (\d+)$", started["broker"])
        assert found is not None
        return int(found[1])

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, and to nobody else."""
        self._note_family()
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, within_s: float = END_S) -> int:
        """Its exit code, once it ended."""
        assert self._process is not None
        until(
            lambda: self._process is None or self._process.poll() is not None, within_s, self.told
        )
        return int(self._process.returncode)

    def told(self) -> str:
        """Everything that it said."""
        logs = sorted((self.made / "demo" / "log").glob("*.log"))
        paths = (self._said, self._errors, *logs)
        return "\n".join(f"-- {p.name}\n{p.read_text('utf-8', 'replace')[-3000:]}" for p in paths)

    def left(self) -> list[psutil.Process]:
        """Which of the processes that it ever had still run."""
        return [child for child in self.family if child.is_running()]

    def litter(self) -> list[Path]:
        """What was made outside its folder."""
        return [path for place in self.elsewhere for path in place.rglob("*")]

    def rows(self, query: str, name: str = "station/station.db") -> list[tuple[Any, ...]]:
        """What stands in a database that it left."""
        uri = (self.made / "demo" / name).as_uri()
        with closing(sqlite3.connect(f"{uri}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    def left_in_outbox(self) -> int:
        """Messages that the gate still keeps for the station."""
        return len(waiting(self.made / "demo" / "data"))

    def kill(self) -> None:
        """Leave nothing behind, whatever happened; safe after its end."""
        if self._process is not None:
            self._note_family()
            self._process.kill()
            self._process.wait(END_S)
        for child in self.left():
            child.kill()

    def _note_family(self) -> None:
        assert self._process is not None
        try:
            self.family.update(psutil.Process(self._process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return
