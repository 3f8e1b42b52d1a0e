"""The month's figures of a running gate: asked for at the gate, over a kill, told at its end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.app import Core
from agent.core.clock import NS_PER_S
from contract.words import Status
from station.reports import wait_for
from tests.support.core import Person, SyncedClock
from tests.support.samples import ADDRESS, gate
from tests.support.signed import template
from tests.tools.broker import Broker
from tests.tools.people import entry, give_list
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site
from tests.tools.site_config import file_camera
from tests.tools.spoken_vision import DIM, MODEL, SpokenVision
from tests.tools.station import init_station, run_station, serving
from tests.tools.stored import Stored


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made.start("station", "agent")


def month(site: Site, *words: str, code: int = 0) -> dict[str, Any]:
    """What ``gatehouse report month`` answers."""
    place = ("--config", str(site.config_path), "--json")
    done = run_to_end(gatehouse("report", "month", *words, *place))
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_what_was_counted_stands_over_a_kill(site: Site) -> None:
    alert = site.press("panic-1")
    folder = ("--dir", str(site.folder / "station"))
    run_to_end(gatehouse("station", "ack", alert.id, "--stage", "seen", "--by", "desk", *folder))
    site.until(lambda: month(site)["figures"]["acked"] == 1, 20)
    place = ("--config", str(site.config_path))
    rejected = run_to_end(gatehouse("guard", "reject", alert.incident, "--note", "误碰", *place))
    assert rejected.returncode == 0, rejected.stderr
    site.until(lambda: month(site)["figures"]["false_alarms"] == 1, 20)
    site.restart_agent()
    site.press("panic-2")
    figures = month(site)["figures"]
    assert figures["alerts_by_kind"]["panic"] == 2
    assert (figures["acked"], figures["false_alarms"]) == (1, 1)
    assert 0 < figures["ack_p50_s"] < 60
    assert 0 < figures["availability_link"] <= figures["availability_agent"] <= 1
    shown = run_to_end(gatehouse("report", "month", *place)).stdout
    assert "月报 " in shown
    assert "误报: 1" in shown
    assert month(site, "2020-01", code=1)["error"] == "nothing is known of the month '2020-01'"


WATCHED = {
    "faces": {"enabled": True},
    "answering": {"post": {"remind_s": 1.0, "absent_s": 2.0, "where": "north-gate"}},
    "rules": [{"type": "panic"}, {"type": "watchlist.face", "cooldown_s": 0.0}],
}
ENTRY = "w-2026-44"


def test_every_figure_is_of_what_happened_over_a_kill(tmp_path: Path) -> None:
    """Acks, a drill, leads that people decided, a post that nobody held: counted, and kept."""
    cameras = {"north": file_camera(tmp_path / "none.mp4")}
    with Site(tmp_path / "site", cameras=cameras, **WATCHED) as site:  # type: ignore[arg-type]
        site.start("station", "agent")
        whole = entry(ENTRY, [], list="wanted", templates=[template(MODEL, b"\0\0\x80?" * DIM)])
        give_list(site, [{n: v for n, v in whole.items() if n != "photos"}], Status.ACTUAL)
        with SpokenVision(site.folder / "run", "north") as eye:
            decided(site, lead_of(site, eye), ("confirm", "desk-3"), ("confirm", "duty-officer"))
            site.restart_agent()
            decided(site, lead_of(site, eye), ("reject", "desk-3"))
            decided(site, lead_of(site, eye), ("confirm", "desk-3"))
        drill = ("drill", "liya-garden/gate-1", "--for", "60", "--scenario", "panic")
        assert station(site, *drill)["gates"][0]["outcome"] == "done"
        station(site, "challenge", "liya-garden/gate-1")
        site.until(lambda: site.alerts("guard.absent"), 20)
        absent_since = time.monotonic()
        alert = site.press("panic-1")
        station(site, "ack", alert.id, "--stage", "handling", "--by", "desk-3")
        site.until(lambda: time.monotonic() > absent_since + 2, 10)
        place = ("--config", str(site.config_path))
        assert run_to_end(gatehouse("guard", "present", *place)).returncode == 0
        site.until(lambda: month(site)["figures"]["acked"] >= 1, 20)
        site.delivered()
        before = month(site)["figures"]
        site.restart_agent()
        figures = month(site)["figures"]
        counted = ("drills", "absences", "leads_confirmed", "leads_rejected", "acked")
        assert {n: figures[n] for n in counted} == {n: before[n] for n in counted}
        assert figures["alerts"] >= before["alerts"], "a limit of 1-3-5 may break meanwhile"
        assert (figures["drills"], figures["absences"]) == (1, 1)
        assert (figures["leads_confirmed"], figures["leads_rejected"]) == (1, 1)
        facts = [row["kind"] for row in site.rows("messages", "kind LIKE 'lead.%'")]
        assert (facts.count("lead.confirmed"), facts.count("lead.rejected")) == (1, 1)
        assert figures["absent_s"] >= 2
        assert 0 < figures["ack_p50_s"] <= figures["ack_p95_s"]
        assert 0 < figures["received_p50_s"] <= figures["received_p95_s"]
        assert 0.5 < figures["availability_link"] <= figures["availability_agent"] <= 1
        kinds = {"panic": 1, "guard.absent": 1}
        assert kinds.items() <= figures["alerts_by_kind"].items()


def station(site: Site, *words: str, code: int = 0) -> dict[str, Any]:
    """What a command of the station answers."""
    place = ("--dir", str(site.folder / "station"), "--json")
    done = run_to_end(gatehouse("station", *words, *place), timeout_s=90)
    assert done.returncode == code, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def lead_of(site: Site, eye: SpokenVision) -> Stored:
    """Somebody who resembles the entry walks by, until the core that just began hears of it."""
    newest = site.newest
    site.until(lambda: ENTRY in eye.searched, 20)
    for _ in range(4):
        eye.see(ENTRY)
        with suppress(AssertionError):
            return site.stored(lambda found: found.kind == "watchlist.face", 8, after=newest)
    raise AssertionError("the lead was not stored")


def decided(site: Site, alert: Stored, *words: tuple[str, str]) -> None:
    """What persons at the station say of it, one after the other."""
    for word, by in words:
        said = ("--by", by, "--reason", "compared side by side")
        assert station(site, "lead", word, alert.id, *said)["outcome"] == "done"


class SteppedClock(SyncedClock):
    """A machine whose synced clock is a month ahead once it is told."""

    ahead_s = 0

    def utc_ns(self) -> int:
        """By the wall, and ahead of it."""
        return super().utc_ns() + self.ahead_s * NS_PER_S


def test_at_the_month_s_end_it_is_told_to_the_station(tmp_path: Path) -> None:
    folder = init_station(tmp_path / "station")
    with Broker(tmp_path) as broker, serving(folder, broker.address) as station:
        station.wait_event("connected")
        month = asyncio.run(over_the_end(tmp_path, broker.port))
        topic = ADDRESS.topic("report", "month", month)
        told = wait_for(folder, topic, 20)
        assert told is not None
        assert (told["kind"], told["status"]) == ("month", "Actual")
        assert told["figures"]["alerts_by_kind"]["panic"] == 1
        shown = run_station("report", "liya-garden/gate-1", month, "--dir", str(folder))
        assert f"Month {month}" in shown.stdout
        assert "panic 1" in shown.stdout


async def over_the_end(folder: Path, port: int) -> str:
    """One life of an agent in which a month ends; which month that was."""
    config = gate(
        ("/var/lib/gatehouse", str(folder / "data")),
        ("/run/gatehouse", str(folder / "run")),
        ("port: 1883", f"port: {port}"),
    )
    clock = SteppedClock()
    core = Core(config, [], clock)
    await core.start()
    try:
        person = Person(core, folder / "run")
        await person.until(lambda status: status["link"])
        await person.press()
        await person.until(lambda status: "panic:panic-1" in status["incidents"])
        month = await told_of(person)
        clock.ahead_s = 32 * 86_400
        async with asyncio.timeout(20):
            while await told_of(person) == month:  # noqa: ASYNC110 - asked, not told
                await asyncio.sleep(0.05)
        await person.until(lambda status: status["outbox"]["pending"] == 0)
    finally:
        await core.stop()
    return month


async def told_of(person: Person) -> str:
    """The month that goes on."""
    month: str = (await person.ask("report.month"))["report"]["report_id"]
    return month
