"""One suite on every broker: mosquitto in MQTT 5 and 3.1.1, and three RabbitMQ nodes with quorum
queues. What a gate and its station promise holds on each, whatever dies.

The gate begins at another node of the cluster than the station, so nothing here works only because
both sit at one node.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from station import keys
from station.gates import Life
from station.snapshot import Reader
from tests.tools.broker import Broker
from tests.tools.brokers import Brokers, Nodes, Single, forget, shelf
from tests.tools.checker import Ledger
from tests.tools.figures import tell
from tests.tools.orders import GATE_NAME, order
from tests.tools.outbox import waiting
from tests.tools.program import until
from tests.tools.proxy import Proxy
from tests.tools.site import GATE, Site
from tests.tools.site_config import STATION, Place
from tests.tools.stream import PER_S, Stream
from tests.tools.watchlists import reported, signed, station

HOST_STATE = f"gh/v1/{STATION}/host/state"
SESSIONS = (f"{STATION}.host", ".".join(GATE.split("/")[2:]))
SHELVES = (HOST_STATE, f"{GATE}/state", f"{GATE}/meta")
ALARMS = 200
GAP_S = 2.0
TOLD_S = 15.0
DRAINED_S = 60.0
ROUNDS = 4
STEADY_S = 32.0
LISTED = 50
GONE = (Life.OFFLINE, Life.SILENT)
BROKERS = ("mosquitto-5", "mosquitto-3.1.1", "rabbitmq")
DURABLE = ("autosave_interval 60", "max_inflight_messages 200")


@pytest.fixture(params=BROKERS)
def brokers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Brokers]:
    if request.param == "rabbitmq":
        yield fresh(request.getfixturevalue("cluster"))
        return
    with Broker(tmp_path, persistence=True, extra=DURABLE) as broker:
        yield Single(broker, request.param.removeprefix("mosquitto-"))


def fresh(brokers: Brokers) -> Brokers:
    """All nodes up, and nothing left of an earlier test."""
    brokers.heal()
    forget(brokers, SESSIONS, SHELVES)
    return brokers


def a_site(folder: Path, brokers: Brokers, gate: list[Place] | None = None) -> Site:
    """A site whose gate asks the last address first, or those of *gate*."""
    asked = gate or brokers.addresses[-1:] + brokers.addresses[:-1]
    link = {
        "protocol": brokers.protocol,
        "brokers": [{"host": host, "port": port} for host, port in asked],
    }
    return Site(
        folder / "site",
        addresses=brokers.addresses,
        five=brokers.five,
        link=link,
        log={"level": "debug"},
    )


def carrying(site: Site) -> Place:
    """The broker that carries the gate now."""
    host, _, port = str(site.component("link")["broker"]).split(",")[0].rpartition(":")
    return host, int(port)


def station_at(site: Site) -> Place:
    """The broker that carries the station now."""
    connected = [line for line in site.station.log.splitlines() if '"connected"' in line]
    host, _, port = str(json.loads(connected[-1])["broker"]).rpartition(":")
    return host, int(port)


def life(site: Site) -> Life:
    """How the station sees the gate."""
    made = keys.open_station(site.folder / "station")
    reader = Reader(made.database, made.id, made.name)
    try:
        gates = reader.snapshot(time.time_ns(), 1).gates
    finally:
        reader.close()
    return gates[0].life if gates else Life.UNKNOWN


def births(site: Site) -> int:
    """When the station last heard the gate's birth; 0 before the first."""
    return max((int(row["meta_ns"]) for row in site.rows("gates")), default=0)


def listens(site: Site) -> bool:
    """What the gate shows of its station."""
    return bool(site.component("station").get("state") == "ok")


def gaps(ledger: Ledger, *, live: bool) -> list[float]:
    """Seconds between receipts of alerts at the station, as they came; *live*: not replayed."""
    wanted = [row for row in ledger.alerts if not (live and row["replayed"])]
    return [(b["received_ns"] - a["received_ns"]) / 1e9 for a, b in pairwise(wanted)]


def assert_sound(ledger: Ledger, brokers: Brokers) -> None:
    """Nothing lost, invented or doubled, and in order.

    When a node of a cluster dies, its queues may let a few live alerts overtake others (``seq``
    tells); those that were overtaken are no later than the gap.
    """
    if len(brokers.addresses) > 1:
        late_s = max(overtaken(ledger), default=0.0)
        assert late_s < GAP_S
        by_seq = sorted(ledger.rows, key=lambda row: (row["session"], row["seq"]))
        ledger = replace(ledger, rows=tuple(by_seq))
    ledger.assert_sound()


def overtaken(ledger: Ledger) -> list[float]:
    """How much later than a younger one each live alert came that was overtaken."""
    late: list[float] = []
    first: dict[int, int] = {}
    highest = 0
    for row in ledger.alerts:
        if row["replayed"]:
            continue
        seq, at_ns = int(row["seq"]), int(row["received_ns"])
        if seq < highest:
            late.append((at_ns - min(at for s, at in first.items() if s > seq)) / 1e9)
        highest = max(highest, seq)
        first[seq] = at_ns
    return late


