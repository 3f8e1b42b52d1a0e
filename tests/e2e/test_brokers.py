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
from pathlib import Path

import pytest

from station import keys
from station.gates import Life
from station.snapshot import Reader
from tests.tools.broker import Broker
from tests.tools.broker_site import GAP_S, a_site, assert_sound, carrying, fresh, told
from tests.tools.brokers import Brokers, Single, shelf
from tests.tools.checker import Ledger
from tests.tools.orders import GATE_NAME, order
from tests.tools.outbox import waiting
from tests.tools.program import until
from tests.tools.proxy import Proxy
from tests.tools.site import GATE, Site
from tests.tools.stream import Stream
from tests.tools.watchlists import reported, signed, station

ALARMS = 200
TOLD_S = 15.0
DRAINED_S = 60.0
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
