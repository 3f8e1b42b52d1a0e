"""Watchlists from the station's command line to the gate's disk and off it, on real programs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tools.orders import GATE_NAME, order
from tests.tools.site import Site
from tests.tools.watchlists import reported, signed, station

ENTRIES = 10_000
GROWTH_MB = 120
SLOWEST_PRESS_S = 1.0


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
    site.recorder.assert_contract()


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
    site.recorder.assert_contract()


def test_a_wiped_gate_takes_nothing_back_from_the_broker(site: Site) -> None:
    out, _ = signed(site, 1000)
    station(site, "send", GATE_NAME, "watchlist", out)
    site.until(lambda: len(site.ask("watchlist.list")["entries"]) == 1000, 30)
    site.until(site.beat, 5)
    code, answer = order(site, "wipe", "--arg", "confirm=gate-1", "--reason", "stolen")
    assert (code, answer["proof"]) == (0, {"wiped": ["watchlist"], "failed": {}})
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
    site.recorder.assert_contract()
