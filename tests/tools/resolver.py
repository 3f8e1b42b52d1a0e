"""A name server that lies, for one program in a network namespace of its own.

The program sees, in a mount namespace of its own too, a resolver configuration that asks this
server for every name, ``localhost`` included. Nothing of the machine is changed. Needs root.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.tools.netns import Namespace

PORT = 53
TYPE_A = 1
NO_SUCH_NAME = 3
_MOUNTED = """\
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
shift
exec "$@"
"""


class Lie(StrEnum):
    """What the server says of every name, besides an address."""

    NOTHING = "no answer at all"
    NO_NAME = "there is no such name"


class Resolver:
    """A context manager; ``says`` is a Lie, or the IPv4 address that every name gets."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self._namespace = namespace
        self._folder = folder
        self._thread = threading.Thread(target=self._run, name="resolver", daemon=True)
        self.says: Lie | str = Lie.NO_NAME
        self.asked = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        settings = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
        (self._folder / "resolv.conf").write_text(settings, encoding="utf-8")
        (self._folder / "nsswitch.conf").write_text("hosts: dns\n", encoding="utf-8")
        self._socket = self._namespace.make(_bound)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # it is not connected, and wakes its reader all the same
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def command(self, command: Sequence[str]) -> list[str]:
        """*command*, in the namespace and with this resolver, by the same process id."""
        mounted = ["unshare", "--mount", "--", "sh", "-ec", _MOUNTED, "sh", str(self._folder)]
        return self._namespace.command([*mounted, *command])

    def _run(self) -> None:
        while True:
            try:
                query, peer = self._socket.recvfrom(512)
            except OSError:
                return
            if not query:
                return
            self.asked += 1
            if self.says is not Lie.NOTHING:
                self._socket.sendto(self._answer(query), peer)

    def _answer(self, query: bytes) -> bytes:
        """RFC 1035, one question: its own words back, with one address or none."""
        end = query.index(0, 12) + 5
        asked_type = int.from_bytes(query[end - 4 : end - 2], "big")
        refused = self.says is Lie.NO_NAME
        found = not refused and asked_type == TYPE_A
        flags = (0x8180 | (NO_SUCH_NAME if refused else 0)).to_bytes(2, "big")
        counts = bytes([0, 1, 0, int(found), 0, 0, 0, 0])
        answer = b""
        if found:
            address = ipaddress.IPv4Address(str(self.says)).packed
            answer = bytes([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]) + address
        return query[:2] + flags + counts + query[12:end] + answer


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", PORT))
    return made
