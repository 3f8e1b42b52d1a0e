"""A task from the station's desk to the guard's hands and back, over a kill of the agent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.signing import sign
from contract.words import Role
from station import keys
from tests.tools.guard import facts, station
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site

TASKS = {"accept_s": 1.0, "arrive_s": 60.0, "outputs": ["siren-1"]}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", answering={"tasks": TASKS}) as made:
        yield made.start("station", "agent")


def statuses(site: Site, task_id: str) -> list[dict[str, Any]]:
    rows = site.rows("papers", f"topic='{GATE}/task/{task_id}/status'")
    return [json.loads(row["body"]) for row in sorted(rows, key=lambda row: row["received_ns"])]


def state(site: Site, task_id: str) -> str:
    return str(statuses(site, task_id)[-1]["state"])


def watched(site: Site) -> list[dict[str, Any]]:
    """What the station's screen shows of tasks and posts."""
    place = ["--dir", str(site.folder / "station")]
    done = run_to_end(gatehouse("station", "watch", "--once", "--json", *place))
    found: list[dict[str, Any]] = json.loads(done.stdout)["work"]
    return found


def test_a_task_is_taken_reminded_of_and_done_over_a_kill(site: Site) -> None:
    code, told = station(site, "task", "--text", "Check the fence", "--text-zh", "检查围栏")
    assert (code, told["state"], told["by"]) == (0, "received", "gate")
    task_id = told["task_id"]
    site.until(lambda: facts(site, "task.unaccepted"), 20)
    assert site.guard("accept", "--who", "guard-2")["answered"] == task_id
    site.until(lambda: state(site, task_id) == "accepted", 10)
    shown = [(work["id"], work["state"]) for work in watched(site)]
    assert shown == [(task_id, "accepted")]
    site.restart_agent()
    (item,) = site.waiting("task")
    assert (item["id"], item["text"]["zh"]) == (task_id, "任务：检查围栏")
    site.guard("arrived", "--who", "guard-2")
    site.guard("done", task_id, "--who", "guard-2", "--note", "closed the gap")
    site.until(lambda: state(site, task_id) == "done", 10)
    told_states = [told["state"] for told in statuses(site, task_id)]
    assert told_states == ["received", "accepted", "arrived", "done"]
    assert statuses(site, task_id)[-1]["note"] == "closed the gap"
    assert site.waiting("task") == []


def test_what_is_doubled_unsigned_or_for_another_gate_is_told_to_the_sender(site: Site) -> None:
    _, told = station(site, "task", "--text", "Open the side gate")
    (sent,) = site.recorder.on(f"task/{told['task_id']}")
    site.say(f"task/{told['task_id']}", sent.payload)
    site.guard("decline", told["task_id"], "--note", "alone at the post")
    site.until(lambda: state(site, told["task_id"]) == "declined", 10)
    site.say(f"task/{told['task_id']}", sent.payload)
    order = json.loads(sent.payload)
    key = keys.role_key(keys.open_station(site.folder / "station"), Role.CONFIG)
    changed = {**order, "task_id": "t-changed"}
    other_gate = {**order, "task_id": "t-other", "node": "cancheng.liya-garden.gate-2"}
    site.say("task/t-changed", json.dumps(changed).encode())
    site.say("task/t-other", json.dumps(sign(other_gate, key)).encode())
    site.until(lambda: statuses(site, "t-changed") and statuses(site, "t-other"), 10)
    assert statuses(site, "t-changed")[-1]["note"] == "bad-signature"
    (other,) = statuses(site, "t-other")
    assert (other["state"], other["by"]) == ("declined", "gate")
    assert other["note"].startswith("wrong-node")
    assert site.waiting("task") == []
    done = run_to_end(
        gatehouse("guard", "done", "t-other", "--config", str(site.config_path), "--json")
    )
    assert done.returncode == 1


def test_a_task_that_comes_too_late_is_told_to_the_sender(site: Site) -> None:
    site.until(site.beat, 10)
    _, told = station(site, "task", "--text", "Open the side gate")
    (sent,) = site.recorder.on(f"task/{told['task_id']}")
    order = json.loads(sent.payload) | {"task_id": "t-late"}
    order |= {"issued_at": "2026-01-01T00:00:00.000Z", "expires_at": "2026-01-01T01:00:00.000Z"}
    key = keys.role_key(keys.open_station(site.folder / "station"), Role.CONFIG)
    site.say("task/t-late", json.dumps(sign(order, key)).encode())
    (late,) = site.until(lambda: statuses(site, "t-late"), 10)
    if site.beat()["clock"]["synced"]:
        assert (late["state"], late["by"]) == ("declined", "gate")
        assert late["note"].startswith("expired")
    else:
        assert late["state"] == "received"


def test_a_drills_task_stays_on_its_branch(site: Site) -> None:
    _, told = station(site, "task", "--text", "Rehearse", "--exercise")
    assert told["status"] == "Exercise"
    (item,) = site.waiting("task")
    assert (item["id"], item["status"]) == (f"drill/{told['task_id']}", "Exercise")
