"""One-key alarm: siren at once, to the station by the second address when nobody acks at the first.

It stays an open incident until a person resets it at the gate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.broker import Broker
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    escalation = {"after_s": 3.0}
    first = tmp_path / "first"
    first.mkdir()
    with (
        Site(tmp_path / "site", answering={"escalation": escalation}) as made,
        Broker(first) as lone,
    ):
        made.config["link"]["brokers"].insert(0, {"host": lone.host, "port": lone.port})
        made.write_config()
        yield made.start("station", "agent")


def test_nobody_acks_at_the_first_broker_so_the_second_is_tried(site: Site) -> None:
    assert not [m for m in site.recorder.messages if m.topic.startswith(GATE)]
    site.push("panic-1")
    site.until(lambda: site.status()["outputs"]["siren-1"], 5)
    alert = site.stored(lambda found: found.kind == "panic", 40)
    assert alert.device == "panic-1"
    site.delivered(40)
    rows = site.until(lambda: site.rows("messages", "kind='escalation.hook'"), 20)
    details = json.loads(rows[0]["body"])["data"]["details"]
    assert (details["hook"], details["ok"], details["of"]) == ("next-broker", True, alert.incident)
    assert site.status()["incidents"]
    site.restart_agent()
    assert site.status()["incidents"]
    assert site.status()["outputs"]["siren-1"], "a kill is no way to silence it"
    site.rest("panic-1")
    site.until(lambda: not site.status()["incidents"], 10)
    assert not site.status()["outputs"]["siren-1"]


def test_the_station_closes_the_alert_and_the_latch_stays_until_a_reset(tmp_path: Path) -> None:
    with Site(tmp_path / "lone") as site:
        site.start("station", "agent")
        first = site.press("panic-1")
        folder = site.folder / "station"
        words = ("--stage", "closed", "--by", "desk-3", "--dir", folder)
        done = run_to_end(gatehouse("station", "ack", first.id, *words))
        assert done.returncode == 0, done.stderr
        site.until(lambda: not site.status()["incidents"], 10)
        assert site.status()["outputs"]["siren-1"], "only a person at the gate makes it quiet"
        over_s = time.monotonic() + 2.5
        site.until(lambda: time.monotonic() > over_s, 10)
        newest = site.newest
        site.push("panic-1")
        again = site.stored(lambda alert: alert.kind == "panic", after=newest)
        assert (again.msgtype, again.incident != first.incident) == ("Alert", True)
        site.rest("panic-1")
        site.until(lambda: not site.status()["outputs"]["siren-1"], 10)
