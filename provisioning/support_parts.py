"""The parts of a support bundle, each gathered on its own: one that cannot be had says why.

Here: asking the agent, the service manager, the disk and the clock. Not here: what is taken out
(``provisioning.support_cleaner``), the archive (``provisioning.bundle``).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from agent.audit.folder import files_of, read_head
from agent.audit.record import MAX_LINE
from agent.config.last_good import Opened
from agent.config.schema.root import Config
from agent.core.clock import format_utc
from agent.core.errors import CheckFailedError, GatehouseError, UnreachableError
from agent.runtime.clock import SystemClock
from agent.runtime.time_source import ask_systemd
from agent.runtime.version import VERSION
from agent.vault import AUDIT_FOLDER, RESIDENTS
from provisioning.call import ask_agent
from provisioning.support_cleaner import Cleaner, shown_config

UNITS = ("gatehouse.service", "gatehouse-vision.service")
_UNIT_FACTS = (
    "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStartTimestamp,ExecMainStatus,"
    "MemoryCurrent,MemoryPeak,CPUUsageNSec,WatchdogUSec"
)
_STATUS = ("gate", "version", "session", "link", "healthy", "inputs", "outputs", "components",
           "issues", "outbox")  # fmt: skip
_ANSWER_S = 20.0
_LOG_LINES = 2000
_LOG_BYTES = 1 << 20
_MOST_FILES = 1000
_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
_MODEL = Path("/proc/device-tree/model")

Make = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the bundle; ``left_out`` says why it is not there."""

    name: str
    text: str
    left_out: str = ""


class Gathering:
    """Everything that a bundle may hold, of the gate that *config* describes."""

    def __init__(self, config: Path, opened: Opened | None, fault: str, cleaner: Cleaner) -> None:
        """*opened* is None when the configuration cannot be used; *fault* then says why."""
        self._path = config
        self._opened = opened
        self._fault = fault
        self._cleaner = cleaner

    def parts(self, logs: list[Path]) -> Iterator[Part]:
        """Each part, cleaned."""
        yield self._json("about.json", about)
        yield self._json("config.json", self._config)
        yield self._json("status.json", self._status)
        yield self._json("machine.json", lambda: machine(self._folders()))
        yield self._json("audit.json", lambda: audit_head(self._known().node.data_dir))
        yield self._json("packages.json", packages)
        yield self._part("units.txt", units)
        yield self._part("journal.txt", journal)
        for number, path in enumerate(logs, start=1):
            yield self._part(f"log-{number}-{path.name}", partial(tail, path))

    def _part(self, name: str, make: Make) -> Part:
        try:
            text = make()
        except (GatehouseError, OSError) as error:
            return Part(name, "", self._cleaner.text(str(error)))
        return Part(name, self._cleaner.text(text))

    def _json(self, name: str, make: Callable[[], Mapping[str, Any]]) -> Part:
        try:
            value = self._cleaner.value(make())
        except (GatehouseError, OSError) as error:
            return Part(name, "", self._cleaner.text(str(error)))
        return Part(name, json.dumps(value, ensure_ascii=False, indent=1) + "\n")

    def _known(self) -> Config:
        if self._opened is None:
            raise CheckFailedError(f"the configuration cannot be used: {self._fault}")
        return self._opened.config

    def _config(self) -> Mapping[str, Any]:
        config = self._known()
        problems = [str(problem) for problem in self._opened.problems] if self._opened else []
        return {"runs": shown_config(config), "problems_of_the_newer_file": problems}

    def _status(self) -> Mapping[str, Any]:
        """What the agent says of itself, without the name that people gave the gate."""
        self._known()
        answer = ask_agent(self._path, "status")
        kinds = Counter(key.split(":", 1)[0] for key in answer["incidents"])
        return {**{name: answer[name] for name in _STATUS}, "open_incidents": dict(kinds)}

    def _folders(self) -> dict[str, Path]:
        known = {"/": Path("/")}
        if self._opened is None:
            return known
        node = self._opened.config.node
        return {**known, "data_dir": node.data_dir, "run_dir": node.run_dir}


