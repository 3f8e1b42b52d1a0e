"""A control group with a limit on memory: the kernel kills what outgrows it, as under a unit.

Made below this process's own group (cgroup v1) or beside it (v2), where root may and the kernel
counts memory; ``missing()`` says why not.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.tools.program import until

ROOT = Path("/sys/fs/cgroup")
EMPTY_S = 10.0
_JOIN = 'echo $$ > "$0" && exec "$@"'


def missing() -> str:
    """Why no group can be made here; empty when one can."""
    try:
        with MemoryGroup(1 << 30):
            return ""
    except OSError as error:
        return f"no control group for memory can be made: {error}"


class MemoryGroup:
    """A context manager; what still runs in it at its end is waited for."""

    def __init__(self, limit: int) -> None:
        """*limit* in bytes; OSError on entering where none can be made."""
        self._limit = limit
        self._folder = Path()

    def __enter__(self) -> Self:
        parent, self._first = _parent()
        self._folder = parent / f"gatehouse-{secrets.token_hex(4)}"
        self._folder.mkdir()
        try:
            name = "memory.limit_in_bytes" if self._first else "memory.max"
            (self._folder / name).write_text(str(self._limit), encoding="ascii")
        except OSError:
            self._folder.rmdir()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        until(lambda: not (self._folder / "cgroup.procs").read_text("utf-8"), EMPTY_S)
        self._folder.rmdir()

    def inside(self, command: list[str]) -> list[str]:
        """*command*, which then begins its life in the group."""
        return ["sh", "-c", _JOIN, str(self._folder / "cgroup.procs"), *command]

    @property
    def kills(self) -> int:
        """How many processes the kernel killed here for their memory."""
        name = "memory.oom_control" if self._first else "memory.events"
        told = (self._folder / name).read_text("utf-8")
        found = re.search(r"^oom_kill (\d+)$", told, re.MULTILINE)
        return int(found[1]) if found else 0


def _parent() -> tuple[Path, bool]:
    """Where a group can be made, and whether that is cgroup v1; OSError where nowhere."""
    if os.geteuid() != 0:
        raise PermissionError("only root can make one")
    groups = Path("/proc/self/cgroup").read_text("utf-8")
    first = re.search(r"^\d+:memory:(/.*)$", groups, re.MULTILINE)
    if first and (ROOT / "memory").is_dir():
        return ROOT / "memory" / first[1].lstrip("/"), True
    second = re.search(r"^0::/(.+)$", groups, re.MULTILINE)
    parent = (ROOT / second[1]).parent if second else ROOT
    if "memory" not in (parent / "cgroup.subtree_control").read_text("utf-8").split():
        raise FileNotFoundError(f"{parent} hands no memory on")
    return parent, False
