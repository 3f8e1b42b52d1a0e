"""``gatehouse demo`` as a newcomer meets it: its script on either broker, its end, what it leaves.

Two whole plays run at the same time: on mosquitto to the end of the script (``--once``), and on
the embedded broker into serving, until Ctrl-C. Both have homes of their own, which stay empty.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError
from provisioning.demo.broker import BrokerKind, DemoBroker
from provisioning.demo.photos import fetch_photos
from tests.tools.broker import HOST
from tests.tools.demo import END_S, Demo, Line
from tests.tools.program import gatehouse, run_to_end, until
from tests.tools.recorder import Recorded, Recorder

PLAY_S = 150.0
AWAY_AT_LEAST_MS = 5000

SCRIPT = [
    ("door.forced", "pedestrian", "Actual", False),
    ("panic", "panic-1", "Actual", False),
    ("watchlist.face", "gate-cam", "Exercise", False),
    ("panic", "panic-1", "Actual", True),
]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a play; ``heard`` is what a third party heard on the broker meanwhile."""

    demo: Demo
    code: int
    lines: list[Line]
    heard: list[Recorded]
    stranger: tuple[float, float] = (0.0, 0.0)


def to_the_end(demo: Demo) -> Played:
    """The whole script on mosquitto, with a recorder beside it."""
    try:
        demo.start()
        with Recorder(HOST, demo.port()) as recorder:
            stranger = demo.scene(7), demo.scene(8)
            code = demo.end(PLAY_S)
        recorder.assert_contract()
    finally:
        demo.kill()
    return Played(demo, code, demo.lines(), recorder.messages, stranger)


def until_ctrl_c(demo: Demo) -> Played:
    """The whole script, then a press from a second terminal, then Ctrl-C."""
    try:
        demo.start()
        demo.line(lambda line: line["event"] == "serving", PLAY_S)
        typed = gatehouse("reset"), gatehouse("sim", "press", "panic-1")
        assert [run_to_end(command, env=demo.env).returncode for command in typed] == [0, 0]
        until(lambda: len(_alerts(demo.lines())) > len(SCRIPT), END_S, demo.told)
        demo.send(signal.SIGINT)
        code = demo.end()
    finally:
        demo.kill()
    return Played(demo, code, demo.lines(), [])


@pytest.fixture(scope="module")
def photos(packs_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's photos, fetched once; the packs are there too."""
    kept = packs_dir.parent / "demo" / "photos"
    folder = tmp_path_factory.mktemp("photos") / "photos"
    if kept.is_dir():
        shutil.copytree(kept, folder)
    fetch_photos(folder, lambda *_: None)
    return folder


@pytest.fixture(scope="module")
def plays(
    packs_dir: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Played]]]:
    folder = tmp_path_factory.mktemp("demo")
    once = Demo(folder / "once", packs_dir, photos, "--once")
    served = Demo(folder / "served", packs_dir, photos, "--broker", "amqtt")
    with ThreadPoolExecutor() as pool:
        yield {
            "mosquitto": pool.submit(to_the_end, once),
            "amqtt": pool.submit(until_ctrl_c, served),
        }


@pytest.fixture
def once(plays: dict[str, Future[Played]]) -> Played:
    """The script on mosquitto."""
    return plays["mosquitto"].result(2 * PLAY_S)


@pytest.fixture
def served(plays: dict[str, Future[Played]]) -> Played:
    """The script on the embedded broker, and serving."""
    return plays["amqtt"].result(2 * PLAY_S)


def _alerts(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["event"] == "alert"]


def _told(lines: list[Line]) -> list[tuple[str, str, str, bool]]:
    return [(a["kind"], a["device"], a["status"], a["replayed"]) for a in _alerts(lines)]


def test_every_expected_alert_came_and_no_other(once: Played) -> None:
    assert once.code == 0, once.demo.told()
    assert _told(once.lines) == SCRIPT
    assert [alert["stage"] for alert in _alerts(once.lines)] == ["received"] * 4
    *_, last = once.lines
    assert (last["event"], last["ok"]) == ("done", True)
    scenes = [line["text"][:3] for line in once.lines if line["event"] == "scene"]
    assert scenes == [f"{number}/8" for number in range(1, 9)]
    stored = once.demo.rows("SELECT id, kind, faults FROM messages WHERE channel='alert'")
    assert [row[1:] for row in stored] == [(kind, "") for kind, *_ in SCRIPT]
    acked = once.demo.rows("SELECT id FROM acks WHERE stage='received'")
    assert {row[0] for row in stored} <= {row[0] for row in acked}
    assert once.demo.rows("SELECT count(*) FROM malformed") == [(0,)]
    assert once.demo.left_in_outbox() == 0


