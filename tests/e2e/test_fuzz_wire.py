"""Nonsense for running programs, by MQTT and at the local socket: both go on, no relay moves."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import paho.mqtt.publish as paho_publish
import psutil
import pytest
from paho.mqtt.client import MQTTv5

from agent.core.clock import format_utc
from agent.pipeline.local import MAX_CALLERS
from contract.signing import sign
from contract.words import MAX_MESSAGE_BYTES, Role
from station import keys
from station.keys import role_key
from tests.support.parsers import EXAMPLES
from tests.tools.figures import tell
from tests.tools.hostile import hostile, says_the_same
from tests.tools.messages import UTC, alert, beat, body, fact, meta, state
from tests.tools.orders import order
from tests.tools.site import GATE, Site

SHORT, SOAK = 1_500, 100_000
BATCH = 500
MOST_GROWN = 48 * 1024 * 1024
UNHANDLED = ("Traceback", "exception was never retrieved", "Unhandled exception")
DOWN = (
    *("cmd/door.open", "drill/cmd/door.open", "cmd/wipe", "ack", "drill/ack", "desired/watchlist"),
    *("desired/watchlist/1", "desired/residents", "task/t-1", "gh/v1/cancheng/host/state"),
)
UP = (
    *("alert", "drill/alert", "event", "hb", "meta", "state", "result", "reported/watchlist"),
    *("post", "evidence/a-1/1", "report/incident/r-1", "task/t-1/status"),
)
OTHER = "gh/v1/cancheng/liya-garden/gate-9"
LINES = (
    b'{"op":"status"}\n',
    b'{"op":"reset","name":"panic-1","by":"x"}\n',
    b'{"op":"sim","verb":"press","name":"nobody","for_s":0.5}\n',
    b'{"op":"watchlist.import","document":"AAAA"}\n',
    b'{"op":"watchlist.expire","entries":["w-1"]}\n',
    b'{"op":"watchlist.list"}\n',
    b'{"op":"audit.verify","heads":[{"n":1,"hash":"ab"}]}\n',
    b'{"op":"keys.show"}\n',
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("fuzz") / "site", rubbish=(".",)) as made:
        made.start("station", "agent")
        yield made


def door_open(site: Site) -> bytes:
    """What the station would say, signed with its own key, good for ten seconds."""
    made = keys.open_station(site.folder / "station")
    now_ns = time.time_ns()
    value = {
        "cmd_id": "cmd-99999999",
        "name": "door.open",
        "issuer": made.id,
        "node": GATE.removeprefix("gh/v1/").replace("/", "."),
        "issued_at": format_utc(now_ns),
        "expires_at": format_utc(now_ns + 10_000_000_000),
        "counter": 1,
        "args": {"door": "pedestrian"},
    }
    return body(sign(value, role_key(made, Role.DOOR)))


def fire(site: Site, messages: list[tuple[str, bytes]]) -> None:
    """Publish with QoS 1 on one connection."""
    for start in range(0, len(messages), BATCH):
        batch = [
            {"topic": topic, "payload": payload, "qos": 1}
            for topic, payload in messages[start : start + BATCH]
        ]
        where = {"hostname": site.broker.host, "port": site.broker.port, "protocol": MQTTv5}
        paho_publish.multiple(batch, **where)  # type: ignore[arg-type]


class Watch:
    """What must be the same afterwards."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pids = (site.agent.pid, site.station.pid)
        self._before = self._resident()
        self._outputs = site.status()["outputs"]
        self._opened = opened(site)

    def holds(self, name: str) -> None:
        """Both programs are the same, work, hold no more than before, and nothing was moved."""
        site = self._site
        assert (site.agent.pid, site.station.pid) == self._pids
        assert site.agent.running
        assert site.station.running
        assert site.status()["outputs"] == self._outputs
        assert opened(site) == self._opened
        grown = [now - then for now, then in zip(self._resident(), self._before, strict=True)]
        tell(name, agent_grown_mb=grown[0] / 1e6, station_grown_mb=grown[1] / 1e6)
        assert max(grown) < MOST_GROWN
        said = site.agent.log + site.station.log
        assert not [word for word in UNHANDLED if word in said]

    def _resident(self) -> list[int]:
        return [psutil.Process(pid).memory_info().rss for pid in self._pids]


