"""A lead between a gate and its station: two persons, a guard who waits, a kill in the middle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.words import Status
from tests.support.signed import template
from tests.tools.people import entry, give_list
from tests.tools.program import gatehouse, run_to_end
from tests.tools.recorder import Recorder
from tests.tools.site import Site
from tests.tools.site_config import file_camera
from tests.tools.spoken_vision import DIM, MODEL, SpokenVision
from tests.tools.stored import Stored

ENTRY = "w-2026-17"
RULES = [
    {"type": "panic", "outputs": ["siren-1"]},
    {"type": "watchlist.face", "outputs": ["siren-1"], "cooldown_s": 0.0},
]
TOLD = "Keep near, do not stop anybody"
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    camera = {"north": file_camera(tmp_path / "none.mp4")}
    leads = {"leads": {"wait_s": 60.0}}
    made = Site(tmp_path / "site", cameras=camera, rules=RULES, answering=leads)  # type: ignore[arg-type]
    with made as site:
        site.start("station", "agent")
        give_list(site, [listed()], Status.ACTUAL)
        yield site
        assert site.panic_works()
    nobody_is_named(made.recorder)


def listed() -> dict[str, Any]:
    """One entry whose template was made elsewhere."""
    made = template(MODEL, b"\0\0\x80?" * DIM)
    told = {"en": TOLD, "zh": "跟随，勿拦截"}
    whole = entry(ENTRY, [], list="wanted", instruction=told, templates=[made])
    return {name: value for name, value in whole.items() if name != "photos"}


def nobody_is_named(recorder: Recorder) -> None:
    """Neither facts nor words about a lead say whom it may be."""
    events = [m for m in recorder.messages if m.topic.endswith("/event")]
    assert events
    assert not [m.topic for m in events if ENTRY.encode() in m.payload]


def lead(site: Site, *words: str) -> Answer:
    """What ``gatehouse station lead`` answers."""
    place = ["--dir", str(site.folder / "station"), "--json"]
    done = run_to_end(gatehouse("station", "lead", *words, *place), timeout_s=90)
    return done.returncode, json.loads(done.stdout)


def decide(site: Site, word: str, alert: Stored, by: str) -> Answer:
    return lead(site, word, alert.id, "--by", by, "--reason", f"{by} compared the two")


def facts(site: Site, kind: str) -> list[dict[str, Any]]:
    rows = site.rows("messages", f"channel='event' AND kind='{kind}'")
    return [json.loads(row["body"])["data"]["details"] for row in rows]


def seen(site: Site, eye: SpokenVision) -> Stored:
    """Somebody who resembles the entry walks by; the lead, as the station stored it."""
    newest = site.newest
    site.until(lambda: ENTRY in eye.searched, 20)
    eye.see(ENTRY)
    return site.stored(lambda found: found.kind == "watchlist.face", after=newest)


def assert_nothing_says_who(site: Site) -> None:
    """Neither the guard's screen, nor the gate's status and log, nor its record names the entry."""
    place = ("--config", str(site.config_path))
    told = [
        run_to_end(gatehouse(*words, *place)).stdout for words in (("guard", "list"), ("status",))
    ]
    told += [json.dumps(site.status()), (site.folder / "agent.log").read_text("utf-8")]
    told += [p.read_text("utf-8") for p in (site.folder / "data" / "record").glob("*.jsonl")]
    assert "疑似匹配" in told[0] or "possible match" in told[0]
    assert [text for text in told if ENTRY in text] == []


def test_two_persons_over_a_kill_and_then_the_guard_is_told(site: Site) -> None:
    with SpokenVision(site.folder / "run", "north") as eye:
        alert = seen(site, eye)
        (item,) = site.waiting()
        assert (item["id"], item["way"]) == (alert.id, "leads")
        assert "Wait for the station" in item["text"]["en"]
        assert_nothing_says_who(site)
        code, told = decide(site, "confirm", alert, "desk-3")
        assert (code, told["standing"], told["outcome"]) == (0, "first", "done")
        site.until(lambda: facts(site, "lead.first"), 20)
        assert "Wait for the station" in site.waiting()[0]["text"]["en"]
        assert site.status()["outputs"]["siren-1"] is False, "nothing sounds before two persons"
        code, told = decide(site, "confirm", alert, " Desk-3")
        assert (code, "a second person has to" in told["error"]) == (1, True)
        site.restart_agent()
        code, told = decide(site, "confirm", alert, "duty-officer")
        assert (code, told["standing"], told["by"]) == (0, "confirmed", ["desk-3", "duty-officer"])
        (item,) = site.waiting()
        assert TOLD in item["text"]["en"]
        assert ENTRY not in json.dumps(item)
        site.until(lambda: site.status()["outputs"]["siren-1"], 10)
        (fact,) = site.until(lambda: facts(site, "lead.confirmed"), 20)
        assert (fact["alert"], fact["by"]) == (alert.id, ["desk-3", "duty-officer"])
        site.guard("seen", item["id"], "--who", "guard 7")
        site.until(lambda: facts(site, "lead.answered"), 20)
        (row,) = [r for r in lead(site, "list", "--all")[1]["leads"] if r["alert_id"] == alert.id]
        assert [v["reason"] for v in row["verdicts"]] == [
            "desk-3 compared the two",
            "duty-officer compared the two",
        ]
        assert row["stage"] == "handling"
        site.ask("reset")


def test_a_rejected_lead_is_forgotten_and_the_next_waits_for_itself(site: Site) -> None:
    with SpokenVision(site.folder / "run", "north") as eye:
        alert = seen(site, eye)
        code, told = decide(site, "reject", alert, "desk-3")
        assert (code, told["standing"], told["outcome"]) == (0, "rejected", "done")
        assert site.waiting() == []
        site.until(lambda: facts(site, "lead.rejected"), 20)
        code, told = decide(site, "confirm", alert, "desk-4")
        assert (code, "is rejected by desk-3 already" in told["error"]) == (1, True)
        another = seen(site, eye)
        assert another.id != alert.id
        assert [item["id"] for item in site.waiting()] == [another.id]
        code, told = lead(site, "list")
        assert ([row["alert_id"] for row in told["leads"]], told["record"]) == (
            [another.id],
            "intact",
        )
        site.agent.kill()
        code, told = lead(
            site, "confirm", another.id, "--by", "desk-3", "--reason", "same scar", "--wait", "1"
        )
        assert code == 69, told
        site.start("agent")
        code, told = lead(site, "send", another.id)
        assert (code, told["standing"]) == (0, "first")
        panic = site.panic_works()
        code, told = decide(site, "confirm", panic, "desk-3")
        assert (code, "is no lead but panic" in told["error"]) == (1, True)
        code, told = lead(site, "send", panic.id)
        assert code == 1


def test_a_likeness_for_review_is_the_guards_and_never_leaves_the_gate(site: Site) -> None:
    with SpokenVision(site.folder / "run", "north") as eye:
        site.until(lambda: ENTRY in eye.searched, 20)
        newest = site.newest
        eye.see(ENTRY, band="review")
        (item,) = site.until(site.waiting, 20)
        assert item["answers"] == ["confirm", "reject"]
        site.guard("reject", item["id"], "--who", "guard 7")
        (fact,) = site.until(lambda: facts(site, "review.rejected"), 20)
        assert fact == {"who": "guard 7"}
        assert site.alerts("watchlist.face", after=newest) == []
