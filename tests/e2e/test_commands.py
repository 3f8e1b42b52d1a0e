"""Commands from the station's command line to the gate's relay and back, on real programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.orders import Ordered, order
from tests.tools.site import GATE, Site

OUTPUTS = {"relay-1": {"type": "gate", "pin": 21, "name": "Door relay", "pulse_s": 1.0}}
DOOR = {"contact": "door-1", "relay": "relay-1", "exit": "exit-1", "release_s": 3.0}
ACCESS = {"doors": {"pedestrian": DOOR}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", outputs=OUTPUTS, access=ACCESS) as made:
        made.start("station", "agent")
        made.until(made.beat, 10)
        yield made


def events(site: Site) -> list[dict[str, Any]]:
    return [json.loads(row["body"]) for row in site.rows("messages", "channel='event'")]


def kinds(site: Site) -> list[str]:
    return [event["type"].removeprefix("gatehouse.event.") for event in events(site)]


def pulsed(site: Site) -> bool:
    return bool(site.status()["outputs"]["relay-1"])


def test_the_station_opens_a_door_and_sees_it_open(site: Site) -> None:
    why = ("--door", "pedestrian", "--reason", "ambulance", "--by", "desk-3")
    sent = Ordered(site, "door.open", *why)
    site.until(lambda: pulsed(site), 10)
    site.sim("open", "door-1")
    code, answer = sent.answer()
    assert (code, answer["outcome"], answer["reason"]) == (0, "done", "")
    proof = answer["proof"]
    assert (proof["relay"], proof["relay_back"], proof["contact"]) == ("pulsed", True, "open")
    assert not pulsed(site)
    site.until(lambda: "door.opened" in kinds(site), 10)
    assert "door.forced" not in [alert.kind for alert in site.alerts()]
    (granted,) = [e for e in events(site) if e["type"].endswith("access.granted")]
    assert granted["data"]["device"] == "pedestrian"
    assert granted["data"]["details"] == {
        "method": "station",
        "issuer": "cancheng",
        "cmd_id": answer["cmd_id"],
        "by": "desk-3",
        "reason": "ambulance",
    }
    site.sim("close", "door-1")
    code, answer = order(site, "door.open", "--door", "pedestrian")
    assert (code, answer["proof"]["contact"]) == (0, "closed")
    beat = site.until(lambda: site.beat()["components"]["commands"].get("done") == 2, 5)
    assert beat


def test_what_the_gate_does_not_do_is_refused_and_counted(site: Site) -> None:
    for options, reason in {
        ("door.open", "--door", "garage"): "malformed: there is no door 'garage'",
        ("door.open", "--door", "pedestrian", "--exercise"): "unsupported: 'door.open'",
        ("barrier.override",): "unsupported: this gate does not do 'barrier.override'",
        ("wipe", "--arg", "confirm=gate-2"): "malformed: args: confirm: ",
    }.items():
        code, answer = order(site, *options)
        assert (code, answer["outcome"]) == (1, "refused")
        assert answer["reason"].startswith(reason)
    site.until(lambda: site.beat()["components"]["commands"]["refused"] == 4, 5)
    refusal = site.beat()["components"]["commands"]["last_refusal"]
    assert refusal.startswith("malformed: args: confirm")
    assert site.status()["issues"] == []
    site.panic_works()


def test_a_command_that_nobody_hears_is_told_so(site: Site) -> None:
    site.agent.kill()
    code, answer = order(site, "selftest", "--wait", "0.5")
    assert (code, "did not answer" in answer["error"]) == (69, True)
    site.station.kill()
    code, answer = order(site, "selftest")
    assert (code, "withdrawn" in answer["error"]) == (69, True)
    assert site.rows("outgoing", "sent_ns IS NULL") == []


def test_faces_stay_off_until_the_station_says_otherwise(site: Site) -> None:
    assert order(site, "face.off", "--reason", "complaint")[1]["proof"] == {"face_off": True}
    site.until(lambda: site.beat()["components"]["faces"].get("off") is True, 5)
    site.restart_agent()
    assert site.component("faces")["off"] is True
    site.until(site.beat, 5)
    assert order(site, "face.off", "--arg", "off=false")[1]["proof"] == {"face_off": False}
    assert site.component("faces")["off"] is False


def test_a_command_with_a_wrong_byte_opens_nothing_and_is_answered(site: Site) -> None:
    assert order(site, "door.open", "--door", "pedestrian")[0] == 0
    heard, *_ = site.recorder.on("cmd/door.open")
    made = json.loads(heard.payload)
    later = {**made, "cmd_id": "forged-0000001", "counter": made["counter"] + 1}
    other = {**later, "args": {**made["args"], "door": "garage"}}
    strange = {**later, "sig": ("B" if made["sig"][0] == "A" else "A") + made["sig"][1:]}
    changed = (later, other, strange)
    for value in changed:
        site.say("cmd/door.open", json.dumps(value).encode())
    site.until(lambda: len(site.recorder.on("/result")) == 1 + len(changed), 10)
    refused = [json.loads(message.payload) for message in site.recorder.on("/result")][1:]
    assert {found["outcome"] for found in refused} == {"refused"}
    reasons = [found["reason"].split(":")[0] for found in refused]
    assert reasons == ["bad-signature"] * 3
    assert site.agent.log.count("door pedestrian opened") == 1
    assert not pulsed(site)


def test_the_same_bytes_again_are_refused_and_the_first_answer_stands(site: Site) -> None:
    code, answer = order(site, "door.open", "--door", "pedestrian")
    assert code == 0
    heard, *_ = site.recorder.on("cmd/door.open")
    for _ in range(3):
        site.say("cmd/door.open", heard.payload)
    site.until(lambda: len(site.recorder.on("/result")) == 4, 5)
    results = [json.loads(message.payload) for message in site.recorder.on("/result")]
    assert [found["outcome"] for found in results] == ["done", *["refused"] * 3]
    assert all(found["reason"].startswith("repeated") for found in results[1:])
    rows = site.rows("papers", f"topic='{GATE}/result' AND key='{answer['cmd_id']}'")
    assert [json.loads(row["body"])["outcome"] for row in rows] == ["done"]
    assert site.agent.log.count("door pedestrian opened") == 1
