"""Profiles on a running gate: the calendar's, the station's order over a kill, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.tools.guard import facts, station
from tests.tools.program import gatehouse, run_to_end
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
            "doors": {"pedestrian": {"held_warn_s": 1.0, "held_alarm_s": 2.0}},
            "rules": {"stays": {"for_s": 1.0}},
            "post": {"every_s": 3600.0, "remind_s": 1.0, "absent_s": 2.0},
            "roster": [{"who": "badge-7"}],
        },
    },
    "calendar": {"weekly": [WHOLE_WEEK]},
}
STAYS = {
    "type": "custom",
    "name": "stays",
    "alert": "loiter",
    "when": {"lasts": "device == 'door-1' and state == 'open'", "for_s": 3600.0},
    "text": {"en": "Somebody stays at the door", "zh": "有人在门口逗留"},
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering=ANSWERING) as made:
        made.config["rules"] = [*made.config.get("rules", []), STAYS]
        made.write_config()
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


def test_the_stricter_profile_has_limits_of_its_own_for_doors_rules_and_the_post(
    site: Site,
) -> None:
    site.sim("open", "door-1")
    site.until(lambda: facts(site, "door.opened"), 10)
    assert site.alerts("door.held") == []
    station(site, "profile", "school-in")
    changed(site, "school-in", "station")
    held = site.stored(lambda alert: alert.kind == "door.held")
    assert held.body["data"]["details"]["open_s"] < 30
    site.stored(lambda alert: alert.kind == "loiter")
    station(site, "challenge")
    absent = site.stored(lambda alert: alert.kind == "guard.absent")
    assert absent.body["data"]["details"]["expected"] == ["badge-7"]


def test_a_hole_in_the_calendar_is_told_to_installer_and_station(site: Site) -> None:
    today = datetime.now(UTC).astimezone()
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    far = [days[(today.weekday() + 3) % 7]]
    site.config["answering"]["calendar"]["weekly"] = [{**WHOLE_WEEK, "days": far}]
    site.write_config()
    done = run_to_end(gatehouse("check", "--config", str(site.config_path)))
    assert done.returncode == 0
    assert "remark: answering.calendar.weekly: says nothing for" in done.stdout
    assert "the strictest profile, 'school-in', holds then" in done.stdout
    site.restart_agent()
    site.until(site.beat, 10)
    changed(site, "school-in", "hole" if site.beat()["clock"]["synced"] else "clock")
