"""A network of its own for a program under test, whose packets are lost or slow.

A Linux network namespace with nothing but a loopback of the size of a real line (MTU 1500). Every
packet on it passes a classic BPF filter that drops at random, in both directions, and a token
bucket that bounds the rate: TCP has to repeat itself as on a bad line. Needs root and ``tc``;
netem is not needed (many kernels have none).

    with Namespace() as bad, Proxy(host, port, listener=bad.listen()) as proxy:
        site.agent.command = bad.command(site.agent.command)
        bad.impair(loss=0.3, kbit=64)
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CLONE_NEWNET = 0x40000000
HOST = "127.0.0.1"
RANDOM_WORD = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM: a fresh random 32-bit word
SHOT, UNSPEC = 2, 0xFFFFFFFF


@functools.cache
def missing() -> str:
    """Why there are no namespaces here; empty when there are."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [name for name in ("ip", "tc", "nsenter") if shutil.which(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (apt-get install iproute2)"
    try:
        with Namespace() as tried:
            tried.impair(loss=0.5, kbit=64)
    except subprocess.CalledProcessError as error:
        return f"the kernel refuses: {error.stderr.decode().strip()}"
    return ""


class Namespace:
    """A context manager; the namespace lives within it."""

    def __init__(self) -> None:
        self.name = f"gatehouse-{os.urandom(4).hex()}"

    def __enter__(self) -> Self:
        _do("ip", "netns", "add", self.name)
        try:
            self._inside("ip", "link", "set", "lo", "mtu", "1500", "up")
            self._inside("tc", "qdisc", "add", "dev", "lo", "clsact")
        except subprocess.CalledProcessError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _do("ip", "netns", "delete", self.name)

    @property
    def path(self) -> Path:
        """The namespace as a file."""
        return Path("/run/netns") / self.name

    def command(self, command: Sequence[str]) -> list[str]:
        """*command*, run in here, by the same process id."""
        return ["nsenter", f"--net={self.path}", "--", *command]

    def impair(self, *, loss: float = 0.0, kbit: int | None = None) -> None:
        """From now on lose that share of all packets (1: all), and carry so many kbit a second."""
        self._inside("tc", "filter", "del", "dev", "lo", "egress")
        if loss:
            below = min(round(loss * (1 << 32)), UNSPEC)
            program = f"4,32 0 0 {RANDOM_WORD},53 1 0 {below},6 0 0 {SHOT},6 0 0 {UNSPEC}"
            words = ["bpf", "da", "bytecode", program]
            self._inside("tc", "filter", "add", "dev", "lo", "egress", *words)
        if kbit is not None:
            rate = ["tbf", "rate", f"{kbit}kbit", "burst", "2kb", "latency", "2s"]
            self._inside("tc", "qdisc", "replace", "dev", "lo", "root", *rate)

    def adopt(self, address: str) -> None:
        """Be reachable at another address, too: one of a network, as far as programs can tell."""
        self._inside("ip", "address", "add", f"{address}/32", "dev", "lo")

    def listen(self, host: str = HOST, port: int = 0) -> socket.socket:
        """A listening TCP socket in here, for a program outside."""
        return self.make(lambda: socket.create_server((host, port)))

    def make(self, make: Callable[[], socket.socket]) -> socket.socket:
        """The socket that *make* makes, as one in here."""
        made: list[socket.socket] = []

        def inside() -> None:
            with self.path.open("rb") as namespace:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(make())

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        return made[0]

    def _inside(self, *command: str) -> None:
        _do(*self.command(command))


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=10)
