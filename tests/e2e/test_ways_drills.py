"""A drill between a gate and its station: as in earnest, marked in everything, ended, reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site

GATE_NAME = "liya-garden/gate-1"
LIMITS = {"self_help_s": 2.0, "mutual_help_s": 4.0, "reinforcement_s": 60.0}
BEACON = {"beacon-1": {"type": "beacon", "pin": 20, "name": "Beacon"}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering={"sla": LIMITS}, outputs=BEACON) as made:
        yield made.start("station", "agent")


def said(*words: str, code: int = 0) -> dict[str, Any]:
    """What a command answers as JSON."""
    done = run_to_end(gatehouse(*words, "--json"), timeout_s=120)
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def drill(site: Site, *words: str, code: int = 0) -> dict[str, Any]:
    place = ("--dir", str(site.folder / "station"))
    return said("station", "drill", GATE_NAME, *words, *place, code=code)


def guard(site: Site, *words: str) -> dict[str, Any]:
    return said("guard", *words, "--config", str(site.config_path))


def branches(site: Site) -> set[tuple[bool, str]]:
    """Of every alert and fact of a drill: whether it came on the drill branch, and its status."""
    heard = site.recorder.on("/alert") + site.recorder.on("/event")
    told = [(m.topic, json.loads(m.payload)) for m in heard]
    ours = [(t, b) for t, b in told if "drill" in json.dumps(b["data"]) or "/drill/" in t]
    return {("/drill/" in topic, str(body["ghstatus"])) for topic, body in ours}


def test_a_drill_is_measured_over_a_kill_while_a_real_press_stays_real(site: Site) -> None:
    begun = drill(site, "--scenario", "panic", "--device", "panic-1", "--for", "900", "--id", "d-1")
    assert begun["gates"][0]["outcome"] == "done"
    alarm = site.stored(lambda found: found.kind == "panic")
    assert alarm.body["ghstatus"] == "Exercise"
    assert alarm.topic == f"{GATE}/drill/alert"
    assert site.status()["outputs"] == {"beacon-1": True, "siren-1": False, "relay-1": False}
    assert drill(site, "--id", "d-2", code=1)["gates"][0]["reason"].startswith("busy: ")
    site.restart_agent()
    site.push("panic-1")
    real = site.stored(lambda found: found.kind == "panic" and found.incident != alarm.incident)
    assert (real.topic, real.body["ghstatus"]) == (f"{GATE}/alert", "Actual")
    waiting = guard(site, "list")["items"]
    assert waiting[0]["id"] == real.incident
    assert {w["id"] for w in waiting if w["status"] == "Exercise"} == {alarm.incident, "d-1"}
    shown = run_to_end(gatehouse("guard", "list", "--config", str(site.config_path))).stdout
    assert shown.count("[EXERCISE 演练]") == 2
    guard(site, "coming", "d-1", "--who", "guard 7")
    guard(site, "arrived", alarm.incident, "--who", "guard 7")
    guard(site, "arrived", alarm.incident, "--as", "police", "--who", "patrol 3")
    ended = drill(site, "--stop", "d-1", "--by", "desk-3", "--wait")
    (told,) = ended["reports"]
    figures = told["figures"]
    assert (told["status"], figures["why"]) == ("Exercise", "stopped by desk-3")
    assert figures["met_s"].keys() == {"1", "3", "5"}
    assert figures["broken"][:1] == [1]
    assert [(a["who"], a["answer"]) for a in figures["answered"]] == [
        ("guard 7", "coming"),
        ("guard 7", "arrived"),
        ("patrol 3", "arrived"),
    ]
    assert figures["real_incidents"] == [real.incident]
    again = drill(site, "--stop", "d-1", code=1)["gates"][0]
    assert again["reason"].startswith("unexpected: drill 'd-1' ended at ")
    assert site.status()["outputs"]["siren-1"]
    site.until(lambda: f"{GATE}/drill/report/incident/{alarm.incident}" in topics(site), 20)
    assert branches(site) == {(True, "Exercise")}
    assert not site.status()["outputs"]["relay-1"]
    site.delivered()


def test_it_ends_by_itself_and_the_station_prints_its_report(site: Site) -> None:
    words = ("station", "drill", GATE_NAME, "--for", "3", "--wait", "--lang", "zh")
    done = run_to_end(gatehouse(*words, "--dir", str(site.folder / "station")), timeout_s=120)
    assert done.returncode == 0, done.stderr
    assert "[EXERCISE 演练] 演练报告 drill-" in done.stdout
    assert "结束原因: its time is over" in done.stdout
    assert guard(site, "list")["items"] == []
    shown = said("station", "report", GATE_NAME, "drill", "--dir", str(site.folder / "station"))
    assert shown["reports"][0]["figures"]["why"] == "its time is over"
    assert not any(site.status()["outputs"].values())


def topics(site: Site) -> set[str]:
    return {str(row["topic"]) for row in site.rows("papers")}
