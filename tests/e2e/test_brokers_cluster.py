"""What holds on three RabbitMQ nodes besides the suite of ``test_brokers``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.broker_site import (
    GAP_S,
    a_site,
    assert_sound,
    carrying,
    fresh,
    station_at,
    told,
)
from tests.tools.brokers import Nodes
from tests.tools.checker import Ledger
from tests.tools.orders import GATE_NAME
from tests.tools.site import Site
from tests.tools.stream import PER_S, Stream
from tests.tools.watchlists import reported, signed, station

ALARMS = 200
CHUNKED = 500
TOLD_S = 15.0
DRAINED_S = 60.0
ROUNDS = 4
STEADY_S = 32.0
TRIES = 5


def test_a_document_in_chunks_is_taken_at_another_node_when_it_is_sent_again(
    tmp_path: Path, cluster: Nodes
) -> None:
    """A node keeps for itself what was retained there (docs/brokers.md)."""
    fresh(cluster)
    with a_site(tmp_path, cluster) as site:
        site.start("station", "agent")
        out, made = signed(site, CHUNKED)
        settle_apart(site)
        assert station(site, "send", GATE_NAME, "watchlist", out)["chunks"] > 1
        site.until(lambda: "incomplete: chunk 1" in reported(site).get("refused", ""), 2 * TOLD_S)
        station(site, "send", GATE_NAME, "watchlist", out)
        site.until(lambda: reported(site).get("hash") == made["hash"], TOLD_S)
        assert len(site.ask("watchlist.list")["entries"]) == CHUNKED


def settle_apart(site: Site) -> None:
    """Gate and station at two nodes; a gate that a node turned away just now asks again."""
    for _ in range(TRIES):
        site.until(site.linked, TOLD_S)
        if carrying(site) != station_at(site):
            return
        site.restart_agent()
    raise AssertionError("gate and station stay at one node")


@pytest.mark.parametrize("rounds", [1, pytest.param(ROUNDS, marks=pytest.mark.soak)])
def test_every_node_dies_in_turn_while_alarms_arrive(
    tmp_path: Path, cluster: Nodes, rounds: int
) -> None:
    """Killed under load, restarted, and the next one as soon as the cluster can spare it."""
    fresh(cluster)
    with a_site(tmp_path, cluster) as site:
        site.start("station", "agent")
        with Stream(site) as stream:
            for number in range(rounds):
                for address in cluster.addresses:
                    cluster.replace(address)
                    cluster.heal()
                    site.until(site.linked, TOLD_S)
                if number + 1 < rounds:
                    stream.go_on(round(STEADY_S * PER_S))
        site.delivered(DRAINED_S)
        ledger = Ledger.of(site)
    assert_sound(ledger, cluster)
    assert told("every node dies in turn", f"{rounds} times", ledger, stream) < GAP_S


@pytest.mark.soak
def test_the_node_of_gate_and_station_dies(tmp_path: Path, cluster: Nodes) -> None:
    """Publisher, subscriber and, most often, the leaders of both queues on the node that goes."""
    fresh(cluster)
    with a_site(tmp_path, cluster, cluster.addresses) as site:
        site.start("station", "agent")
        assert carrying(site) == station_at(site)
        with Stream(site) as stream:
            stream.go_on(ALARMS // 4)
            cluster.replace(carrying(site))
            stream.go_on(ALARMS)
        site.delivered(DRAINED_S)
        ledger = Ledger.of(site)
    assert_sound(ledger, cluster)
    assert told("the node of both dies", "rabbitmq", ledger, stream) < GAP_S
