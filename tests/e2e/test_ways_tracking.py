"""Coordinated tracking: real faces in a real video, an order, sightings, persons, the end of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.engine import PackEngine
from tests.support.signed import template
from tests.tools.people import entry, walker
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site
from tests.tools.site_config import file_camera
from tests.tools.sought import case, sought
from tests.tools.spoken_vision import DIM, MODEL, SpokenVision
from tests.tools.stored import Stored

ENTRY = "drill-t17"
QUICK = {"sought": {"again_s": 0.0}}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A gate whose vision sees what the test says."""
    north = {"north": file_camera(tmp_path / "none.mp4")}
    with Site(tmp_path / "site", cameras=north, faces={"enabled": True}, answering=QUICK) as made:
        yield made.start("station", "agent")
        assert made.panic_works()
    no_face_left(made)


def no_face_left(site: Site) -> None:
    """Nothing sent by the gate holds a template or a picture, nor does its folder in the clear."""
    row = template(MODEL, b"\0\0\x80?" * DIM)["vector"].encode()
    sent = [m for m in site.recorder.messages if "/cmd/" not in m.topic]
    assert not [m.topic for m in sent if row in m.payload or b"/9j/" in m.payload]
    kept = [p for p in (site.folder / "data").rglob("*") if p.is_file()]
    assert not [p.name for p in kept if row in p.read_bytes()]


def made(**fields: Any) -> dict[str, Any]:
    """An entry whose template was made elsewhere."""
    rows = [template(MODEL, b"\0\0\x80?" * DIM)]
    whole = entry(ENTRY, [], **{"list": "wanted", "templates": rows, **fields})
    return {name: value for name, value in whole.items() if name != "photos"}


def sightings(site: Site) -> list[Stored]:
    return site.alerts("track.sighting")


def seen(site: Site, number: int, within_s: float = 25.0) -> Stored:
    """The sighting of that number in its sequence."""
    return site.stored(
        lambda a: a.kind == "track.sighting" and a.body["data"]["details"]["sequence"] == number,
        within_s,
    )


