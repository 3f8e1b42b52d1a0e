"""One call, many respond: the station or an agreed gate calls, neighbours answer, all is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.tools.neighbour import Neighbour
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site

AREA = "north"
ANSWERS = {"areas": [AREA], "call_outputs": ["beacon-1"]}
BEACON = {"beacon-1": {"type": "beacon", "pin": 20, "name": "Beacon"}}
CALL = f"gh/v1/cancheng/area/{AREA}/call"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    caller = {"areas": [AREA], "caller_for": [AREA], "silence_s": 3.0}
    with Site(tmp_path / "site", answering=caller) as made:
        yield made.start("station", "agent")


@pytest.fixture
def neighbours(site: Site) -> Iterator[tuple[Neighbour, Neighbour]]:
    with ExitStack() as stack:
        made = [
            stack.enter_context(Neighbour(site, name, answering=ANSWERS, outputs=BEACON))
            for name in ("school", "clinic")
        ]
        yield made[0], made[1]


def station(site: Site, *words: str, code: int = 0) -> list[dict[str, Any]]:
    """The lines of JSON that ``gatehouse station`` prints."""
    done = run_to_end(
        gatehouse("station", *words, "--dir", site.folder / "station", "--json"), timeout_s=60
    )
    assert done.returncode == code, f"{done.stderr}{done.stdout}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def roll(site: Site, call_id: str) -> dict[str, Any]:
    """The roll of one call."""
    (told,) = station(site, "rollcall", call_id)
    found: dict[str, Any] = told["calls"][0]
    return found


def states(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Who said what, in order of receipt."""
    return [(answer["gate"], answer["state"]) for answer in found["answers"]]


def facts(site: Site, kind: str) -> list[dict[str, Any]]:
    """What gates told of a kind, as the station stored it: details, and the gate."""
    rows = site.rows("messages", f"channel='event' AND kind='{kind}'")
    return [{**json.loads(r["body"])["data"]["details"], "from": r["source"]} for r in rows]


def test_the_station_calls_neighbours_answer_and_the_roll_is_kept(
    site: Site, neighbours: tuple[Neighbour, Neighbour]
) -> None:
    school, clinic = neighbours
    words = ("--text", "Help at the north gate", "--text-zh", "北门请求支援", "--kind", "panic")
    (made,) = station(site, "call", AREA, *words, "--gate", "liya-garden/gate-1")
    for gate in neighbours:
        (item,) = gate.until_waiting("call")
        assert item["id"] == made["call_id"]
        assert "called by cancheng" in item["text"]["en"]
        assert "北门请求支援" in item["text"]["zh"]
        assert gate.sounds("beacon-1")
    assert site.waiting() == []

    school.guard("seen", "--who", "guard 5")
    assert not school.sounds("beacon-1")
    assert clinic.sounds("beacon-1")
    school.guard("coming", "--eta", "90", "--who", "guard 5")
    school.agent.kill()
    school.start()
    (item,) = school.waiting("call")
    assert (item["said"], item["answers"]) == ("coming", ["coming", "arrived", "cannot"])
    school.guard("arrived", made["call_id"][:13], "--who", "guard 5")
    clinic.guard("cannot", "--who", "nurse 2", "--note", "alone here")
    found = site.until(
        lambda: r if len((r := roll(site, made["call_id"]))["answers"]) == 4 else None, 30
    )
    assert states(found) == [
        ("school/gate-1", "seen"),
        ("school/gate-1", "coming"),
        ("school/gate-1", "arrived"),
        ("clinic/gate-1", "cannot"),
    ]
    assert [a["eta_s"] for a in found["answers"]] == [None, 90.0, None, None]
    times = [a["after_s"] for a in found["answers"]]
    assert times == sorted(times)
    assert not any(a["late"] for a in found["answers"])
    (board,) = station(site, "watch", "--once")
    assert board["calls"][0]["call_id"] == made["call_id"]
    site.until(lambda: len(facts(site, "call.response")) == 4, 20)


