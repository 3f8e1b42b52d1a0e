"""The guard's post: asked by the station, answered at the gate, absent over a kill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.guard import facts, guard, station, waiting
from tests.tools.site import GATE, Site

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
    (item,) = waiting(site, "post")
    code, again = station(site, "challenge")
    assert (code, again["outcome"]) == (1, "refused")
    assert again["reason"].startswith("busy: a challenge stands since")
    site.agent.kill()
    site.start("agent")
    site.until(lambda: facts(site, "guard.reminded"), 20)
    absent = site.stored(lambda alert: alert.kind == "guard.absent")
    assert absent.body["data"]["details"]["reason"] == "spot check"
    site.until(lambda: post(site).get("occupied") is False, 10)
    answer = guard(site, "present", "--who", "badge-7")
    assert answer["answered"] == item["id"]
    over = site.stored(lambda alert: alert.msgtype == "Cancel")
    assert over.incident == absent.incident
    site.until(lambda: post(site).get("occupied") is True, 10)
    assert post(site)["by"] == "badge-7"
    (fact,) = site.until(lambda: facts(site, "guard.present"), 10)
    assert (fact["with"], fact["cmd_id"]) == ("command", told["cmd_id"])
