"""A station's own authority on RabbitMQ, step by step as docs/brokers.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.topics import Address
from tests.tools.broker import HOST, ServerTls, free_port
from tests.tools.program import Program, gatehouse
from tests.tools.rabbit import Cluster
from tests.tools.rabbit_node import MISSING, Node, rabbitmq
from tests.tools.site_config import SITE, STATION
from tests.tools.trusted import TrustedGate, TrustedStation

GATE = Address(STATION, SITE, "gate-1").client_id
USERS = {GATE: "unused", f"{STATION}.host": "unused"}
OUT_S = 30.0


def serving(station: TrustedStation, node: Node) -> Program:
    """``station serve`` on two addresses of a cluster whose first node is down."""
    own = station.trust.files
    brokers = f"{HOST}:{free_port()},{HOST}:{node.tls_port}"
    tls = ("--ca", own.authority, "--cert", own.host, "--key", own.host)
    words = ("--broker", brokers, "--protocol", "3.1.1", "--enrol", str(station.enrol_port), *tls)
    command = gatehouse("station", "serve", "--dir", station.folder, "--json", *words)
    return Program(command, station.folder.parent / "station.log")


def connections(gate: TrustedGate) -> int:
    """How often its link came up."""
    return gate.agent.log.count("link up")


def link_trouble(gate: TrustedGate) -> str:
    """Why its link is down; empty while it is up."""
    return str(gate.status()["components"]["link"].get("reason", ""))


@pytest.mark.skipif(rabbitmq() is None, reason=MISSING)
def test_a_gate_joins_is_heard_and_is_revoked(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        own = station.trust.files
        tls = ServerTls(own.authority, own.server, own.server)
        cluster = Cluster(tmp_path, size=1, passwords=USERS, tls=tls)
        (node,) = cluster.nodes
        node.tls_port = station.port
        with cluster:
            station.program = serving(station, node)
            station.start()
            gate = station.gate("gate-1", link={"protocol": "3.1.1"})
            gate.join()
            gate.start()
            gate.ask("sim", verb="press", name="panic-1", for_s=0.2)
            gate.delivered()
            assert station.stored()

            before = connections(gate)
            station.run("revoke", f"{SITE}/gate-1")
            station.until(lambda: station.events("dismissed"))
            assert station.events("dismiss-failed") == []
            station.until(lambda: connections(gate) > before)
            node.command("delete_user", GATE)
            node.command("close_all_user_connections", GATE, "revoked")
            station.until(lambda: "refuses the login" in link_trouble(gate), OUT_S)