def told(what: str, brokers: str, ledger: Ledger, stream: Stream) -> float:
    """Print the figures; the longest gap between receipts that the stream itself did not make."""
    longest_s = max(gaps(ledger, live=True))
    tell(
        f"{what}, {brokers}",
        made=len(ledger.made),
        stored=len(ledger.alerts),
        lost=len(ledger.lost | ledger.cut_off),
        came_again=ledger.copies,
        overtaken=len(overtaken(ledger)),
        longest_gap_s=max(gaps(ledger, live=False)),
        longest_gap_between_live_s=longest_s,
        longest_gap_between_presses_s=stream.longest_s,
    )
    return longest_s - stream.longest_s


def test_a_press_is_acked_and_each_end_sees_the_other_go_and_come(
    tmp_path: Path, brokers: Brokers
) -> None:
    with a_site(tmp_path, brokers) as site:
        site.start("station", "agent")
        at = carrying(site)
        alert = site.panic_works()
        until(lambda: not waiting(site.folder / "data"), TOLD_S, site.told)
        assert [row["copies"] for row in site.rows("messages", "channel='alert'")] == [1]
        assert alert.session == 1
        site.until(lambda: listens(site), TOLD_S)
        assert json.loads(shelf(brokers, at, f"{GATE}/state") or b"{}")["online"] is True

        site.agent.kill()
        site.until(lambda: life(site) in GONE, TOLD_S)
        assert json.loads(shelf(brokers, at, f"{GATE}/state") or b"{}")["online"] is False
        site.start("agent")
        site.until(lambda: site.rows("gates")[0]["session"] == 2, TOLD_S)
        site.until(lambda: life(site) is Life.ONLINE, TOLD_S)
        site.until(lambda: listens(site), TOLD_S)

        site.station.kill()
        site.until(lambda: not listens(site), TOLD_S)
        site.push("panic-7")
        site.start("station")
        site.until(lambda: listens(site), TOLD_S)
        site.delivered(DRAINED_S)
        assert_sound(Ledger.of(site), brokers)
    site.recorder.assert_contract()


def test_a_backlog_arrives_once_in_order_and_marked(tmp_path: Path, brokers: Brokers) -> None:
    with ExitStack() as stack:
        ways = [stack.enter_context(Proxy(*address)) for address in brokers.addresses]
        gate = [("127.0.0.1", way.port) for way in ways]
        site = stack.enter_context(a_site(tmp_path, brokers, gate))
        site.start("station", "agent")
        before = site.panic_works()
        for way in ways:
            way.hold()
            way.cut()
        site.until(lambda: not site.linked(), TOLD_S)
        pressed = [f"panic-{number}" for number in range(2, 12)]
        for name in pressed:
            site.push(name)
        site.until(lambda: site.status()["outbox"]["pending"] >= len(pressed), TOLD_S)
        for way in ways:
            way.release()
        site.until(site.linked, DRAINED_S)
        site.delivered(DRAINED_S)
        site.ask("reset")
        after = site.panic_works()
        found = [alert for alert in site.alerts("panic") if before.n < alert.n < after.n]
        assert [alert.device for alert in found] == pressed
        assert {alert.replayed for alert in found} == {True}
        assert {alert.copies for alert in found} == {1}
        assert_sound(Ledger.of(site), brokers)


def test_a_command_is_answered_and_a_document_applied(tmp_path: Path, brokers: Brokers) -> None:
    with a_site(tmp_path, brokers) as site:
        site.start("station", "agent")
        code, answer = order(site, "face.off", "--reason", "complaint")
        assert (code, answer["proof"]) == (0, {"face_off": True})
        out, made = signed(site, LISTED)
        station(site, "send", GATE_NAME, "watchlist", out)
        site.until(lambda: reported(site).get("hash") == made["hash"], TOLD_S)
        assert len(site.ask("watchlist.list")["entries"]) == LISTED
        assert site.status()["issues"] == []
    site.recorder.assert_contract()


def test_the_broker_dies_while_alarms_arrive(
    tmp_path: Path, brokers: Brokers, request: pytest.FixtureRequest
) -> None:
    """The broker that carries the gate, and with it the station's if there is only one."""
    with a_site(tmp_path, brokers) as site:
        site.start("station", "agent")
        born = site.until(lambda: births(site), TOLD_S)
        with Stream(site) as stream:
            stream.go_on(ALARMS // 4)
            brokers.replace(carrying(site))
            stream.go_on(ALARMS)
        site.until(site.linked, DRAINED_S)
        site.delivered(DRAINED_S)
        assert births(site) > born, "born again at the new connection"
        ledger = Ledger.of(site)
    assert_sound(ledger, brokers)
    assert len(ledger.alerts) >= ALARMS
    unserved_s = told("the gate's broker dies", request.node.callspec.id, ledger, stream)
    assert unserved_s < GAP_S or len(brokers.addresses) == 1


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
