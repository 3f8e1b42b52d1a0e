"""The guard's hands on a running gate: a wired button, a keypad and a card reader.

The readers are named pipes that carry the kernel's own bytes into the agent's own reader.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.guard import enrol, facts, station
from tests.tools.keys import Pad
from tests.tools.site import GATE, Site

CODE, CARD = "258046", "04A1B2C3"


@pytest.fixture
def pads(tmp_path: Path) -> dict[str, Pad]:
    return {name: Pad(tmp_path / name) for name in ("pad-1", "card-1")}


@pytest.fixture
def site(tmp_path: Path, pads: dict[str, Pad]) -> Iterator[Site]:
    says = ["accepted", "arrived", "done", "present"]
    answering = {
        "readers": {
            "pad-1": {"device": str(pads["pad-1"].path), "type": "keypad"},
            "card-1": {"device": str(pads["card-1"].path), "type": "card", "says": says},
            "pad-9": {"device": "/dev/null", "type": "keypad"},
        },
        "people": {
            "badge-7": {},
            "badge-8": {"role": "neighbour"},
            "badge-9": {"role": "police"},
        },
    }
    button = {"type": "answer", "says": "arrived", "pin": 20, "where": "desk", "name": "Here"}
    with Site(tmp_path / "site", answering=answering, inputs={"here-1": button}) as made:
        made.start("station", "agent")
        made.until(lambda: all(is_open(made, name) for name in pads), 10)
        enrol(made, "badge-7", "code", CODE)
        enrol(made, "badge-7", "card", CARD)
        enrol(made, "badge-8", "card", "55AA66")
        enrol(made, "badge-9", "code", "664422")
        yield made


def is_open(site: Site, reader: str) -> bool:
    return site.component(f"reader.{reader}").get("state") == "ok"


def comes_to(site: Site, task_id: str, wanted: str) -> None:
    site.until(lambda: state(site, task_id) == wanted, 10)


def guessed(site: Site, times: int) -> None:
    site.until(lambda: len(facts(site, "reader.unknown")) == times, 10)


def state(site: Site, task_id: str) -> str:
    rows = site.rows("papers", f"topic='{GATE}/task/{task_id}/status'")
    return str(json.loads(max(rows, key=lambda row: row["received_ns"])["body"])["state"])


def helpers(site: Site, incident: str) -> list[tuple[str, str]]:
    """Who arrived and with what, by the incident's report."""
    topic = f"{GATE}/report/incident/{incident}"
    rows = site.until(lambda: site.rows("papers", f"topic='{topic}'"), 20)
    lines: list[dict[str, Any]] = json.loads(rows[-1]["body"])["timeline"]
    return [(li["by"], li["details"]["with"]) for li in lines if li["what"] == "arrived"]


def test_help_arrives_by_button_code_and_card(site: Site, pads: dict[str, Pad]) -> None:
    alert = site.press("panic-1")
    site.push("here-1")
    site.until(lambda: "1 min met" in site.waiting("sla")[0]["said"], 10)
    pads["card-1"].type("55AA66")
    site.until(lambda: "3 min met" in site.waiting("sla")[0]["said"], 10)
    pads["pad-1"].type("664422")
    site.until(lambda: site.waiting("sla") == [], 10)
    site.ask("reset", name="panic-1")
    assert helpers(site, alert.incident) == [
        ("here-1", "button"),
        ("badge-8", "card"),
        ("badge-9", "keypad"),
    ]


def test_a_card_takes_a_task_through_and_a_code_proves_the_post(
    site: Site, pads: dict[str, Pad]
) -> None:
    _, told = station(site, "task", "--text", "Check the fence")
    for wanted in ("accepted", "arrived", "done"):
        pads["card-1"].type(CARD)
        comes_to(site, told["task_id"], wanted)
    _, told = station(site, "task", "--text", "Check the roof")
    pads["pad-1"].type(f"7*{CODE}")
    comes_to(site, told["task_id"], "declined")
    station(site, "challenge")
    pads["pad-1"].type(CODE)
    (fact,) = site.until(lambda: facts(site, "guard.present"), 10)
    assert (fact["by"], fact["with"], fact["device"]) == ("badge-7", "keypad", "pad-1")
    assert site.waiting() == []


def test_guessing_is_blocked_and_codes_stand_nowhere(site: Site, pads: dict[str, Pad]) -> None:
    for number in range(1, 6):
        pads["pad-1"].type("999888")
        guessed(site, number)
    site.until(lambda: facts(site, "reader.blocked"), 10)
    assert site.guard("people")["people"][0] == {
        "person": "badge-7",
        "known": True,
        "has": ["card", "code"],
    }
    told = "".join(file.read_text("utf-8") for file in site.folder.glob("*.log"))
    kept = b"".join(f.read_bytes() for f in (site.folder / "data").rglob("*") if f.is_file())
    for secret in (CODE, CARD):
        assert secret not in told
        assert secret.encode() not in kept


def test_a_reader_that_cannot_be_grabbed_is_an_issue_and_the_others_work(
    site: Site, pads: dict[str, Pad]
) -> None:
    issue = site.issue("device-down", 90)
    assert issue["component"] == "reader.pad-9"
    assert "/dev/null cannot be had for the gate alone" in issue["text"]
    station(site, "challenge")
    pads["pad-1"].type(CODE)
    site.until(lambda: facts(site, "guard.present"), 10)
