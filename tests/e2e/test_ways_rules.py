"""A site's own rules at a real gate: they raise, they say why, and a changed file is tried out.

The agent restarts in the middle of a count, which goes on; and so does its replay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site
from tests.tools.site_config import PLACE

ABOUT = {"where": PLACE, "name": "Input"}
INPUTS = {
    "assist-1": {"type": "assist", "pin": 17, **ABOUT},
    "lane-1": {"type": "vehicle", "pin": 18, **ABOUT},
}
HELD_WITH_CAR = {
    "type": "custom",
    "name": "held-with-car",
    "alert": "tailgate",
    "severity": "critical",
    "text": {"en": "Door held open with a car in the lane", "zh": "门未关且车道有车"},
    "when": {
        "all": [
            {"lasts": "device == 'door-1' and state == 'open'", "for_s": 1.5},
            "device == 'lane-1' and state == 'present'",
        ],
        "within_s": 10,
    },
}
PRESSES = {
    "type": "custom",
    "name": "called-again",
    "alert": "duress",
    "text": {"en": "The guard called three times", "zh": "值班员连续三次求助"},
    "when": {
        "count": "device == 'assist-1' and state == 'pressed'",
        "at_least": 3,
        "within_s": 60,
    },
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    rules: Any = [{"type": "panic", "outputs": ["siren-1"]}, HELD_WITH_CAR, PRESSES]
    with Site(tmp_path / "site", inputs=INPUTS, rules=rules) as made:
        yield made.start("station", "agent")


def rules(site: Site, *words: str, code: int = 0) -> dict[str, Any]:
    """What ``gatehouse rules`` answers."""
    config = () if "--config" in words else ("--config", str(site.config_path))
    done = run_to_end(gatehouse("rules", *words, *config, "--json"))
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def why(site: Site, event_id: str) -> str:
    """What ``gatehouse rules explain`` tells a person."""
    done = run_to_end(gatehouse("rules", "explain", event_id, "--config", str(site.config_path)))
    assert done.returncode == 0, done.stderr
    return done.stdout


def press_assist(site: Site) -> None:
    """One press, from rest to rest."""
    site.push("assist-1")
    site.until(lambda: site.status()["inputs"]["assist-1"] == "pressed", 10)
    site.until(lambda: site.status()["inputs"]["assist-1"] == "released", 10)


def test_own_rules_raise_tell_why_and_a_changed_file_shows_the_difference(
    site: Site, tmp_path: Path
) -> None:
    site.sim("open", "door-1")
    site.until(lambda: site.status()["inputs"]["door-1"] == "open", 10)
    site.push("lane-1", 0.5)
    held = site.stored(lambda alert: alert.kind == "tailgate")
    data = held.body["data"]
    assert data["rule"] == "held-with-car"
    assert {row["device"] for row in data["details"]["because"]} == {"door-1", "lane-1"}
    press_assist(site)
    press_assist(site)
    site.restart_agent()
    press_assist(site)
    called = site.stored(lambda alert: alert.kind == "duress")
    assert called.body["data"]["text"]["zh"] == "值班员连续三次求助"

    told = why(site, held.id)
    assert "held-with-car" in told
    assert "2" in told
    third = rules(site, "explain", called.id)
    (did,) = [row for row in third["did"] if row.get("rule") == "called-again"]
    assert did["why"][0]["happened"] is True
    first = next(
        entry
        for entry in rules(site, "events", "--last", "100")["events"]
        if entry.get("is", {}).get("device") == "assist-1" and "did" in entry
    )
    assert "1/3" in why(site, f"#{first['n']}")

    site.restart_agent()
    log = str(tmp_path / "events.jsonl")
    assert rules(site, "record", "--out", log)["events"] > 5
    assert rules(site, "replay", log)["differences"] == []
    found = rules(site, "replay", log, "--config", str(changed(site, tmp_path)), code=1)
    assert [(d["word"], d["about"]) for d in found["differences"]] == [
        ("missing", "called-again alert called-again:actual")
    ]


def changed(site: Site, folder: Path) -> Path:
    """The gate's file with four presses in place of three."""
    config = yaml.safe_load(site.config_path.read_text(encoding="utf-8"))
    config["rules"][2]["when"]["at_least"] = 4
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path
