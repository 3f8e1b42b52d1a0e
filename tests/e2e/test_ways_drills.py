"""A drill between a gate and its station: as in earnest, marked in everything, ended, reported."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.topics import Address
from contract.words import CommandName, Role
from station import keys
from station.orders import Marks, Wanted, make_command, nonce_of
from tests.tools.neighbour import Neighbour
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site

GATE_NAME = "liya-garden/gate-1"
LIMITS = {"self_help_s": 2.0, "mutual_help_s": 4.0, "reinforcement_s": 60.0}
BEACON = {"beacon-1": {"type": "beacon", "pin": 20, "name": "Beacon"}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering={"sla": LIMITS}, outputs=BEACON) as made:
        yield made.start("station", "agent")


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Site]:
    """A gate that calls an area, and has somebody paged when the station is silent."""
    sms = {"type": "command", "argv": ["/bin/sh", "-c", f"cat >> {tmp_path / 'paged'}"]}
    answering = {"caller_for": ["north"], "escalation": {"after_s": 1.0, "hooks": [sms]}}
    with Site(tmp_path / "site", answering=answering, outputs=BEACON) as made:
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
    waiting = site.waiting()
    assert waiting[0]["id"] == real.incident
    assert {w["id"] for w in waiting if w["status"] == "Exercise"} == {alarm.incident, "d-1"}
    shown = run_to_end(gatehouse("guard", "list", "--config", str(site.config_path))).stdout
    assert shown.count("[EXERCISE 演练]") == 2
    site.guard("coming", "d-1", "--who", "guard 7")
    site.guard("arrived", alarm.incident, "--who", "guard 7")
    site.guard("arrived", alarm.incident, "--as", "police", "--who", "patrol 3")
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
    assert site.waiting() == []
    shown = said("station", "report", GATE_NAME, "drill", "--dir", str(site.folder / "station"))
    assert shown["reports"][0]["figures"]["why"] == "its time is over"
    assert not any(site.status()["outputs"].values())


def topics(site: Site) -> set[str]:
    return {str(row["topic"]) for row in site.rows("papers")}


def test_a_drill_of_the_call_is_answered_by_a_neighbour_over_a_kill(caller: Site) -> None:
    answering = {"areas": ["north"], "call_outputs": ["beacon-1"]}
    with Neighbour(caller, "school", answering=answering, outputs=BEACON) as school:
        begun = drill(caller, "--scenario", "call", "--for", "120", "--id", "c-1")
        assert begun["gates"][0]["outcome"] == "done"
        (item,) = school.until_waiting("call")
        assert item["status"] == "Exercise"
        assert school.sounds("beacon-1")
        caller.restart_agent()
        school.guard("coming", "--eta", "60", "--who", "guard 5")
        school.guard("arrived", item["id"], "--who", "guard 5")
        real = caller.press("panic-1")
        assert (real.topic, real.body["ghstatus"]) == (f"{GATE}/alert", "Actual")
        caller.until(lambda: len(caller.recorder.on("/respond/school/gate-1")) == 2, 20)
        ended = drill(caller, "--stop", "c-1", "--wait")
        (told,) = ended["reports"]
        assert told["figures"]["calls"] == {"north": item["id"]}
        assert told["figures"]["real_incidents"] == [real.incident]
        (roll,) = told["rolls"]
        assert (roll["status"], roll["by"]) == ("Exercise", GATE_NAME)
        assert [a["state"] for a in roll["answers"]] == ["coming", "arrived"]
        assert all(a["after_s"] > 0 for a in roll["answers"])
        words = ("station", "report", GATE_NAME, "drill", "--lang", "zh")
        shown = run_to_end(gatehouse(*words, "--dir", str(caller.folder / "station"))).stdout
        assert f"呼叫片区: north {item['id']}" in shown
        assert "school/gate-1" in shown
        calls = [json.loads(m.payload) for m in caller.recorder.on("/call")]
        assert {(c["call_id"], c["status"]) for c in calls} == {(item["id"], "Exercise")}
        elsewhere = drill_at("school/gate-1", caller, "--scenario", "call", code=1)
        assert elsewhere["gates"][0]["reason"].startswith("unsupported: this gate calls no area")
        assert not caller.status()["outputs"]["relay-1"]


def drill_at(gate: str, site: Site, *words: str, code: int = 0) -> dict[str, Any]:
    place = ("--dir", str(site.folder / "station"))
    return said("station", "drill", gate, *words, *place, code=code)


def test_nobody_is_paged_about_a_drill_while_a_real_press_pages(caller: Site) -> None:
    beat = caller.until(caller.beat, 10)
    caller.station.kill()
    args = {"drill_id": "d-1", "scenario": "panic", "device": "panic-1", "for_s": 8.0, "seed": 0}
    wanted = Wanted(Address(*GATE.split("/")[2:5]), CommandName.DRILL_START, args, exercise=True)
    key = keys.role_key(keys.open_station(caller.folder / "station"), Role.DRILL)
    marks = Marks("cmd-drill-1", 1, time.time_ns(), nonce_of(json.dumps(beat)))
    message = make_command(wanted, marks, key)
    caller.say(message.topic, message.payload)
    caller.until(lambda: caller.recorder.on("/drill/alert"), 20)
    caller.push("panic-1")
    paged = caller.folder.parent / "paged"
    caller.until(paged.exists, 20)
    caller.until(lambda: caller.recorder.on("/drill/report/drill/d-1"), 30)
    page = json.loads(paged.read_text("utf-8"))
    assert (page["status"], page["kind"]) == ("Actual", "panic")
    caller.start("station")
    caller.delivered(60)
    statuses = {a.incident: a.body["ghstatus"] for a in caller.alerts("panic")}
    assert sorted(statuses.values()) == ["Actual", "Exercise"]
    assert statuses[page["incident"]] == "Actual"
