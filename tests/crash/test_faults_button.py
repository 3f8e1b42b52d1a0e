"""Buttons that chatter, and a hundred alarms in a second: bounded, named, latched, none lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tools.checker import Ledger
from tests.tools.figures import tell
from tests.tools.site import Site
from tests.tools.site_config import PANICS

PRESSES = 100
SPIKE_S = 0.004
ROUNDS = 9
PRESS_S, SETTLED_S = 0.04, 0.06


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", log={"level": "debug"}) as made:
        made.start("station", "agent")
        yield made


def test_a_chattering_button_is_one_alarm_and_has_its_name(site: Site) -> None:
    """A hundred closures in about a second, each shorter than a press."""
    began_s = time.monotonic()
    for number in range(PRESSES):
        time.sleep(max(began_s + number / PRESSES - time.monotonic(), 0))
        site.push("panic-1", SPIKE_S)
    lasted_s = time.monotonic() - began_s
    site.until(lambda: site.status()["outputs"]["siren-1"], 5)
    issue = site.issue("input-restless")
    site.delivered()
    first = Ledger.of(site)
    site.ask("reset", name="panic-1")
    site.until(lambda: not site.status()["incidents"], 5)
    again = site.press("panic-1")
    site.delivered()
    tell("100 closures", lasted_s=lasted_s, messages=len(first.rows))
    Ledger.of(site).assert_sound()
    assert issue["component"] == "panic-1"
    kinds = [(row["kind"], row["severity"]) for row in first.alerts]
    assert kinds[0] == ("panic", "critical")
    assert [kind for kind, _ in kinds].count("panic") == 1
    assert len(first.rows) <= 3, "the press, and at most that the line is faulty"
    assert again.msgtype == "Alert"


def test_a_hundred_alarms_at_once_all_arrive(site: Site) -> None:
    """From every button at the same time, each pressed and reset nine times."""
    with ThreadPoolExecutor(len(PANICS)) as hands:
        began_s = time.monotonic()
        list(hands.map(lambda name: hammer(site, name), PANICS))
        lasted_s = time.monotonic() - began_s
    site.press("panic-1")
    site.delivered()
    ledger = Ledger.of(site)
    tell("flood", alerts=len(ledger.alerts), lasted_s=lasted_s)
    ledger.assert_sound()
    assert len(ledger.presses) == ROUNDS * len(PANICS) + 1


def hammer(site: Site, name: str) -> None:
    """Press and reset, again and again, no faster than a contact can settle."""
    for _ in range(ROUNDS):
        site.push(name, PRESS_S)
        site.ask("reset", name=name)
        time.sleep(PRESS_S + SETTLED_S)