def opened(site: Site) -> list[str]:
    """Releases of a relay, as the gate's own audit log has them."""
    folder = Path(site.config["node"]["data_dir"]) / "audit"
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    return [str(record["at"]) for record in map(json.loads, lines) if record["kind"] == "unlock"]


@pytest.mark.parametrize(
    "count", [SHORT, pytest.param(SOAK, marks=pytest.mark.soak)], ids=["short", "soak"]
)
def test_changed_messages_move_nothing_and_a_press_still_arrives(site: Site, count: int) -> None:
    site.until(site.beat, 20)
    watch, signed = Watch(site), door_open(site)
    down = list(hostile([signed, signed, *EXAMPLES], count))
    ups = [alert(1), fact(2), beat(), meta(), state()]
    up = hostile([*map(body, ups), *EXAMPLES, body(alert(3, source=OTHER, utc=UTC))], count)
    messages = [(DOWN[n % len(DOWN)], data) for n, data in enumerate(down)]
    messages = [(topic, data) for topic, data in messages if not says_the_same(data, signed)]
    ours = [(whole(topic), data) for topic, data in messages]
    theirs = [(f"{OTHER}/{UP[n % len(UP)]}", data) for n, data in enumerate(up)]
    fire(site, [each for pair in zip(ours, theirs, strict=False) for each in pair])
    site.panic_works()
    refused = json.loads(site.recorder.on(f"{GATE}/hb")[-1].payload)["components"]["commands"][
        "refused"
    ]
    tell("changed messages", sent=len(ours) + len(theirs), refused_commands=refused)
    site.ask("reset")
    site.until(lambda: not any(site.status()["outputs"].values()), 10)
    watch.holds("by MQTT")
    code, answer = order(site, "door.open", "--door", "pedestrian")
    assert (code, answer["outcome"]) == (0, "done")


def whole(topic: str) -> str:
    """A topic below the gate's own, or whole."""
    return topic if topic.startswith("gh/") else f"{GATE}/{topic}"


@pytest.mark.parametrize(
    "count", [SHORT // 3, pytest.param(SOAK, marks=pytest.mark.soak)], ids=["short", "soak"]
)
def test_garbage_at_the_local_socket_moves_nothing(site: Site, count: int) -> None:
    watch = Watch(site)
    path = str(Path(site.config["node"]["run_dir"]) / "control.sock")
    for number, line in enumerate(hostile(LINES, count)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.settimeout(30)
            caller.connect(path)
            try:
                caller.sendall(line)
                if number % 3:
                    caller.shutdown(socket.SHUT_WR)
                    answer = caller.recv(65_536)
                    assert b'"exit_code": 70' not in answer, (line[:200], answer[:200])
            except ConnectionError:
                continue
    watch.holds("local socket")
    site.panic_works()
    site.ask("reset")


def test_callers_that_fill_the_local_socket_hold_up_nobody(site: Site) -> None:
    """They say nothing, or never stop: the gate's own work does not pass through there."""
    watch = Watch(site)
    path = str(Path(site.config["node"]["run_dir"]) / "control.sock")
    callers = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2 * MAX_CALLERS)]
    try:
        for number, caller in enumerate(callers):
            caller.connect(path)
            caller.setblocking(False)
            if number % 2:
                with suppress(OSError):
                    caller.send(b"x" * MAX_MESSAGE_BYTES)
        before = len(site.recorder.on("/hb"))
        site.until(lambda: len(site.recorder.on("/hb")) > before + 2, 20)
    finally:
        for caller in callers:
            caller.close()
    site.until(site.live, 30)
    watch.holds("full local socket")
    site.panic_works()
    site.ask("reset")
