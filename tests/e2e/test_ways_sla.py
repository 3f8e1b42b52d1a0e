"""1-3-5 between a gate and its station: limits that are broken, help that arrives, the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station.reports import intact
from tests.tools.site import GATE, Site

LIMITS = {"self_help_s": 2.0, "mutual_help_s": 4.0, "reinforcement_s": 60.0}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering={"sla": LIMITS}) as made:
        yield made.start("station", "agent")


def report(site: Site, incident: str) -> dict[str, Any]:
    """The incident's report, once the station has filed it."""
    topic = f"{GATE}/report/incident/{incident}"
    rows = site.until(lambda: site.rows("papers", f"topic='{topic}'"), 20)
    found: dict[str, Any] = json.loads(rows[-1]["body"])
    return found


def test_limits_pass_over_a_restart_help_arrives_and_the_report_tells_all(site: Site) -> None:
    alert = site.press("panic-1")
    site.agent.kill()
    site.start("agent")
    first = site.stored(lambda found: found.kind == "sla.breach")
    assert first.body["data"]["details"] == {
        "stage": 1,
        "of": alert.incident,
        "kind": "panic",
        "limit_s": 2.0,
    }
    assert (
        2.0
        <= (first.body["data"]["at"]["monotonic_ns"] - alert.body["data"]["at"]["monotonic_ns"])
        / 1e9
        < 20
    )
    (waiting,) = site.waiting()
    assert (waiting["id"], waiting["answers"]) == (alert.incident, ["arrived", "reject"])
    site.guard("arrived", "--who", "guard 7")
    site.guard("arrived", "--as", "police", "--who", "patrol 3")
    assert site.waiting() == []
    site.ask("reset", name="panic-1")
    told = report(site, alert.incident)
    assert told["figures"]["met_s"].keys() == {"1", "3", "5"}
    assert told["figures"]["broken"][0] == 1
    assert intact(told)
    whats = [line["what"] for line in told["timeline"]]
    assert whats[0] == "incident.opened"
    assert whats[-1] == "closed"
    assert [line["by"] for line in told["timeline"] if line["what"] == "arrived"] == [
        "guard 7",
        "patrol 3",
    ]
    site.until(lambda: site.status()["outbox"]["pending"] == 0, 10)
