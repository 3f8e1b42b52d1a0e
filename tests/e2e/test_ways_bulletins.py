"""Notices of an area and announcements, between a station and its gate."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

GATE_NAME = "liya-garden/gate-1"
AREA_TOPIC = "gh/v1/cancheng/area/east/bulletin"
SAYS = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    said = str(tmp_path / "said")
    announce = {"argv": [sys.executable, "-c", SAYS, said], "timeout_s": 20.0}
    answering = {"areas": ["east"], "announce": announce}
    with Site(tmp_path / "site", answering=answering) as made:
        yield made.start("station", "agent")


def said(*words: str) -> dict[str, Any]:
    """What a command answers as JSON."""
    done = run_to_end(gatehouse(*words, "--json"), timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def bulletin(site: Site, *words: str) -> list[dict[str, Any]]:
    place = ("--dir", str(site.folder / "station"))
    rows: list[dict[str, Any]] = said("station", "bulletin", "east", *words, *place)["rows"]
    return rows


def waiting(site: Site) -> list[str]:
    return [str(item["id"]) for item in site.waiting()]


def seen(site: Site) -> list[tuple[str, str]]:
    return [(row["what"], row["bulletin_id"]) for row in bulletin(site, "--seen")]


def test_a_notice_is_shown_confirmed_replaced_withdrawn_and_expires(site: Site) -> None:
    bulletin(
        site, "--text", "Parcel thefts", "--text-zh", "快递被盗", "--until", "1h", "--id", "b-1"
    )
    site.until(lambda: waiting(site) == ["b-1"], 20)
    shown = run_to_end(gatehouse("guard", "list", "--config", str(site.config_path)))
    assert "通告：快递被盗" in shown.stdout
    site.restart_agent()
    assert waiting(site) == ["b-1"]
    site.guard("confirm", "b-1", "--who", "guard 7")
    assert waiting(site) == []
    site.until(lambda: seen(site) == [("shown", "b-1"), ("confirmed", "b-1")], 20)
    bulletin(site, "--text", "第二条", "--until", "1h", "--id", "b-2")
    site.until(lambda: waiting(site) == ["b-2"], 20)
    bulletin(site, "--withdraw")
    site.until(lambda: waiting(site) == [], 20)
    old = site.recorder.on("/bulletin")[0].payload
    site.say(AREA_TOPIC, old, retain=True)
    forged = json.dumps({**json.loads(old), "bulletin_id": "b-3"}).encode()
    site.say(AREA_TOPIC, forged, retain=True)
    site.until(lambda: seen(site)[-1] == ("refused", "b-3"), 20)
    assert waiting(site) == []
    site.delivered()


def test_a_text_is_said_by_the_speaker_of_the_gate(site: Site, tmp_path: Path) -> None:
    place = ("--dir", str(site.folder / "station"))
    (row,) = said("station", "announce", GATE_NAME, "--text", "请勿翻越围墙", *place)["rows"]
    assert (row["outcome"], row["proof"]["exit_code"]) == ("done", 0)
    assert (tmp_path / "said").read_text("utf-8") == "请勿翻越围墙"
