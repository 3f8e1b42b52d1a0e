"""A patrol through two sites: points by button and command, hand-over by a task, and a miss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tools.guard import facts
from tests.tools.neighbour import Neighbour
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

SHORTEST_S = 20
NEXT = "liya-school/gate-1"
BUTTONS = {
    f"here-{n}": {"type": "answer", "says": "present", "pin": 17 + n, "where": "yard", "name": "H"}
    for n in (1, 2)
}
POINTS = {
    "fence": {"name": {"en": "Fence", "zh": "围栏"}, "where": "fence", "by": ["here-1"]},
    "roof": {"name": {"en": "Roof", "zh": "屋顶"}, "where": "roof", "by": ["here-2", "command"]},
}


def soon_over() -> dict[str, str]:
    """A window that is open and closes within moments, at a whole minute."""
    now = datetime.now(UTC).astimezone()
    end = now + timedelta(minutes=1)
    if 60 - now.second < SHORTEST_S:
        end += timedelta(minutes=1)
    return {"start": f"{now - timedelta(minutes=5):%H:%M}", "end": f"{end:%H:%M}"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    rounds = {
        "relay": {
            "name": {"en": "Relay", "zh": "接力"},
            "points": ["fence", "roof"],
            "windows": [{"start": "00:00", "end": "00:00"}],
            "next": NEXT,
        },
        "dusk": {"name": "黄昏", "points": ["fence", "roof"], "windows": [soon_over()]},
    }
    patrol = {"points": POINTS, "rounds": rounds}
    with Site(tmp_path / "site", answering={"patrol": patrol}, inputs=BUTTONS) as made:
        yield made.start("station", "agent")


@pytest.fixture
def other(site: Site) -> Iterator[Neighbour]:
    """The gate of the neighbouring site, on the same broker."""
    with Neighbour(site, "liya-school") as gate:
        yield gate


def walk(site: Site) -> dict[str, Any]:
    """Both points are passed; what the gate says of handing over."""
    site.push("here-1")
    site.until(lambda: facts(site, "patrol.check"), 10)
    site.ask("guard.answer", answer="present", about="relay/roof", who="badge-7")
    (over,) = site.until(lambda: facts(site, "patrol.handover"), 10)
    told: dict[str, Any] = over
    return told


def test_a_patrol_passes_and_the_next_gates_guard_takes_it_over(
    site: Site, other: Neighbour
) -> None:
    site.push("here-1")
    site.until(lambda: len(facts(site, "patrol.check")) == 2, 10)
    assert {fact["round"] for fact in facts(site, "patrol.check")} == {"relay", "dusk"}
    site.agent.kill()
    site.start("agent")
    site.ask("guard.answer", answer="present", about="relay/roof", who="badge-7")
    (over,) = site.until(lambda: facts(site, "patrol.handover"), 10)
    assert (over["to"], over["by"]) == (NEXT, "badge-7")
    (task,) = site.until(lambda: other.waiting("task"), 20)
    assert task["text"]["zh"] == "任务：接力巡逻“接力”自liya-garden/gate-1移交，请接续"
    other.ask("guard.answer", answer="accepted", about=task["id"], who="badge-21")
    site.until(lambda: [row["state"] for row in site.rows("relays")] == ["taken"], 20)
    assert "relay" in [fact["round"] for fact in facts(site, "patrol.done")]
    assert site.waiting("task") == []


def test_a_relay_that_nobody_takes_is_told_to_the_gate_that_handed_over(
    site: Site, other: Neighbour
) -> None:
    site.config["answering"]["patrol"]["rounds"]["relay"]["next_within_s"] = 4.0
    site.write_config()
    site.restart_agent()
    walk(site)
    site.until(lambda: other.waiting("task"), 20)
    site.station.kill()
    site.start("station")
    (back,) = site.until(lambda: site.waiting("task"), 40)
    assert back["text"]["en"].startswith(f"Task: Nobody takes over relay patrol 'Relay' at {NEXT}")
    place = ["--dir", str(site.folder / "station")]
    done = run_to_end(gatehouse("station", "watch", "--once", "--json", *place))
    shown = {work["id"]: work["note"] for work in json.loads(done.stdout)["work"]}
    assert "nobody answered within" in shown[back["id"].removesuffix("-back")]


def test_points_out_of_order_are_told_and_missed_ones_an_alert(site: Site) -> None:
    site.push("here-2")
    site.until(lambda: len(facts(site, "patrol.out_of_order")) == 2, 10)
    site.agent.kill()
    site.start("agent")
    missed = site.stored(lambda alert: alert.kind == "patrol.missed", 120)
    told = missed.body["data"]["details"]
    assert (told["round"], told["missed"], told["passed"]) == ("dusk", ["fence"], ["roof"])
    assert missed.body["data"]["severity"] == "minor"