def test_a_followed_person_in_a_real_video(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    """By photos: made templates at the gate, seen, confirmed by two, ended with proof."""
    video, photos = walker(tmp_path, engine)
    north = {"north": file_camera(video)}
    with Site(
        tmp_path / "site",
        cameras=north,
        faces={"enabled": True},
        models={"dir": str(packs_dir)},
        answering=QUICK,
    ) as site:
        site.start("station", "agent", "vision")
        file = case(tmp_path, entry(ENTRY, photos, list="wanted"))
        code, told = sought(site, "track", "start", file, "--exercise", "--silent")
        assert (code, told["outcome"]) == (0, "done"), told
        assert told["proof"] == {"entry_id": ENTRY, "templates": 2, "searched": True}
        first, second = seen(site, 1, 40), seen(site, 2, 40)
        assert first.incident == second.incident
        details = first.body["data"]["details"]
        assert (first.topic, details["camera"]) == (f"{GATE}/drill/alert", "north")
        assert (details["silent"], details["confirm"]) == (True, "required")
        assert details["direction"] in ("left", "right", "towards", "away", None)
        assert site.waiting() == [], "silent: nothing shows at the gate"
        assert site.status()["outputs"]["siren-1"] is False
        place = ["--dir", str(site.folder / "station"), "--json"]
        for by, standing in (("desk-3", "first"), ("duty-officer", "confirmed")):
            said = ["--by", by, "--reason", "compared by eye"]
            done = run_to_end(
                gatehouse("station", "lead", "confirm", first.id, *said, *place), timeout_s=60
            )
            assert json.loads(done.stdout)["standing"] == standing, done.stdout
        code, told = sought(site, "track", "stop", ENTRY, "--exercise")
        assert (code, told["outcome"]) == (0, "done"), told
        assert told["proof"]["deleted"] == {"store": True, "gallery": "confirmed"}
        assert told["proof"]["sightings"] >= 2
        site.until(lambda: site.component("vision").get("gallery") == 0, 10)
        assert site.panic_works()
    assert b"/9j/" not in b"".join(
        m.payload for m in site.recorder.messages if "/cmd/" not in m.topic
    )


def test_an_order_survives_a_kill_and_counts_on(site: Site) -> None:
    with SpokenVision(site.folder / "run", "north") as eye:
        code, told = sought(site, "track", "start", case(site.folder, made()))
        assert (code, told["proof"]["searched"]) == (0, True), told
        eye.see(ENTRY)
        assert seen(site, 1).body["data"]["severity"] == "major"
        site.until(site.waiting, 10)
        site.restart_agent()
        site.until(lambda: eye.searched == [ENTRY], 20)
        eye.see(ENTRY)
        again = seen(site, 2)
        assert again.body["data"]["details"]["lower_threshold"] is False
        eye.see(ENTRY, band="review")
        code, told = sought(site, "track", "stop", ENTRY)
        assert (code, told["proof"]["deleted"]["gallery"]) == (0, "confirmed"), told
        assert (eye.searched, eye.matrix) == ([], b"")
        assert len(sightings(site)) == 2, "a likeness goes up only where the order says so"
        ended = site.until(lambda: site.rows("messages", "kind='track.ended'"), 20)
        assert json.loads(ended[0]["body"])["data"]["details"]["sightings"] == 2


def test_likenesses_go_up_marked_where_the_order_says_so(site: Site) -> None:
    with SpokenVision(site.folder / "run", "north") as eye:
        file = case(site.folder, made())
        code, _ = sought(site, "track", "start", file, "--lower-threshold")
        assert code == 0
        eye.see(ENTRY, band="review", score=0.62)
        details = seen(site, 1).body["data"]["details"]
        assert (details["lower_threshold"], details["score"]) == (True, 0.62)
        assert details["confirm"] == "required"


def test_what_cannot_be_ordered_is_told_to_the_sender(site: Site) -> None:
    lacking = made()
    del lacking["legal_basis"]
    code, told = sought(site, "track", "start", case(site.folder, lacking))
    assert (code, "legal_basis" in told["error"]) == (1, True)
    arg = (
        "--arg",
        f"entry={json.dumps(lacking)}",
        "--arg",
        'nodes=["cancheng.liya-garden.gate-1"]',
    )
    assert refused(site, "track.start", *arg).startswith("malformed: args: entry.legal_basis")
    elsewhere = (
        "--arg",
        f"entry={json.dumps(made())}",
        "--arg",
        'nodes=["cancheng.school.gate-9"]',
    )
    assert refused(site, "track.start", *elsewhere).startswith("wrong-node")
    code, told = sought(site, "track", "stop", ENTRY)
    assert (code, told["outcome"]) == (1, "refused")
    assert "nobody is looked for here" in told["reason"]
    file = case(site.folder, made())
    code, told = sought(site, "track", "start", file)
    assert told["proof"]["waits_for"] == "the vision program"
    code, told = sought(site, "track", "start", file)
    assert (code, told["reason"].startswith("busy")) == (1, True)
    code, told = sought(site, "search", "stop", ENTRY)
    assert (code, "end it by track.stop" in told["reason"]) == (1, True)
    code, told = sought(site, "track", "stop", ENTRY)
    assert (code, told["proof"]["deleted"]["gallery"]) == (0, "vision is not here")


def test_each_gate_answers_for_itself(site: Site) -> None:
    gates = ["--gate", "liya-garden/gate-1", "--gate", "no3-school/gate-2"]
    options = ["--by", "desk-3", "--reason", "drill", "--wait", "3"]
    place = ["--dir", str(site.folder / "station"), "--json"]
    file = str(case(site.folder, made()))
    done = run_to_end(
        gatehouse("station", "track", "start", file, *gates, *options, *place), timeout_s=60
    )
    here, there = json.loads(done.stdout)["results"]
    assert (here["outcome"], there["outcome"]) == ("done", "unreachable")
    assert done.returncode == 69
    asked = [m.payload for m in site.recorder.messages if m.topic.endswith("/cmd/track.start")]
    assert {tuple(json.loads(payload)["args"]["nodes"]) for payload in asked} == {
        ("cancheng.liya-garden.gate-1", "cancheng.no3-school.gate-2")
    }


def refused(site: Site, name: str, *arguments: str) -> str:
    """Why the gate refused a command that no check of the station's saw."""
    place = ["--dir", str(site.folder / "station"), "--json", "--by", "desk-3", "--reason", "x"]
    done = run_to_end(
        gatehouse("station", "send", "liya-garden/gate-1", name, *arguments, *place), timeout_s=60
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"]) == (1, "refused"), told
    return str(told["reason"])