def test_the_broker_is_named(once: Played, served: Played) -> None:
    told = [played.lines[0] for played in (once, served)]
    assert [line["event"] for line in told] == ["started", "started"]
    named = [line["broker"].rpartition(", port ")[0] for line in told]
    assert named == ["mosquitto, MQTT 5", "amqtt (embedded), MQTT 3.1.1"]


def test_the_officer_s_answers_are_shown(once: Played) -> None:
    stages = [line["stage"] for line in once.lines if line["event"] == "ack"]
    assert stages == ["seen", "handling", "closed"]


@pytest.mark.parametrize("play", ["once", "served"])
def test_what_was_pressed_without_a_broker_arrived_once(
    play: str, request: pytest.FixtureRequest
) -> None:
    played: Played = request.getfixturevalue(play)
    late = [alert for alert in _alerts(played.lines) if alert["replayed"]]
    assert [alert["kind"] for alert in late] == ["panic"]
    assert late[0]["latency_ms"] >= AWAY_AT_LEAST_MS
    stored = played.demo.rows("SELECT id FROM messages WHERE replayed AND channel='alert'")
    assert stored == [(late[0]["id"],)]


def test_nothing_is_said_about_the_stranger(once: Played) -> None:
    """While they walk up and stand there, the gate says that it lives: that is all."""
    begun, over = once.stranger
    from_gate = [m for m in once.heard if "/gate-1/" in m.topic]
    meanwhile = [m.topic for m in from_gate if begun <= m.monotonic_s < over]
    assert meanwhile
    assert {topic.rpartition("/")[2] for topic in meanwhile} <= {"hb", "state", "meta"}
    drill = {json.loads(m.payload)["id"] for m in from_gate if m.topic.endswith("/drill/alert")}
    (lead,) = [alert for alert in _alerts(once.lines) if alert["kind"] == "watchlist.face"]
    assert drill == {lead["id"]}
    assert not [m.topic for m in from_gate if "/evidence/" in m.topic]


def test_the_script_is_played_on_the_embedded_broker_too(served: Played) -> None:
    assert _told(served.lines)[:4] == SCRIPT
    (done,) = [line for line in served.lines if line["event"] == "done"]
    assert done["ok"] is True


def test_serving_takes_presses_from_a_second_terminal_and_ends_on_ctrl_c(served: Played) -> None:
    assert served.code == 0, served.demo.told()
    assert _told(served.lines)[4:] == [("panic", "panic-1", "Actual", False)]
    assert "Traceback" not in served.demo.told()


@pytest.mark.parametrize("play", ["once", "served"])
def test_nothing_is_left_running_or_lying_about(play: str, request: pytest.FixtureRequest) -> None:
    demo = request.getfixturevalue(play).demo
    assert len(demo.family) >= 4
    assert demo.left() == []
    with socket.socket() as probe:
        assert probe.connect_ex((HOST, demo.port())) != 0
    assert demo.litter() == []
    assert {path.name for path in demo.made.iterdir()} == {"demo", "models"}


@pytest.fixture
def begun(once: Played, packs_dir: Path, photos: Path, tmp_path: Path) -> Iterator[Demo]:
    """A demo on the embedded broker whose first alert was acked; the video is made already."""
    demo = Demo(tmp_path, packs_dir, photos, "--broker", "amqtt")
    shutil.copy(once.demo.made / "demo" / "passers-by.mp4", demo.made / "demo")
    try:
        demo.start()
        assert demo.alert("door.forced")["stage"] == "received"
        yield demo
    finally:
        demo.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_of_the_script(begun: Demo, number: signal.Signals) -> None:
    """Every program ends in order; that nothing was proven is told by the exit code."""
    begun.send(number)
    assert begun.end() == 1
    assert begun.left() == []
    assert "Traceback" not in begun.told()
    assert (begun.made / "demo" / "log" / "agent.log").read_text("utf-8").endswith("stopped\n")
    assert begun.litter() == []


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux ties children to the demo")
def test_killed_it_takes_its_programs_along(begun: Demo) -> None:
    begun.send(signal.SIGKILL)
    assert begun.end() == -signal.SIGKILL
    until(lambda: not begun.left(), END_S)


def test_mosquitto_is_taken_where_it_is_found(tmp_path: Path) -> None:
    """Not found: the embedded broker. Asked for and not found: an error that says what to do."""
    places = tmp_path / "bin"
    places.mkdir()

    def chosen(wanted: BrokerKind | None) -> str:
        return DemoBroker(tmp_path / "broker", tmp_path, wanted, str(places)).name

    assert chosen(None) == "amqtt (embedded)"
    with pytest.raises(CheckFailedError, match="apt-get install mosquitto"):
        chosen(BrokerKind.MOSQUITTO)
    (places / "mosquitto").touch(mode=0o755)
    assert [chosen(wanted) for wanted in (None, BrokerKind.MOSQUITTO, BrokerKind.AMQTT)] == [
        "mosquitto",
        "mosquitto",
        "amqtt (embedded)",
    ]
