"""Profiles on a running gate: the calendar's, the station's order over a kill, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.guard import facts, station
from tests.tools.site import GATE, Site

WHOLE_WEEK = {"profile": "normal", "start": "00:00", "end": "00:00"}
ANSWERING = {
    "profiles": {
        "normal": {"name": "平时", "rank": 1},
        "school-in": {
            "name": "入校",
            "rank": 2,
            "heartbeat_s": 1.5,
            "sla": {"self_help_s": 1.0, "mutual_help_s": 300.0, "reinforcement_s": 600.0},
        },
    },
    "calendar": {"weekly": [WHOLE_WEEK]},
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering=ANSWERING) as made:
        yield made.start("station", "agent")


def reported(site: Site) -> dict[str, Any]:
    """The newest word on ``~/reported/profile``."""
    rows = site.rows("papers", f"topic='{GATE}/reported/profile'")
    return json.loads(rows[-1]["body"]) if rows else {}


def changed(site: Site, profile: str, by: str) -> None:
    """Wait until the station has heard that this profile holds for this reason."""
    site.until(
        lambda: (
            (found := facts(site, "profile.changed"))
            and (found[-1]["profile"], found[-1]["by"]) == (profile, by)
        ),
        20,
    )


def period(site: Site) -> float:
    return float(site.beat()["period_s"])


def test_an_order_of_the_station_holds_over_a_kill_and_changes_the_gate(site: Site) -> None:
    site.until(site.beat, 10)
    synced = site.beat()["clock"]["synced"]
    usual = ("normal", "weekly") if synced else ("school-in", "clock")
    changed(site, *usual)
    code, told = station(site, "profile", "school-in")
    assert code == 0
    changed(site, "school-in", "station")
    site.until(lambda: reported(site).get("version") == told["version"], 10)
    assert reported(site)["hash"] == told["hash"]
    site.restart_agent()
    site.until(lambda: period(site) == 1.5, 10)
    site.press("panic-1")
    breach = site.stored(lambda alert: alert.kind == "sla.breach")
    assert breach.body["data"]["details"]["limit_s"] == 1.0
    station(site, "profile", "night")
    site.until(lambda: "no profile 'night'" in reported(site).get("refused", ""), 10)
    station(site, "profile")
    changed(site, *usual)
    site.until(lambda: reported(site)["version"] == told["version"] + 2, 10)
