"""From a press or a door to the station's store and back, on real programs and a real broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.outbox import waiting
from tests.tools.program import gatehouse, run_to_end
from tests.tools.recorder import Recorded
from tests.tools.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


def waiting_in_store(site: Site) -> int:
    """Entries in the agent's own files."""
    return len(waiting(site.folder / "data"))


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
def test_a_press_is_stored_acked_and_leaves_the_outbox(tmp_path: Path, protocol: str) -> None:
    with Site(tmp_path / "site", link={"protocol": protocol}) as site:
        site.start("station", "agent")
        spoken = "3.1.1" if protocol == "3.1.1" else "5"
        assert site.component("link")["broker"].endswith(f"MQTT {spoken}")
        typed = [
            "sim",
            "--config",
            str(site.config_path),
            "press",
            "panic-1",
            "--for",
            "0.2",
            "--json",
        ]
        said = run_to_end(gatehouse(*typed))
        assert (said.returncode, json.loads(said.stdout)) == (
            0,
            {"did": "pressed panic-1 for 0.2 s"},
        )
        alert = site.stored(lambda found: found.device == "panic-1")
        assert site.status()["outputs"]["siren-1"] is True
        site.delivered()
        site.until(lambda: waiting_in_store(site) == 0, 5)
        assert (alert.kind, alert.msgtype, alert.replayed) == ("panic", "Alert", False)
        assert alert.body["data"]["severity"] == "critical"
        acks = [json.loads(message.payload) for message in site.recorder.on("gate-1/ack")]
        assert [(ack["alert_id"], ack["stage"]) for ack in acks] == [(alert.id, "received")]
        assert [found.copies for found in site.alerts()] == [1]
        assert site.agent.stop() == 0
        site.until(lambda: b"stopped" in site.recorder.on("gate-1/state")[-1].payload, 5)


def test_a_door_that_opens_without_a_release_is_forced(site: Site) -> None:
    site.start("station", "agent")
    site.sim("open", "door-1")
    alert = site.stored(lambda found: found.kind == "door.forced")
    assert (alert.device, alert.body["data"]["where"]) == ("pedestrian", "north-gate")
    site.sim("close", "door-1")
    site.delivered()
    site.push("exit-1")
    site.until(lambda: site.status()["outputs"]["relay-1"], 5)
    site.sim("open", "door-1")
    site.until(lambda: facts(site, "door.opened") == [False, True], 10)
    site.sim("close", "door-1")
    site.panic_works()
    assert [found.kind for found in site.alerts()] == ["door.forced", "panic"]
    site.until(lambda: not site.status()["outputs"]["relay-1"], 5)


def facts(site: Site, kind: str) -> list[bool]:
    """For each opening of the door that the station has: was it released?"""
    rows = site.rows("messages", f"channel='event' AND kind='{kind}'")
    return [json.loads(row["body"])["data"]["details"]["released"] for row in rows]


def test_lines_that_are_cut_and_buttons_that_ask_for_help(site: Site) -> None:
    site.start("station", "agent")
    site.sim("cut", "cabinet-1")
    cut = site.stored(lambda found: found.kind == "tamper")
    site.sim("restore", "cabinet-1")
    mended = site.stored(lambda found: found.msgtype == "Cancel")
    assert (mended.incident, mended.kind) == (cut.incident, "tamper")
    site.push("medical-1")
    site.stored(lambda found: found.kind == "medical")
    site.sim("cut", "panic-12")
    assert site.stored(lambda found: found.device == "panic-12").kind == "panic"


def test_killed_between_the_press_and_the_stations_ack(site: Site) -> None:
    """The station never heard of the press before the agent died: only the agent's disk knows."""
    site.start("agent")
    site.push("panic-1")
    (seen,) = site.recorder.wait_for(lambda found: bool(on_alert(found)))[-1:]
    alert_id = json.loads(seen.payload)["id"]
    site.until(lambda: waiting_in_store(site) == 1, 5)
    site.agent.kill()
    site.start("station", "agent")
    alert = site.stored(lambda found: found.id == alert_id)
    site.delivered()
    site.until(lambda: waiting_in_store(site) == 0, 5)
    assert [(found.id, found.replayed) for found in site.alerts()] == [(alert_id, True)]
    assert alert.session == 1
    assert site.panic_works().session == 2
    assert [found.seq for found in site.alerts()] == [1, 2]


def on_alert(messages: list[Recorded]) -> list[Recorded]:
    return [message for message in messages if message.topic.endswith("/alert")]


def test_a_word_from_the_station_reaches_the_incident(site: Site) -> None:
    """Closed at the station: the next press is a new incident."""
    site.start("station", "agent")
    alert = site.press("panic-1")
    closing_words = ["--stage", "closed", "--by", "duty-officer"]
    folder = site.folder / "station"
    said = run_to_end(gatehouse("station", "ack", alert.id, "--dir", folder, *closing_words))
    assert said.returncode == 0, said.stdout + said.stderr
    site.until(lambda: not site.status()["incidents"], 5)
    assert site.press("panic-1").incident != alert.incident


def test_state_birth_and_will_are_told(site: Site) -> None:
    """What stands at the broker of this gate: online, then the will, then a newer session."""
    site.start("station", "agent")
    site.until(lambda: site.recorder.on("gate-1/meta"), 5)
    site.agent.kill()
    site.recorder.wait_last("gate-1/state", b'"online":false')
    site.start("agent")
    site.recorder.wait_last("gate-1/state", b'"online":true')
    words = [json.loads(message.payload) for message in site.recorder.on("gate-1/state")]
    told = [(word["online"], word["session"]) for word in words]
    assert told == [(True, 1), (False, 1), (True, 2)]
    (meta,) = site.recorder.on("gate-1/meta")[-1:]
    devices = {device["name"] for device in json.loads(meta.payload)["devices"]}
    assert {"panic-1", "door-1", "siren-1"} <= devices