def about() -> Mapping[str, Any]:
    """Which program this is, on what."""
    return {
        "gatehouse": VERSION,
        "made_at": format_utc(SystemClock().utc_ns()),
        "python": platform.python_version(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "model": _read(_MODEL).rstrip("\0"),
        "uid": os.geteuid(),
    }


def packages() -> Mapping[str, Any]:
    """What is installed beside the program, to be held against the bill of materials."""
    return dict(sorted((one.metadata["Name"], one.version) for one in distributions()))


def machine(folders: Mapping[str, Path]) -> Mapping[str, Any]:
    """Disk, memory, clock: the facts behind half of all calls."""
    clock = SystemClock()
    kernel_synced = clock.synced()
    synced = asyncio.run(ask_systemd()) if clock.refused else kernel_synced
    data = folders.get("data_dir")
    return {
        "clock": {
            "utc": format_utc(clock.utc_ns()),
            "synced": synced,
            "offset_ms": clock.offset_ms(),
            "uptime_s": round(clock.monotonic_ns() / 1e9),
            "boot_id": clock.boot_id,
        },
        "load": os.getloadavg(),
        "memory_kib": _memory(),
        "temperature_millidegrees": _read(_THERMAL),
        "disks": {name: _disk(path) for name, path in folders.items()},
        "files": {} if data is None else _files(data),
    }


def audit_head(data_dir: Path) -> Mapping[str, Any]:
    """How far the audit log goes, by its last record and by what is remembered beside it."""
    folder = data_dir / AUDIT_FOLDER
    files = files_of(folder)
    if not files:
        raise CheckFailedError(f"{folder} holds no log that can be read")
    kept = read_head(folder)
    return {
        "newest": _last_record(files[-1]),
        "remembered": None if kept is None else {"n": kept.head.n, "hash": kept.head.hash},
        "files": {path.name: path.stat().st_size for path in files},
    }


def _last_record(path: Path) -> Mapping[str, Any] | None:
    """Number, time and hash of the last whole record; None where there is none."""
    whole = _end(path, 2 * MAX_LINE).rpartition("\n")[0]
    try:
        value = json.loads(whole.rpartition("\n")[2])
        return {name: value[name] for name in ("n", "at", "hash")}
    except (ValueError, KeyError, TypeError):
        return None


def units() -> str:
    """How the service manager sees the two programs."""
    return _said(["systemctl", "show", "--no-pager", f"--property={_UNIT_FACTS}", *UNITS])


def journal() -> str:
    """The last lines of both programs in the journal."""
    named = [f"--unit={name}" for name in UNITS]
    lines = [f"--lines={_LOG_LINES}", "--output=short-iso", "--no-hostname", "--no-pager"]
    said = _said(["journalctl", "--quiet", *lines, *named])
    if not said.strip():
        raise CheckFailedError("the journal holds nothing of them that may be read here")
    return said


def tail(path: Path) -> str:
    """The last lines of a log file."""
    return "".join(_end(path, _LOG_BYTES).splitlines(keepends=True)[-_LOG_LINES:])


def _end(path: Path, most: int) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - most))
        return file.read(most).decode("utf-8", "replace")


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_ANSWER_S,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise UnreachableError(f"there is no {command[0]} here: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(f"{command[0]} does not answer") from error
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise UnreachableError(f"{command[0]}: {told}")
    return done.stdout


def _disk(path: Path) -> Mapping[str, Any]:
    try:
        found = os.statvfs(path)
    except OSError as error:
        return {"error": error.strerror}
    return {
        "bytes": found.f_blocks * found.f_frsize,
        "free": found.f_bavail * found.f_frsize,
        "inodes": found.f_files,
        "inodes_free": found.f_favail,
        "read_only": bool(found.f_flag & os.ST_RDONLY),
    }


def _files(folder: Path) -> Mapping[str, Any]:
    """Names, sizes and modes below the data folder; never what is in a file.

    Of residents not even how many there are.
    """
    found: dict[str, Any] = {}
    told = (path for path in sorted(folder.rglob("*")) if folder / RESIDENTS not in path.parents)
    for path in itertools.islice(told, _MOST_FILES):
        try:
            about_it = path.lstat()
        except OSError:
            continue
        found[str(path.relative_to(folder))] = {
            "bytes": about_it.st_size,
            "mode": oct(about_it.st_mode),
            "changed": format_utc(about_it.st_mtime_ns),
        }
    return found


def _memory() -> Mapping[str, int]:
    rows = (line.split() for line in _read(Path("/proc/meminfo")).splitlines())
    wanted = ("MemTotal:", "MemAvailable:", "SwapTotal:", "SwapFree:")
    return {row[0].rstrip(":"): int(row[1]) for row in rows if row and row[0] in wanted}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