def test_doubled_over_unknown_and_not_ours_are_told(
    site: Site, neighbours: tuple[Neighbour, Neighbour]
) -> None:
    school, _ = neighbours
    (made,) = station(site, "call", AREA, "--text", "Short", "--valid", "5", "--exercise")
    (item,) = school.until_waiting("call")
    assert item["status"] == "Exercise"
    payload = site.recorder.on("/call")[-1].payload
    site.say(CALL, payload)
    (again, *_) = site.until(lambda: facts(site, "call.refused"), 20)
    assert (again["call_id"], again["reason"]) == (made["call_id"], "repeated")

    site.until(lambda: not school.waiting("call"), 20)
    late = run_to_end(
        gatehouse("guard", "coming", made["call_id"], "--config", school.config_path, "--json")
    )
    assert late.returncode == 1
    assert "nothing that waits here" in late.stdout + late.stderr
    over = site.until(lambda: [f for f in facts(site, "call.over") if f["said"] is None], 20)
    assert over[0]["call_id"] == made["call_id"]

    answer = {"state": "coming", "eta_s": None, "who": "guard 5", "at": "2026-11-21T08:00:00Z"}
    respond = f"gh/v1/cancheng/area/{AREA}/respond/school/gate-1"
    for name in (made["call_id"], "nobody-called"):
        site.say(respond, json.dumps({**answer, "call_id": name}).encode())
    site.until(lambda: roll(site, made["call_id"])["answers"], 20)
    assert [a["late"] for a in roll(site, made["call_id"])["answers"]] == [True]
    (told,) = station(site, "rollcall")
    assert [a["call_id"] for a in told["unknown"]] == ["nobody-called"]


def test_an_agreed_gate_calls_while_the_station_is_silent(
    site: Site, neighbours: tuple[Neighbour, Neighbour]
) -> None:
    school, _ = neighbours
    site.station.kill()
    site.push("panic-1")
    (item,) = school.until_waiting("call")
    assert "a neighbour calls, not the station" in item["text"]["en"]
    assert "liya-garden/gate-1" in item["text"]["en"]
    school.guard("coming", "--eta", "60", "--who", "guard 5")
    site.start("station")
    site.delivered(40)
    found = site.until(
        lambda: r if (r := station(site, "rollcall")[0]["calls"]) and r[0]["answers"] else None, 40
    )[0]
    assert (found["call_id"], found["by"]) == (item["id"], "liya-garden/gate-1")
    assert states(found) == [("school/gate-1", "coming")]
    assert len(site.recorder.on("/call")) == 1


def test_a_station_that_acks_is_not_called_for(
    site: Site, neighbours: tuple[Neighbour, Neighbour]
) -> None:
    site.press("panic-1")
    site.delivered()
    (made,) = station(site, "call", AREA, "--text", "Now", "--kind", "panic")
    neighbours[0].until_waiting("call")
    calls = site.until(lambda: site.recorder.on("/call"), 5)
    assert [json.loads(m.payload)["call_id"] for m in calls] == [made["call_id"]]


def test_a_gate_calls_on_a_signed_order_where_it_is_agreed(
    site: Site, neighbours: tuple[Neighbour, Neighbour]
) -> None:
    school, _ = neighbours
    text = json.dumps({"en": "Come to the gate", "zh": "请到门口"}, ensure_ascii=False)
    order = ("area.call", "--arg", f"area={AREA}", "--arg", f"text={text}")
    (done,) = station(site, "send", "liya-garden/gate-1", *order)
    assert (done["outcome"], done["proof"]) == ("done", {"taken": True})
    school.until_waiting("call")
    (refused,) = station(site, "send", "school/gate-1", *order, code=1)
    assert refused["reason"].startswith("unsupported: this gate is not the agreed caller")
    assert site.waiting() == []
    assert GATE in {fact["from"] for fact in facts(site, "call.made")}
