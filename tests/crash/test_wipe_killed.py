"""A wipe whose agent is killed at its steps: begun or not, and finished at the next start."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent.files.sealed import key_of
from agent.incidents.record_file import entries_of, files_of, folder_of
from tests.support.core import Person, Site, Status
from tests.support.wiping import (
    CASE,
    NOTE,
    PLANTED,
    SET_ASIDE,
    WHO,
    kept,
    open_orders_of,
    orders,
    prepared,
    raw,
    site,
)
from tests.tools.program import REPO, environment

STORES = [
    "watchlist", "hotlist", "cases", "record", "residents",
    "badges", "commands", "set-aside", "keys",
]  # fmt: skip
LAST = 400  # no wipe has as many steps: the life ends by itself


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a gate with everything that a wipe has to erase, and an alarm to keep."""
    folder = tmp_path_factory.mktemp("before")
    gate = site(folder)
    assert gate.live(prepared)
    found = raw(gate.data)
    assert all(planted in found for planted in PLANTED), "the scan finds what is planted"
    return folder


def secrets(gate: Site) -> list[bytes]:
    """The keys that seal now, the residents' too, in every form that could lie on the disk."""
    folders = (gate.data / "keys", gate.data / "residents" / "keys")
    paths = [path for folder in folders for path in folder.iterdir()]
    texts = [json.loads(path.read_bytes())["key"] for path in paths]
    return [form for text in texts for form in (text.encode(), base64.b64decode(text))]


def killed(folder: Path, before: Path, step: int) -> tuple[Site, int]:
    """The gate after a life that wiped and ended before *step*; how that life ended."""
    shutil.copytree(before, folder)
    gate = site(folder)
    line = [sys.executable, "-m", "tests.support.wiping", str(folder), str(step)]
    done = subprocess.run(
        line, cwd=REPO, env=environment(), stderr=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return gate, done.returncode


async def settled(person: Person) -> Status:
    """The next start, once nothing is under way any more."""
    await person.until(lambda _: not open_orders_of(person))
    await person.until(lambda _: not person.core._stores.vault.keys.pending)
    status = await person.ask("status")
    status["waiting"] = await person.waiting()
    status["kept"] = kept(person)
    people = (await person.ask("guard.people"))["people"]
    status["people"] = {row["person"]: row["has"] for row in people}
    status["figures"] = (await person.ask("report.month"))["report"]["figures"]
    status["listed"] = (await person.ask("watchlist.list"))["entries"]
    residents = (await person.ask("resident.list"))["residents"]
    status["residents"] = [one["id"] for one in residents]
    return status


def erased(gate: Site, old: Sequence[bytes]) -> None:
    """Nothing that was planted, set aside or sealed with a key of before is left."""
    found = raw(gate.data)
    assert [planted for planted in PLANTED if planted in found] == []
    assert [name for name in SET_ASIDE if (gate.data / name).exists()] == []
    assert [secret for secret in old if secret in found] == []
    assert not (gate.data / "residents").exists()
    (key,) = (gate.data / "keys").iterdir()
    assert key_of((gate.data / "watchlist.json").read_bytes()) == key.name.rpartition("-")[2]


def judge(gate: Site, before: Path) -> bool:
    """Whether it was wiped at the next start; either way the alarm still waits, readable."""
    status = gate.live(settled)
    assert status["waiting"] >= alarms(before)
    assert [i for i in status["issues"] if i["code"] in ("outbox-unreadable", "keys")] == []
    if not wipes(gate):
        assert WHO in status["kept"]
        assert status["people"] == {"guard-7": ["code"]}
        assert [entry["entry_id"] for entry in status["listed"]] == ["w-1"]
        assert status["residents"] == ["r-1"]
        return False
    (order,) = wipes(gate)
    assert (order["name"], order["outcome"], order["proof"]["failed"]) == ("wipe", "done", {})
    assert order["proof"]["wiped"] == STORES
    assert (status["listed"], status["residents"]) == ([], [])
    forgotten(status)
    assert min(recorded(gate)) > max(recorded(site(before)))
    erased(gate, secrets(site(before)))
    return True


def wipes(gate: Site) -> list[dict[str, Any]]:
    """The wipes among the commands that a gate remembers."""
    return [order for order in orders(gate) if order["name"] == "wipe"]


def recorded(gate: Site) -> list[int]:
    """When the entries in the record of events came about."""
    return [entry["at"][0] for entry in entries_of(*files_of(folder_of(gate.data)))]


def forgotten(status: Status) -> None:
    """The ways of answering know nobody any more; the real alarm goes on."""
    assert [name for name in (WHO, NOTE, CASE, "w-hot", "d-1") if name in status["kept"]] == []
    assert status["people"] == {"guard-7": []}
    assert status["figures"]["drills"] == 0
    assert status["figures"]["alerts"] == 0
    assert list(status["incidents"]) == ["panic:panic-1"]


@cache
def alarms(before: Path) -> set[str]:
    """What waits for the station."""
    folder = before.with_name("alarms")
    shutil.copytree(before, folder)
    waiting: set[str] = site(folder).live(Person.waiting)
    return waiting


def kill_at(folder: Path, before: Path, steps: Sequence[int]) -> set[bool]:
    """Kill at each of *steps*, as far as a wipe has so many; whether they came to be wiped."""
    wiped = set()
    for step in steps:
        gate, ended = killed(folder / str(step), before, step)
        wiped.add(judge(gate, before))
        if ended == 0:
            return wiped
    raise AssertionError(f"no wipe ended by itself within {max(steps)} steps")


def test_a_wipe_that_nothing_interrupts_leaves_nothing(tmp_path: Path, before: Path) -> None:
    gate, ended = killed(tmp_path / "whole", before, LAST)
    assert ended == 0
    erased(gate, secrets(site(before)))
    assert judge(gate, before)


def test_killed_in_the_middle_it_is_finished_at_the_next_start(
    tmp_path: Path, before: Path
) -> None:
    assert kill_at(tmp_path, before, [0, 1, *range(3, LAST, 9)]) == {False, True}


@pytest.mark.soak
def test_killed_at_every_step(tmp_path: Path, before: Path) -> None:
    assert kill_at(tmp_path, before, range(LAST)) == {False, True}
