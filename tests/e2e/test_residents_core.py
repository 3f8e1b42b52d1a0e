"""Residents in a whole core: who may ask, what a wipe and a rotation do, and what is not loaded."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.pipeline.local import PEER, LocalError
from agent.vault import RESIDENTS
from tests.support.core import Person, Site, Status
from tests.support.residents import NAME, ROW, UNIT, resident_json
from tests.support.wiping import open_orders_of, orders, raw, wipe
from tests.support.wiping import site as planted_site
from tests.tools.program import REPO, environment


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return planted_site(tmp_path)


async def enrol(person: Person, **fields: Any) -> Status:
    """Somebody is enrolled, as the command does it."""
    begun = await person.ask("resident.begin")
    return await person.ask("resident.enrol", resident=resident_json(begun, **fields))


async def ids(person: Person) -> list[str]:
    found = await person.ask("resident.list")
    return [one["id"] for one in found["residents"]]


def keys(site: Site) -> set[str]:
    return {path.name for path in (site.data / RESIDENTS / "keys").iterdir()}


def test_a_gate_without_residents_makes_no_file_and_loads_nothing(site: Site) -> None:
    assert site.live(ids) == []
    assert not (site.data / RESIDENTS).exists()
    with pytest.raises(LocalError, match="no resident at this gate"):
        site.live(lambda person: person.ask("resident.withdraw", id="r-1"))
    assert not (site.data / RESIDENTS).exists()
    program = "import sys, agent.app; print([m for m in sys.modules if 'agent.residents' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, env=environment(), capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_what_is_kept_is_sealed_and_there_in_the_next_life(site: Site) -> None:
    assert site.live(enrol)["replaced"] is False
    assert site.live(ids) == ["r-1"]
    scan = raw(site.data)
    planted = (NAME.encode(), UNIT.encode(), ROW, base64.b64encode(ROW))
    assert [word for word in planted if word in scan] == []


def test_whose_time_is_over_is_destroyed_at_the_start(site: Site) -> None:
    async def soon_over(person: Person) -> None:
        await enrol(person, expires_ns=time.time_ns() + 300_000_000)
        await asyncio.sleep(0.3)  # the time that was agreed to, not a wait for anything

    async def nobody(person: Person) -> None:
        await person.until(lambda _: list((site.data / RESIDENTS).glob("*.resident")) == [])

    site.live(soon_over)
    assert len(list((site.data / RESIDENTS).glob("*.resident"))) == 1
    site.live(nobody)


def test_templates_and_seed_are_for_root_and_the_gates_own_user(site: Site) -> None:
    async def as_a_guard(person: Person) -> None:
        await enrol(person)
        table = person.core._residents.table()
        guard = {PEER: f"uid {os.geteuid() + 1}", "kept_as": "any", "id": "r-1"}
        for name in ("resident.begin", "resident.templates", "resident.enrol"):
            with pytest.raises(Exception, match="use sudo"):
                await _done(table[name](guard))
        assert await ids(person) == ["r-1"]

    site.live(as_a_guard)


async def _done(answer: Any) -> Any:
    return await answer


def test_a_wipe_destroys_residents_and_their_key(site: Site) -> None:
    async def enrolled_and_wiped(person: Person) -> None:
        await enrol(person)
        before.update(keys(site))
        wipe(person)
        await person.until(lambda _: not open_orders_of(person))
        assert await ids(person) == []

    before: set[str] = set()
    site.live(enrolled_and_wiped)
    (order,) = orders(site)
    assert "residents" in order["proof"]["wiped"]
    assert not (site.data / RESIDENTS).exists()
    assert site.live(enrol)["replaced"] is False
    assert not before & keys(site)


def test_keys_rotate_seals_residents_anew(site: Site) -> None:
    async def rotated(person: Person) -> None:
        await enrol(person)
        before = keys(site)
        await person.until(lambda _: not person.core._stores.vault.keys.pending)
        await person.ask("keys.rotate")
        await person.until(lambda _: not before & keys(site))
        assert await ids(person) == ["r-1"]

    site.live(rotated)
    assert site.live(ids) == ["r-1"]


def test_a_damaged_seed_is_an_issue_and_panic_works(site: Site) -> None:
    site.live(enrol)
    (site.data / RESIDENTS / "transforms.json").write_bytes(b"GHS1 nothing")

    async def told(person: Person) -> Status:
        await person.press()
        return await person.until(
            lambda s: "residents" in {issue["code"] for issue in s["issues"]} and s["incidents"]
        )

    assert site.live(told)["outputs"]["siren-1"] is True
