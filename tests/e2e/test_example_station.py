"""``examples/station_subscriber.py`` in the station's place, at a real broker with a real agent."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.broker import Broker, ServerTls, free_port
from tests.tools.certificates import Authority
from tests.tools.gate import WireGate
from tests.tools.messages import GATE, OTHER_GATE, alert, fact, message_id, state
from tests.tools.program import REPO, Program
from tests.tools.recorder import Recorder
from tests.tools.site import Site
from tests.tools.site_config import STATION

EXAMPLE = REPO / "examples" / "station_subscriber.py"


def example(folder: Path, address: str, *more: str | Path) -> Program:
    arguments = [STATION, "--broker", address, "--store", folder / "heard.db", *more]
    command = [sys.executable, "-u", "-W", "error", str(EXAMPLE), *map(str, arguments)]
    return Program(command, folder / "example.log")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", rubbish=("is empty$", "is not JSON")) as made:
        made.station = example(made.folder, made.broker.address)
        try:
            yield made
        finally:
            made.station.kill()


def test_it_is_short_and_knows_nothing_of_ours() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    assert found - set(sys.stdlib_module_names) == {"paho"}


def test_a_press_is_printed_and_acked_and_leaves_the_outbox(site: Site) -> None:
    site.start("station", "agent")
    site.until(lambda: f"{GATE} online" in site.station.log, 5)
    site.push("panic-1")
    site.until(lambda: "gatehouse.alert.panic" in site.station.log, 10)
    site.delivered()
    (line,) = (line for line in site.station.log.splitlines() if line.startswith("alert: "))
    assert line.startswith(f"alert: {GATE} ")
    assert line.endswith(", 0 missing")
    acks = site.recorder.on("gate-1/ack")
    assert len(acks) == 1
    assert line.split()[4].rstrip(",").encode() in acks[0].payload


def test_what_came_while_it_was_dead_comes_when_it_lives(site: Site) -> None:
    site.start("station", "agent")
    site.station.kill()
    site.recorder.wait_last("host/state", b'"online": false')
    site.push("panic-1")
    site.push("panic-2")
    site.until(lambda: site.status()["outbox"]["pending"] >= 2, 5)
    site.start("station")
    site.delivered()
    alerts = [line for line in site.station.log.splitlines() if line.startswith("alert: ")]
    assert len(alerts) == 2
    assert {line.rpartition(", ")[2] for line in alerts} == {"0 missing"}


def test_copies_gaps_old_sessions_drills_and_nonsense(site: Site) -> None:
    site.start("station")
    with WireGate(site.broker.host, site.broker.port, base=OTHER_GATE) as gate:
        gate.publish("state", state(session=7), retain=True)
        gate.publish("state", state(online=False, session=6), retain=True)
        for number in (1, 1, 4):
            gate.publish("alert", alert(number, source=OTHER_GATE))
        assert gate.wait_acks(3) == [message_id(1), message_id(1), message_id(4)]
        gate.publish("drill/alert", alert(5, source=OTHER_GATE, ghstatus="Exercise"))
        assert gate.wait_acks(1, branch="drill/ack") == [message_id(5)]
        for number in (2, 3):
            gate.publish("alert", alert(number, source=OTHER_GATE, replayed=True))
        gate.publish("event", fact(1, source=OTHER_GATE))
        gate.wait_acks(6)
        gate.publish("alert", b"")
        gate.publish("alert", b"nonsense")
        site.until(lambda: site.station.log.count("not acked: ") == 2, 5)
        gate.publish("alert", alert(6, source=OTHER_GATE))
        gate.wait_acks(7)
    said = site.station.log.splitlines()
    assert said[:2] == [
        f"{OTHER_GATE} online",
        f"{OTHER_GATE} offline, ignored: an older session",
    ]
    told = [line for line in said[2:] if not line.startswith("not acked")]
    assert [line.split(":")[0] for line in told] == [
        *("alert", "copy", "alert", "alert", "alert", "alert", "event", "alert")
    ]
    missing = [int(line.split(", ")[1].split()[0]) for line in told]
    assert missing == [0, 0, 2, 2, 1, 0, 0, 0]


def test_with_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, own = authority.issue("127.0.0.1"), authority.issue(f"{STATION}.host")
    tls = ServerTls(authority.ca, server.cert, server.key)
    port = free_port()
    with Broker(tmp_path, tls=tls, extra=(f"listener {port} 127.0.0.1",)) as broker:
        files = ("--tls", authority.ca, own.cert, own.key)
        station = example(tmp_path, f"127.0.0.1:{port}", *files)
        with (
            Recorder(broker.host, broker.port) as recorder,
            WireGate(broker.host, broker.port) as gate,
        ):
            station.start()
            try:
                recorder.wait_last("host/state", b'"online": true')
                gate.publish("alert", alert(1))
                assert gate.wait_acks(1) == [message_id(1)]
            finally:
                station.kill()
        recorder.assert_contract()
