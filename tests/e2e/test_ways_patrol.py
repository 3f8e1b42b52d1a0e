"""A patrol through two sites: points by button and command, hand-over by a task, and a miss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.pipeline.local import ask
from tests.tools.guard import facts
from tests.tools.program import Program, gatehouse, run_to_end
from tests.tools.site import Site
from tests.tools.site_config import gate_config, overlaid

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
def other(site: Site, tmp_path: Path) -> Iterator[Path]:
    """The gate of the neighbouring site, on the same broker; its local socket."""
    folder = tmp_path / "other"
    folder.mkdir()
    place = (site.broker.host, site.broker.port)
    config = gate_config(folder, [place], Path(site.config["node"]["trusted_keys"]))
    config = overlaid(config, {"node": {"site": "liya-school"}})
    (folder / "gate.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    program = Program(gatehouse("run", "--config", str(folder / "gate.yaml")), folder / "agent.log")
    program.start()
    socket = Path(config["node"]["run_dir"]) / "control.sock"
    site.until(lambda: socket.exists() and ask(socket, "status").get("link"), 20)
    yield socket
    program.kill()


def give(site: Site, gate: str, text: str) -> dict[str, Any]:
    """A task for a gate, from the station's desk."""
    place = ["--dir", str(site.folder / "station"), "--json"]
    done = run_to_end(gatehouse("station", "task", gate, "--text", text, *place), timeout_s=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_patrol_passes_is_handed_over_and_missed(site: Site, other: Path) -> None:
    site.push("here-1")
    site.until(lambda: len(facts(site, "patrol.check")) == 2, 10)
    assert {fact["round"] for fact in facts(site, "patrol.check")} == {"relay", "dusk"}
    site.agent.kill()
    site.start("agent")
    site.ask("guard.answer", answer="present", about="relay/roof", who="badge-7")
    (over,) = site.until(lambda: facts(site, "patrol.handover"), 10)
    assert (over["to"], over["by"]) == (NEXT, "badge-7")
    told = give(site, over["to"], "Relay patrol comes from Liya Garden: take over")
    assert (told["state"], told["by"]) == ("received", "gate")
    ask(other, "guard.answer", answer="accepted", about=told["task_id"], who="badge-21")
    topic = f"gh/v1/cancheng/{NEXT}/task/{told['task_id']}/status"
    site.until(lambda: site.rows("papers", f"topic='{topic}' AND key='accepted'"), 10)
    assert "relay" in [fact["round"] for fact in facts(site, "patrol.done")]


def test_points_out_of_order_are_told_and_missed_ones_an_alert(site: Site) -> None:
    site.push("here-2")
    site.until(lambda: len(facts(site, "patrol.out_of_order")) == 2, 10)
    site.agent.kill()
    site.start("agent")
    missed = site.stored(lambda alert: alert.kind == "patrol.missed", 120)
    told = missed.body["data"]["details"]
    assert (told["round"], told["missed"], told["passed"]) == ("dusk", ["fence"], ["roof"])
    assert missed.body["data"]["severity"] == "minor"
