"""Watchlists from the station's command line to the gate's disk and off it, on real programs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from contract.words import Role, Status
from station.keys import open_station, role_key
from station.sign import make_watchlist
from tests.tools.orders import GATE_NAME, order
from tests.tools.site import GATE, Site
from tests.tools.site_config import STATION
from tests.tools.watchlists import entries, reported, signed, station

ENTRIES = 10_000
GROWTH_MB = 120
SLOWEST_PRESS_S = 1.0
STORES = [
    "watchlist", "hotlist", "cases", "record", "residents",
    "badges", "commands", "set-aside", "keys",
]  # fmt: skip
WIPED = {"wiped": STORES, "failed": {}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        made.start("station", "agent")
        yield made


def test_ten_thousand_entries_are_applied_and_panic_is_live_meanwhile(site: Site) -> None:
    out, told = signed(site, ENTRIES)
    assert told["sendable"]
    agent = psutil.Process(site.agent.pid)
    before_mb = agent.memory_info().rss / 1e6
    peak_mb = before_mb
    sent = station(site, "send", GATE_NAME, "watchlist", out)
    assert sent["chunks"] > 40
    pressed = []
    until_s = time.monotonic() + 120
    while reported(site).get("version") != 1 and time.monotonic() < until_s:
        pressed.append(site.press().latency_s)
        peak_mb = max(peak_mb, agent.memory_info().rss / 1e6)
    report = reported(site)
    assert (report["version"], report["hash"], report["rejected"]) == (1, told["hash"], [])
    assert max(pressed, default=0) < SLOWEST_PRESS_S
    assert peak_mb - before_mb < GROWTH_MB
    assert len(site.ask("watchlist.list")["entries"]) == ENTRIES
    site.restart_agent()
    assert len(site.ask("watchlist.list")["entries"]) == ENTRIES
    site.panic_works()


def test_a_chunk_that_is_missing_at_the_broker_is_named_and_the_old_list_stays(site: Site) -> None:
    out, told = signed(site, 1000)
    station(site, "send", GATE_NAME, "watchlist", out)
    site.until(lambda: reported(site).get("version") == 1, 30)
    site.agent.kill()
    newer, _ = signed(site, 2000)
    station(site, "send", GATE_NAME, "watchlist", newer)
    kept = site.recorder.on("desired/watchlist/3")[-1].payload
    site.say("desired/watchlist/3", b"", retain=True)
    site.start("agent")
    site.until(lambda: "refused" in reported(site), 40)
    report = reported(site)
    assert (report["version"], report["hash"]) == (1, told["hash"])
    assert report["refused"].startswith("incomplete: chunk 3 of ")
    assert len(site.ask("watchlist.list")["entries"]) == 1000
    site.say("desired/watchlist/3", kept, retain=True)
    site.until(lambda: reported(site).get("version") == 2, 30)
    assert len(site.ask("watchlist.list")["entries"]) == 2000


def test_lists_late_twice_and_in_the_wrong_order(site: Site) -> None:
    """Whatever comes when: the newest version stands, over a restart too, and that is reported."""
    made = {number: document(site, number) for number in (1, 2, 3, 4)}
    topic = "desired/watchlist"
    for number, version, refused in (
        (2, 2, False), (2, 2, False), (1, 2, True), (4, 4, False), (3, 4, True), (1, 4, True),
        (4, 4, False),
    ):  # fmt: skip
        site.say(topic, made[number], retain=True)
        site.until(lambda: settled(site, version, refused=refused), 10)  # noqa: B023
    refusals = [word for word in reports(site) if "refused" in word]
    assert {str(word["refused"]).split(":")[0] for word in refusals} == {"older-version"}
    assert [entry["entry_id"] for entry in site.ask("watchlist.list")["entries"]] == ["W-00004"]
    site.agent.kill()
    site.say(topic, made[3], retain=True)
    site.start("agent")
    site.until(lambda: settled(site, 4, refused=True), 10)
    site.say(topic, made[4], retain=True)
    site.until(lambda: settled(site, 4, refused=False), 10)
    versions = [word["version"] for word in reports(site)]
    assert versions == sorted(versions)
    assert [entry["entry_id"] for entry in site.ask("watchlist.list")["entries"]] == ["W-00004"]
    site.panic_works()


def document(site: Site, version: int) -> bytes:
    """A signed list of one entry, named after its version; the first was signed yesterday."""
    known = open_station(site.folder / "station")
    issued_s = time.time() - (86_400 if version == 1 else 0)
    return make_watchlist(
        [{**entry, "entry_id": f"W-{version:05}"} for entry in entries(1)],
        role_key(known, Role.WATCHLIST),
        station=STATION,
        version=version,
        node="*",
        status=Status.ACTUAL,
        issued_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(issued_s)),
    )


def reports(site: Site) -> list[dict[str, Any]]:
    """Every word of the gate on its watchlist."""
    return [json.loads(word.payload) for word in site.recorder.on(f"{GATE}/reported/watchlist")]


def settled(site: Site, version: int, *, refused: bool) -> bool:
    """Whether the newest word is of that version, with a refusal or without."""
    newest = reported(site)
    return newest.get("version") == version and ("refused" in newest) is refused


def test_a_wiped_gate_takes_nothing_back_from_the_broker(site: Site) -> None:
    out, _ = signed(site, 1000)
    station(site, "send", GATE_NAME, "watchlist", out)
    site.until(lambda: len(site.ask("watchlist.list")["entries"]) == 1000, 30)
    site.until(site.beat, 5)
    code, answer = order(site, "wipe", "--arg", "confirm=gate-1", "--reason", "stolen")
    assert (code, answer["proof"]) == (0, WIPED)
    site.until(lambda: reported(site)["version"] == 0, 5)
    for _ in range(2):
        site.restart_agent()
        site.until(lambda: "refused" in reported(site), 10)
        assert "which was wiped" in reported(site)["refused"]
        assert site.ask("watchlist.list")["entries"] == []
    assert (site.folder / "data" / "watchlist.json").stat().st_size < 2000
    newer, _ = signed(site, 2)
    station(site, "send", GATE_NAME, "watchlist", newer)
    site.until(lambda: len(site.ask("watchlist.list")["entries"]) == 2, 30)
