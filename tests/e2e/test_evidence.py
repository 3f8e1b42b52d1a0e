"""A picture of a lead, from the camera to the station and to its end; and none without a basis."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.words import Status
from models.engine import PackEngine
from tests.support.signed import template
from tests.tools.memory_scan import Needles, parts_of
from tests.tools.people import entry, give_list, head_of, photo_of, read, swaying
from tests.tools.program import gatehouse, run_to_end
from tests.tools.recorder import Recorded
from tests.tools.site import GATE, Site
from tests.tools.site_config import file_camera
from tests.tools.spoken_vision import DIM, MODEL, SpokenVision
from tests.tools.stored import Stored

BASIS = {"basis": "Test Act, section 12", "owner": "test desk", "expires_at": "2099-01-01"}
LISTED, ENTRY = "drill-a17", "w-2026-17"
PHOTOS = ("tests/test_images/obama3.jpg", "knn_examples/train/obama/obama.jpg")
LOOKS = (320, 480, 640, 960)
DESTROYED_S = 60.0
JPEG = b"\xff\xd8\xff\xe0" + np.random.default_rng(5).bytes(20_000)


def station(site: Site, *words: str) -> dict[str, Any]:
    """What ``gatehouse station lead`` answers."""
    place = ["--dir", str(site.folder / "station"), "--json"]
    done = run_to_end(gatehouse("station", "lead", *words, *place), timeout_s=90)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def reject(site: Site, alert: Stored) -> None:
    told = station(site, "reject", alert.id, "--by", "desk-3", "--reason", "the ears differ")
    assert (told["standing"], told["outcome"]) == ("rejected", "done")


def listing(site: Site, alert: Stored) -> object:
    rows = station(site, "list", "--all")["leads"]
    return next(row["picture"] for row in rows if row["alert_id"] == alert.id)


def evidence(site: Site) -> list[Recorded]:
    return [message for message in site.recorder.messages if "/evidence/" in message.topic]


def facts(site: Site, kind: str) -> list[dict[str, Any]]:
    rows = site.rows("messages", f"channel='event' AND kind='{kind}'")
    return [json.loads(row["body"])["data"]["details"] for row in rows]


def needles(jpeg: bytes) -> Needles:
    """Pieces of it."""
    return Needles([jpeg[at : at + 64] for at in range(600, len(jpeg) - 64, 640)])


def files_with(site: Site, wanted: Needles, *folders: str) -> list[str]:
    """Files of the gate or the station in which a piece of it lies."""
    paths = [p for name in folders for p in (site.folder / name).rglob("*") if p.is_file()]
    return [path.name for path in paths if wanted.found(path.read_bytes())]


def programs_with(site: Site, wanted: Needles) -> list[str]:
    """Programs of the gate that hold a piece of it in their memory."""
    programs = {"core": site.agent, "vision": site.vision}
    return [
        name
        for name, program in programs.items()
        if any(wanted.found(part) for part in parts_of(program.pid))
    ]


def test_one_lead_is_one_picture_without_anybody_else_until_it_is_rejected(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    """Two people stand before a camera, one of them listed for a drill."""
    video = swaying(tmp_path / "pair.mp4", read(photo_of("two_people.jpg")))
    photos = [head_of(photo_of(name), tmp_path / Path(name).name, engine) for name in PHOTOS]
    with Site(
        tmp_path / "site",
        cameras={"north": file_camera(video)},
        faces={"enabled": True},
        models={"dir": str(packs_dir)},
        evidence=BASIS,
    ) as site:
        site.start("station", "agent")
        give_list(site, [entry(LISTED, photos)])
        site.vision.start()
        alert = site.stored(lambda found: found.kind == "watchlist.face", 120)
        (named,) = alert.body["data"]["evidence"]
        site.until(lambda: evidence(site), 40)
        site.until(lambda: facts(site, "evidence.sent"), 40)
        (sent,) = evidence(site)
        assert (sent.topic, sent.qos) == (f"{GATE}/drill/evidence/{alert.id}/1", 1)
        jpeg = sent.payload
        assert hashlib.sha256(jpeg).hexdigest() == named["sha256"]
        assert (named["n"], named["bytes"], named["camera"]) == (1, len(jpeg), "north")
        picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1), np.uint8)
        assert [len(engine.detect(picture, budget)) for budget in LOOKS] == [1] * len(LOOKS)
        assert b"/9j/" not in json.dumps(alert.body).encode(), "no alert holds a picture"

        assert listing(site, alert) == "here"
        out = tmp_path / "lead.jpg"
        told = station(site, "picture", alert.id, "--out", str(out), "--by", "desk-3")
        assert (told["by"], out.read_bytes()) == ("desk-3", jpeg)
        wanted = needles(jpeg)
        assert files_with(site, wanted, "station")
        reject(site, alert)
        began_s = time.monotonic()
        site.until(lambda: not files_with(site, wanted, "station", "data", "run"), DESTROYED_S)
        site.until(lambda: not programs_with(site, wanted), DESTROYED_S)
        assert time.monotonic() - began_s < DESTROYED_S
        assert listing(site, alert) == "destroyed"
        assert site.panic_works()


@pytest.fixture
def listed() -> dict[str, Any]:
    """One entry whose template was made elsewhere."""
    whole = entry(ENTRY, [], list="wanted", templates=[template(MODEL, b"\0\0\x80?" * DIM)])
    return {name: value for name, value in whole.items() if name != "photos"}


@pytest.mark.parametrize(
    ("basis", "why"),
    [
        ({}, "no transmission basis is recorded"),
        ({"evidence": {**BASIS, "expires_at": "2026-01-02"}}, "ended at 2026-01-02"),
    ],
    ids=["none", "ended"],
)
def test_without_a_basis_no_picture_leaves_whatever_vision_says(
    tmp_path: Path, listed: dict[str, Any], basis: dict[str, Any], why: str
) -> None:
    camera = {"north": file_camera(tmp_path / "none.mp4")}
    with Site(tmp_path / "site", cameras=camera, **basis) as site:
        site.start("station", "agent")
        give_list(site, [listed], Status.ACTUAL)
        with SpokenVision(tmp_path / "site" / "run", "north") as eye:
            site.until(lambda: ENTRY in eye.searched, 60)
            eye.see(ENTRY, picture=JPEG)
            alert = site.stored(lambda found: found.kind == "watchlist.face")
            assert alert.body["data"]["evidence"] == []
            assert why in alert.body["data"]["details"]["picture_withheld"]
            (fact,) = site.until(lambda: facts(site, "evidence.withheld"), 20)
            assert (fact["alert"], why in fact["why"]) == (alert.id, True)
            site.delivered()
        assert evidence(site) == []
        assert files_with(site, needles(JPEG), "station", "data", "run") == []


def test_a_picture_that_waits_for_the_station_is_never_written_and_ends_with_a_restart(
    tmp_path: Path, listed: dict[str, Any]
) -> None:
    """The alert waits for as long as it takes."""
    camera = {"north": file_camera(tmp_path / "none.mp4")}
    wanted = needles(JPEG)
    with Site(tmp_path / "site", cameras=camera, evidence=BASIS) as site:
        site.start("station", "agent")
        give_list(site, [listed], Status.ACTUAL)
        with SpokenVision(tmp_path / "site" / "run", "north") as eye:
            site.until(lambda: ENTRY in eye.searched, 60)
            site.station.kill()
            eye.see(ENTRY, picture=JPEG)
            site.until(lambda: site.status()["outbox"]["pending"] > 0, 10)
            assert files_with(site, wanted, "data", "run") == []
        site.restart_agent()
        site.station.start()
        alert = site.stored(lambda found: found.kind == "watchlist.face", 120)
        assert len(alert.body["data"]["evidence"]) == 1
        (fact,) = site.until(lambda: facts(site, "evidence.destroyed"), 60)
        assert (fact["alert"], fact["why"], fact["sent"]) == (alert.id, "restarted", False)
        assert evidence(site) == []
        assert listing(site, alert) == "announced, not here"
