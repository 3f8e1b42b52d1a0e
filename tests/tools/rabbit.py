"""A real RabbitMQ cluster for tests: three nodes with MQTT on loopback, each its own process.

Here: forming, healing and ending a cluster. Not here: a node (``tests.tools.rabbit_node``),
clients. Nothing of the machine's own RabbitMQ is touched: the nodes have names, ports, a cookie and
an ``epmd`` of their own, and all that they write lies below *folder*. Debian's 3.10 speaks 3.1.1.

    with Cluster(tmp_path) as cluster:
        connect_to(*cluster.addresses[0])
        cluster.nodes[0].kill()
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.tools.broker import HOST, ServerTls
from tests.tools.program import until
from tests.tools.rabbit_node import Node, quiet_port
from tests.tools.rabbit_rights import definitions

HEALED_S = 60.0
STOPPED_S = 30.0
REGISTERED_S = 30.0


class Cluster:
    """RabbitMQ nodes that know each other. A context manager that starts and always ends them."""

    def __init__(
        self,
        folder: Path,
        *,
        size: int = 3,
        quorum: bool = True,
        passwords: Mapping[str, str] | None = None,
        tls: ServerTls | None = None,
    ) -> None:
        """*passwords* of gates by user name; who gives no name is let in all the same.

        With *tls*, each node has a second listener, where certificates are asked for.
        """
        self._tls = tls
        self._definitions = definitions(passwords or {})
        self._folder = folder / f"rabbit-{os.urandom(4).hex()}"
        self._quorum = quorum
        self._epmd: subprocess.Popen[bytes] | None = None
        self._epmd_port = quiet_port()
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "COOKIE": secrets.token_hex(16),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
        }
        self._environment = environment
        tag = os.urandom(3).hex()
        self.nodes = [
            Node(self._folder / f"node-{number}", f"gh-{tag}-{number}@{HOST}", environment)
            for number in range(1, size + 1)
        ]

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text(self._environment["COOKIE"], encoding="ascii")
        cookie.chmod(0o400)
        names = [node.name for node in self.nodes]
        for node in self.nodes:
            node.write(names, self._definitions, quorum=self._quorum, tls=self._tls)
        try:
            self._epmd = subprocess.Popen(
                ["epmd", "-port", str(self._epmd_port), "-address", HOST],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._form()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for node in self.nodes:
            node.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(STOPPED_S)

    def _form(self) -> None:
        """Start one node after the other.

        Two that join at the same time may be refused by the register of MQTT clients, for good:
        such a node then takes no connection ("client ID registration timed out").
        """
        for node in self.nodes:
            node.start()
            node.await_up()
            until(node.welcomes, HEALED_S, node.last_words)

    def heal(self) -> None:
        """Start what was ended and wait until any one node may be ended without harm."""
        for node in self.nodes:
            if not node.running:
                node.start()
        for node in self.nodes:
            node.await_up()
        for node in self.nodes:
            _have_it_welcome(node)
        until(self._spares_any, HEALED_S, self._last_words)

    def _spares_any(self) -> bool:
        if all(node.spare() for node in self.nodes):
            return True
        for node in self.nodes:
            node.start_members()
        return False

    def _last_words(self) -> str:
        return "\n".join(f"{node.name}: {node.last_words()}" for node in self.nodes)

    def at(self, address: tuple[str, int]) -> Node:
        """The node that listens there."""
        return next(node for node in self.nodes if node.address == address)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every node's MQTT listener."""
        return [node.address for node in self.nodes]


def _have_it_welcome(node: Node) -> None:
    """Wait until it takes clients; started once more where the register of clients left it out."""
    try:
        until(node.welcomes, REGISTERED_S, node.last_words)
    except AssertionError:
        node.stop()
        node.start()
        node.await_up()
        until(node.welcomes, HEALED_S, node.last_words)
