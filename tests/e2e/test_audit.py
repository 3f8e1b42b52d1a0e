"""The audit log under kills, and under somebody who has the disk: the station keeps the heads."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.audit.folder import HEAD_NAME, files_of, verify
from agent.core.audit import Head
from tests.support.audit import KEY
from tests.tools.program import REPO, environment, gatehouse, run_to_end
from tests.tools.site import GATE, Site

KILLS = 15
TORN = b'{"at":"2026-11-2'
WRITER = """
import sys
from pathlib import Path
from agent.audit.log import AuditLog
from agent.core.audit import AuditKind
from agent.runtime.clock import SystemClock
from tests.support.audit import KEY
from tests.support.outbox import Loop
loop = Loop()
log = AuditLog(Path(sys.argv[1]), KEY, clock=SystemClock(), post=loop.post,
               on_trouble=lambda code, text: print("trouble", code, text, flush=True))
log._worker.hurry.set()
log.open()
told = None
while True:
    log.note(AuditKind.UNLOCK, "gate", {"output": "lock-1"})
    loop._calls.get()()
    if log.head != told:
        told = log.head
        print(told.n, told.hash, flush=True)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made.start("station", "agent")


def test_no_record_that_was_told_is_lost_by_a_kill(tmp_path: Path) -> None:
    folder, told = tmp_path / "audit", list[Head]()
    dice = random.Random(15)  # noqa: S311 - kills that can be repeated
    for number in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)],
            cwd=REPO,
            env=environment(PYTHONPATH=str(REPO)),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(dice.uniform(0.0, 0.1))
        process.kill()
        lines += process.communicate()[0].splitlines(keepends=True)
        assert not any(line.startswith("trouble") for line in lines)
        whole = [line.split() for line in lines if line.endswith("\n")]  # a kill cuts the last
        told += [Head(int(n), digest) for n, digest in whole]
        if number % 3 == 0:
            with files_of(folder)[-1].open("ab") as file:
                file.write(TORN)
    verdict = verify(folder, [KEY], told)
    assert verdict.ok, verdict.breaks
    assert len(told) > KILLS
    assert {gap.what["why"] for gap in verdict.gaps} == {"torn"}


def looked(site: Site, times: int) -> None:
    """Leave so many records, one after the other, and wait until the station has their head."""
    wanted = site.ask("audit.verify")["records"] + times
    for _ in range(times):
        site.ask("watchlist.list")
    site.until(lambda: kept(site) and kept(site)[-1]["n"] >= wanted, 20)


def kept(site: Site) -> list[dict[str, Any]]:
    """The heads that the station kept."""
    return site.rows("audit_heads", f"source='{GATE}'")


def test_a_cut_that_nothing_at_the_gate_shows_is_seen_by_the_station(site: Site) -> None:
    looked(site, 6)
    assert site.rows("audit_faults") == []
    before = kept(site)[-1]["n"]
    site.agent.stop()
    folder = Path(site.config["node"]["data_dir"]) / "audit"
    (path,) = files_of(folder)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    (folder / HEAD_NAME).unlink()
    site.start("agent")
    assert site.ask("audit.verify")["intact"] is True
    (fault,) = site.until(lambda: site.rows("audit_faults"), 20)
    assert fault["text"] == f"the audit log went back from record {before} to 3"
    site.until(lambda: '"event": "audit"' in site.station.log, 10)

    told = run_to_end(
        gatehouse("station", "audit", "heads", "liya-garden/gate-1",
                  "--dir", site.folder / "station", "--json")
    )  # fmt: skip
    heads = site.folder / "heads.json"
    heads.write_text(told.stdout, encoding="utf-8")
    said = run_to_end(
        gatehouse("audit", "verify", "--config", site.config_path, "--heads", heads, "--json")
    )
    answer = json.loads(said.stdout)
    assert (said.returncode, answer["intact"]) == (1, False)
    assert f"record {before} was seen elsewhere" in answer["breaks"][-1]["why"]


def test_restarts_and_kills_give_no_false_fault(site: Site) -> None:
    for number in range(4):
        looked(site, 2)
        if number % 2:
            site.agent.stop()
            site.start("agent")
        else:
            site.restart_agent()
    looked(site, 1)
    assert site.rows("audit_faults") == []
    answer = site.ask("audit.verify")
    assert (answer["intact"], answer["vouched"], answer["gaps"]) == (True, True, [])
