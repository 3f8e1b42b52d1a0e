"""Assistance that nobody answers becomes graver; medical help is called from its own area."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.neighbour import Neighbour
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

ASSIST = {"assist-1": {"type": "assist", "pin": 18, "where": "north-gate", "name": "Desk"}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    answering = {
        "assist": {"after_s": 6.0},
        "caller_for": ["north", "er"],
        "medical_area": "er",
        "silence_s": 3.0,
    }
    with Site(tmp_path / "site", answering=answering, inputs=ASSIST) as made:
        yield made.start("station", "agent")


def test_assistance_that_nobody_answers_becomes_graver_over_a_restart(site: Site) -> None:
    site.push("assist-1")
    first = site.stored(lambda alert: alert.kind == "assist")
    assert first.body["data"]["severity"] == "minor"
    site.restart_agent()
    graver = site.stored(lambda alert: alert.msgtype == "Update", 30)
    assert graver.incident == first.incident
    assert graver.body["data"]["severity"] == "major"
    assert graver.body["data"]["text"]["zh"] == "6 秒无人应答：请求协助：Desk"
    waited_ns = graver.body["data"]["at"]["monotonic_ns"] - first.body["data"]["at"]["monotonic_ns"]
    assert waited_ns >= 6_000_000_000
    (item,) = site.waiting()
    site.guard("arrived", item["id"], "--who", "guard 7")
    assert site.waiting() == []


def test_the_guards_answer_holds_it(site: Site) -> None:
    site.push("assist-1")
    first = site.stored(lambda alert: alert.kind == "assist")
    site.guard("coming", "--who", "guard 7")
    rows = site.until(lambda: site.rows("messages", "kind='assist.answered'"), 20)
    details = json.loads(rows[0]["body"])["data"]["details"]
    assert (details["of"], details["said"]) == (first.incident, "coming")
    over_ns = first.body["data"]["at"]["monotonic_ns"] + 8_000_000_000
    site.until(lambda: time.monotonic_ns() > over_ns, 40)
    site.press("panic-2")
    assert [a.msgtype for a in site.alerts("assist")] == ["Alert"]


def test_medical_help_is_called_from_its_own_area_at_once(site: Site) -> None:
    with (
        Neighbour(site, "hospital", answering={"areas": ["er"]}) as hospital,
        Neighbour(site, "school", answering={"areas": ["north"]}) as school,
    ):
        site.push("medical-1")
        alert = site.stored(lambda alert: alert.kind == "medical")
        (item,) = hospital.until_waiting("call")
        assert item["text"]["en"].startswith("Medical help wanted: ")
        assert item["text"]["zh"].startswith("请求医疗救助：")
        hospital.guard("coming", "--who", "ward 3")
        folder = site.folder / "station"
        asked = gatehouse("station", "rollcall", "--dir", folder, "--json")

        def rolls() -> list[object]:
            calls = json.loads(run_to_end(asked).stdout)["calls"]
            return [call for call in calls if call["answers"]]

        (roll,) = site.until(rolls, 30)
        assert (roll["area"], roll["kind"], roll["by"]) == ("er", "medical", "liya-garden/gate-1")
        assert [a["gate"] for a in roll["answers"]] == ["hospital/gate-1"]
        assert school.waiting("call") == []
        texts = json.dumps([alert.body["data"]["text"], roll["text"]], ensure_ascii=False)
        assert not any(word in texts.lower() for word in ("police", "警", "公安"))
