"""The whole core with nothing around it: no broker, no station, no vision, sometimes no disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.app import Core
from agent.config.problems import Problem
from agent.core.errors import AlreadyRunningError
from agent.runtime.clock import SystemClock
from tests.support.core import Person, Site, Status
from tests.support.samples import gate


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def a_press(person: Person) -> Status:
    await person.press()
    return await person.until(lambda s: s["incidents"] and s["outbox"]["pending"])


async def reset_at_once(person: Person) -> Status:
    await person.press("reset-1")
    return await person.until(lambda s: not s["incidents"])


def test_a_press_sounds_and_waits_for_the_station_over_restarts(site: Site) -> None:
    first = site.live(a_press)
    assert first["outputs"]["siren-1"] is True
    assert list(first["incidents"]) == ["panic:panic-1"]
    assert first["link"] is False
    second = site.live(lambda person: person.until(lambda s: s["outbox"]["pending"]))
    assert second["session"] == first["session"] + 1
    assert list(second["incidents"]) == ["panic:panic-1"]
    assert second["outputs"]["siren-1"] is True
    third = site.live(reset_at_once)
    assert third["outputs"]["siren-1"] is False
    fourth = site.live(lambda person: person.until(lambda s: s["outbox"]["pending"]))
    assert fourth["outputs"]["siren-1"] is False


def test_parts_that_are_missing_are_named(site: Site) -> None:
    status = site.live(lambda person: person.until(lambda s: "link" in s["components"]))
    assert status["healthy"] is False
    assert status["components"]["link"]["state"] == "down"
    assert status["components"]["vision"] == {"state": "down", "reason": "not connected"}
    assert status["components"]["outbox"] == {"state": "ok"}


def test_without_a_usable_disk_panic_still_sounds(site: Site) -> None:
    site.data.touch()
    status = site.live(a_press)
    assert status["outputs"]["siren-1"] is True
    assert {"data-folder", "storage", "watchlist"} <= {i["code"] for i in status["issues"]}
    assert {"panic:panic-1", "storage.degraded:outbox"} <= set(status["incidents"])


def test_without_a_run_folder_the_gate_lives(site: Site) -> None:
    site.run.touch()

    async def story(person: Person) -> set[str]:
        await asyncio.sleep(0)
        return {issue.code for issue in person.core._health.issues}

    assert {"local-socket", "vision-socket"} <= site.live(story)


def test_a_damaged_watchlist_is_set_aside_and_named(site: Site) -> None:
    site.data.mkdir()
    (site.data / "watchlist.json").write_bytes(b"{")
    status = site.live(lambda person: person.ask("status"))
    assert [issue["code"] for issue in status["issues"]] == ["watchlist"]
    assert (site.data / "watchlist.json.damaged").read_bytes() == b"{"


def test_problems_of_a_newer_configuration_are_an_issue(site: Site) -> None:
    problem = Problem("gate.yaml", 3, 5, "node.sight", "unknown key")
    status = site.live(lambda person: person.ask("status"), problem)
    (issue,) = status["issues"]
    assert issue["code"] == "config"
    assert "gate.yaml:3:5: node.sight: unknown key" in issue["text"]


def test_two_agents_do_not_share_a_folder(site: Site) -> None:
    async def story(_: Person) -> None:
        with pytest.raises(AlreadyRunningError, match="is in use by process"):
            await Core(
                gate(("/var/lib/gatehouse", str(site.data)), ("/run/gatehouse", str(site.run))),
                (),
                SystemClock(),
            ).start()

    site.live(story)


def test_a_reset_key_silences_the_gate(site: Site) -> None:
    async def story(person: Person) -> Status:
        await a_press(person)
        await person.press("reset-1")
        return await person.until(lambda s: not s["incidents"])

    assert site.live(story)["outputs"]["siren-1"] is False


def test_nothing_is_left_listening_after_the_end(site: Site) -> None:
    site.live(lambda person: person.ask("status"))
    assert not list(site.run.glob("*.sock"))
