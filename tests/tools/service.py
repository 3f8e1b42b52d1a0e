"""In systemd's place: hears what a service says, reads units, refuses the system calls they forbid.

A unit's filter is stood in for by strace, which answers EPERM to every call that systemd-analyze
says is not allowed; the kernel then treats the program as under the unit, call by call.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.tools.program import Program

_CREDENTIALS = struct.Struct("iII")
STRACE_STARTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")


@dataclass(frozen=True, slots=True)
class Word:
    """One datagram: who sent it, what it says, when it came."""

    pid: int
    text: str
    monotonic_s: float


class NotifySocket:
    """The other end of $NOTIFY_SOCKET. A context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(str(self.path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def word(self, within_s: float) -> Word | None:
        """The next word; None when none comes in that time."""
        self._socket.settimeout(max(within_s, 0.001))
        try:
            data, beside, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        except TimeoutError:
            return None
        pid, _, _ = _CREDENTIALS.unpack(beside[0][2])
        return Word(pid, data.decode(), time.monotonic())

    def until(self, wanted: str, within_s: float) -> list[Word]:
        """Every word up to the one that starts with *wanted*; AssertionError when none does."""
        heard: list[Word] = []
        end_s = time.monotonic() + within_s
        while not heard or not heard[-1].text.startswith(wanted):
            word = self.word(end_s - time.monotonic())
            assert word is not None, f"no {wanted} within {within_s} s after {heard}"
            heard.append(word)
        return heard

    def during(self, seconds: float) -> list[Word]:
        """Everything that is said in that time."""
        heard = []
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            word = self.word(left_s)
            if word is not None:
                heard.append(word)
        return heard


def values(unit: Path, key: str) -> list[str]:
    """What a unit says for *key*, each time it does."""
    lines = unit.read_text("utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def forbidden(unit: Path) -> list[str]:
    """The system calls that the unit's SystemCallFilter refuses."""
    allowed: set[str] = set()
    for line in values(unit, "SystemCallFilter"):
        named = set().union(*(_calls(name) for name in line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return sorted(_calls("@known") - allowed)


@cache
def _calls(name: str) -> frozenset[str]:
    """A system call, or those of a group and the groups in it."""
    if not name.startswith("@"):
        return frozenset({name})
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = [line.strip() for line in said.splitlines() if line.startswith(" ")]
    return frozenset().union(*(_calls(call) for call in listed if not call.startswith("#")))


def cannot_confine() -> str:
    """Why no program can be run as under its unit here; empty when it can."""
    packages = {"strace": "strace", "setpriv": "util-linux", "systemd-analyze": "systemd"}
    missing = [package for tool, package in packages.items() if not shutil.which(tool)]
    if missing:
        return f"apt-get install {' '.join(missing)}"
    return "" if os.geteuid() == 0 else "only root can take every capability away"


class Confined:
    """Runs *program* without a capability and without the calls that *unit* forbids.

    A context manager around its life; ``trace`` then holds what was refused, and each socket and
    executable mapping that was made.
    """

    def __init__(self, program: Program, unit: Path, trace: Path, groups: str = "") -> None:
        self._program = program
        self.trace = trace
        refused = ",".join(f"?{name}" for name in forbidden(unit))
        program.command = [
            *STRACE_STARTS,
            *([f"--groups={groups}"] if groups else ["--clear-groups"]),
            *("strace", "-f", "--seccomp-bpf", "-qq", "-o", str(trace)),
            *("-e", f"trace={refused},socket,mmap,mprotect", "-e", f"inject={refused}:error=EPERM"),
            *program.command,
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind: a tracee outlives a tracer that is killed."""
        if self._program.running:
            for child in psutil.Process(self._program.pid).children(recursive=True):
                child.kill()

    @property
    def main(self) -> psutil.Process:
        """The program itself, which is strace's child."""
        (main,) = psutil.Process(self._program.pid).children()
        return main

    def stop(self) -> int:
        """End the program in order; its exit code."""
        self.main.send_signal(signal.SIGTERM)
        return self._program.wait()

    def traced(self, *parts: str) -> list[str]:
        """Lines of the trace that hold all *parts*."""
        lines = self.trace.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if all(part in line for part in parts)]
