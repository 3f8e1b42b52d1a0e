"""The guard's post: asked by the station, answered at the gate, absent over a kill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.guard import enrol, facts, station
from tests.tools.keys import Pad
from tests.tools.recorder import Recorder
from tests.tools.site import GATE, Site

SHOWN = {"card-1": "04A1B2C3", "pad-1": "258046"}
POST = {"remind_s": 1.0, "absent_s": 3.0, "where": "north-gate"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering={"post": POST}) as made:
        yield made.start("station", "agent")


def post(site: Site) -> dict[str, Any]:
    """The newest word on ``~/post``."""
    rows = site.rows("papers", f"topic='{GATE}/post'")
    return json.loads(rows[-1]["body"]) if rows else {}


def test_a_challenge_is_answered_or_becomes_an_alert(site: Site) -> None:
    code, told = station(site, "challenge", "--reason", "spot check", "--by", "desk-3")
    assert (code, told["outcome"]) == (0, "done")
    (item,) = site.waiting("post")
    code, again = station(site, "challenge")
    assert (code, again["outcome"]) == (1, "refused")
    assert again["reason"].startswith("busy: a challenge stands since")
    site.agent.kill()
    site.start("agent")
    site.until(lambda: facts(site, "guard.reminded"), 20)
    absent = site.stored(lambda alert: alert.kind == "guard.absent")
    assert absent.body["data"]["details"]["reason"] == "spot check"
    site.until(lambda: post(site).get("occupied") is False, 10)
    answer = site.guard("present", "--who", "badge-7")
    assert answer["answered"] == item["id"]
    over = site.stored(lambda alert: alert.msgtype == "Cancel")
    assert over.incident == absent.incident
    site.until(lambda: post(site).get("occupied") is True, 10)
    assert post(site)["by"] == "badge-7"
    (fact,) = site.until(lambda: facts(site, "guard.present"), 10)
    assert (fact["with"], fact["cmd_id"]) == ("command", told["cmd_id"])
    with Recorder(site.broker.host, site.broker.port) as late:
        stands = site.until(lambda: late.on(f"{GATE}/post"), 10)[-1]
    assert stands.retain
    assert json.loads(stands.payload)["by"] == "badge-7"


def test_fixed_challenges_come_and_button_card_and_code_answer_them(tmp_path: Path) -> None:
    pads = {name: Pad(tmp_path / name) for name in SHOWN}
    readers = {
        "pad-1": {"device": str(pads["pad-1"].path), "type": "keypad"},
        "card-1": {"device": str(pads["card-1"].path), "type": "card"},
    }
    post = {
        "every_s": 2.0,
        "random": False,
        "devices": ["here-1", "pad-1", "card-1"],
        "roster": [{"who": "badge-7"}],
    }
    button = {"type": "answer", "says": "present", "pin": 20, "where": "desk", "name": "Here"}
    answering = {"post": post, "readers": readers, "people": {"badge-7": {}}}
    with Site(tmp_path / "site", answering=answering, inputs={"here-1": button}) as made:
        made.start("station", "agent")
        enrol(made, "badge-7", "card", SHOWN["card-1"])
        enrol(made, "badge-7", "code", SHOWN["pad-1"])
        for device in ("here-1", "card-1", "pad-1"):
            (item,) = made.until(lambda: made.waiting("post"), 20)
            made.ask("guard.answer", answer="present", about=item["id"], who="badge-7")
            told(made, "guard.unproven", item["id"])
            if device in pads:
                pads[device].type(SHOWN[device])
            else:
                made.push(device)
            (fact,) = told(made, "guard.present", item["id"])
            assert (fact["device"], fact["cause"]) == (device, "schedule")
            assert fact["on_roster"] is (device in pads)


def told(site: Site, kind: str, challenge: str) -> list[dict[str, Any]]:
    """Facts of that kind about one challenge, once there are any."""
    found: list[dict[str, Any]] = site.until(
        lambda: [fact for fact in facts(site, kind) if fact.get("challenge") == challenge], 10
    )
    return found
