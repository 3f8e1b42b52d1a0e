"""Nobody takes an alert up: hooks are run, the level rises, and a listed centre may order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.signing import sign
from contract.topics import Address
from contract.words import CommandName, Role
from station import keys
from station.orders import Marks, Wanted, make_command, nonce_of
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site

NAMES = {"station": ("Station", "派出所"), "county": ("County", "县局"), "city": ("City", "市局")}


def chain(*waits: tuple[str, float]) -> list[dict[str, Any]]:
    """A chain of levels with their waits."""
    return [
        {"level": level, "name": dict(zip(("en", "zh"), NAMES[level], strict=True)), "after_s": s}
        for level, s in waits
    ]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    told = tmp_path / "told"
    hook = {"type": "command", "argv": ["/bin/sh", "-c", f"cat >> {told}"], "name": "sms"}
    failing = {"type": "command", "argv": ["/bin/sh", "-c", "exit 3"], "name": "modem"}
    levels = chain(("station", 0.0), ("county", 8.0), ("city", 16.0))
    escalation = {"after_s": 4.0, "hooks": [hook, failing], "chain": levels}
    with Site(tmp_path / "site", answering={"escalation": escalation}) as made:
        yield made


def pages(site: Site) -> list[dict[str, Any]]:
    """What the first hook was given, each time."""
    told = site.folder.parent / "told"
    text = told.read_text("utf-8") if told.exists() else ""
    decoder, found = json.JSONDecoder(), []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_nobody_acks_so_hooks_are_run_over_a_restart_and_their_end_is_told(site: Site) -> None:
    site.start("station", "agent")
    site.station.kill()
    before = written(site)
    site.push("panic-1")
    site.until(lambda: site.status()["outputs"]["siren-1"] and written(site) != before, 5)
    site.agent.kill()
    site.start("agent")
    (page,) = site.until(lambda: pages(site), 20)
    assert (page["source"], page["kind"], page["status"]) == (GATE, "panic", "Actual")
    assert page["text"] == {
        "en": "Panic button pressed: panic-1",
        "zh": "紧急按钮触发：岗亭panic-1",
    }
    site.until(lambda: site.component("hook.modem").get("state") == "degraded", 20)
    assert site.component("hook.modem")["reason"] == "/bin/sh ended with exit code 3"
    site.start("station")
    site.delivered(40)
    ends = {json.loads(r["body"])["data"]["details"]["hook"] for r in facts(site)}
    assert ends == {"sms", "modem"}
    tries = len(facts(site))
    alert = site.alerts("panic")[0]
    assert (page["alert"], page["incident"]) == (alert.id, alert.incident)
    assert len(pages(site)) == 1
    assert tries < 5


def written(site: Site) -> list[int]:
    """When the files of open cases were written: all that an event changed is written at once."""
    files = sorted((site.folder / "data").glob("cases*/**/*"))
    return [file.stat().st_mtime_ns for file in files]


def facts(site: Site) -> list[dict[str, Any]]:
    """What the station stored of hooks."""
    return site.rows("messages", "kind='escalation.hook'")


def test_the_level_rises_until_a_person_looks(site: Site) -> None:
    site.start("station", "agent")
    alert = site.press("panic-1")
    told = alert.body["data"]["details"]
    assert told["level"] == "station"
    assert [each["level"] for each in told["escalation"]] == ["station", "county", "city"]
    site.delivered()
    began_ns = alert.body["data"]["at"]["monotonic_ns"]
    site.until(lambda: time.monotonic_ns() > began_ns + 5_000_000_000, 20)
    assert pages(site) == []
    site.restart_agent()
    update = site.stored(lambda found: found.msgtype == "Update", 30)
    assert update.incident == alert.incident
    details = update.body["data"]["details"]
    assert (details["level"], details["escalation"]) == ("county", told["escalation"])
    assert update.body["data"]["text"]["zh"].startswith("8 秒无人应答，上报县局：")
    acked = ("--stage", "seen", "--by", "desk-3", "--dir", site.folder / "station")
    done = run_to_end(gatehouse("station", "ack", update.id, *acked))
    assert done.returncode == 0, done.stderr
    site.until(lambda: time.monotonic_ns() > began_ns + 18_000_000_000, 40)
    site.press("panic-2")
    told_of = [a.msgtype for a in site.alerts("panic") if a.incident == alert.incident]
    assert told_of == ["Alert", "Update"]


def test_a_listed_centre_orders_and_another_does_not(site: Site) -> None:
    county = keys.init(site.folder / "county", "foshan", "佛山市局")
    folder = site.folder / "station"
    add = ("issuers", "--add", county.trusted_keys, "--level", "county", "--dir", folder, "--json")
    done = run_to_end(gatehouse("station", *add))
    assert json.loads(done.stdout)["issuers"] == [
        {"issuer": "foshan", "level": "county", "roles": ["config", "drill"]}
    ]
    site.start("station", "agent")
    assert order(site, county, "foshan", "cmd-foshan-1")["outcome"] == "done"
    stranger = keys.init(site.folder / "stranger", "nanhai", "南海分局")
    refused = order(site, stranger, "nanhai", "cmd-nanhai-1")
    assert (refused["outcome"], refused["reason"]) == ("refused", "unknown-issuer: 'nanhai'")


def order(site: Site, by: keys.Station, issuer: str, cmd_id: str) -> dict[str, Any]:
    """The gate's result of a selftest that somebody orders."""
    gate = Address(*GATE.split("/")[2:5])
    key = keys.role_key(by, Role.CONFIG)
    beat = site.until(site.beat, 10)
    marks = Marks(cmd_id, 1, time.time_ns(), nonce_of(json.dumps(beat)))
    message = make_command(Wanted(gate, CommandName.SELFTEST, {}), marks, key)
    body = sign({**json.loads(message.payload), "issuer": issuer}, key)
    site.say(message.topic, json.dumps(body).encode())
    rows = site.until(lambda: site.rows("papers", f"key='{cmd_id}'"), 20)
    answer: dict[str, Any] = json.loads(rows[0]["body"])
    return answer
