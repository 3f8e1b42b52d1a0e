"""A missing person: searched for by consent, seen, found, and forgotten everywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.engine import PackEngine
from tests.tools.memory_scan import in_memory
from tests.tools.neighbour import Neighbour
from tests.tools.people import entry, walker
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site
from tests.tools.site_config import file_camera
from tests.tools.sought import case, sought
from tests.tools.spoken_vision import SpokenVision
from tests.tools.stored import Stored

ENTRY = "drill-m7"
QUICK = {"sought": {"again_s": 0.0}}
CRIMINAL = ("wanted", "suspect", "criminal", "布控", "嫌疑", "通缉")
NOT_OF_A_SEARCH = {"case_reference", "authority", "legal_basis", "category", "approvers"}


def missed(photos: list[Path], hours: float = 48.0, **fields: Any) -> dict[str, Any]:
    """Somebody whose family consented."""
    whole = entry(ENTRY, photos, consent="form 4, signed by the son", **fields)
    ends = datetime.fromisoformat(whole["not_before"]) + timedelta(hours=hours)
    kept = {name: part for name, part in whole.items() if name not in NOT_OF_A_SEARCH}
    return kept | {"expires_at": ends.isoformat()}


def seen(site: Site, after: int = 0) -> Stored:
    return site.stored(lambda found: found.kind == "missing.sighting", 40, after=after)


def holds(site: Site, needle: bytes) -> list[str]:
    """Files of the gate in which *needle* stands, and rows of the station's queue."""
    files = [p for p in (site.folder / "data").rglob("*") if p.is_file()]
    rows = [row["topic"] for row in site.rows("outgoing") if needle in bytes(row["payload"])]
    return rows + [p.name for p in files if needle in p.read_bytes()]


def test_a_search_in_a_real_video_ends_when_the_person_is_found(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    video, photos = walker(tmp_path, engine)
    with Site(
        tmp_path / "site",
        cameras={"north": file_camera(video)},
        faces={"enabled": True},
        models={"dir": str(packs_dir)},
        answering=QUICK,
    ) as site:
        site.start("station", "agent", "vision")
        code, told = sought(site, "search", "start", case(tmp_path, missed(photos)), "--exercise")
        assert (code, told["proof"]["templates"]) == (0, 2), told
        alert = seen(site)
        data = alert.body["data"]
        assert (alert.topic, data["severity"]) == (f"{GATE}/drill/alert", "minor")
        assert (data["details"]["list"], data["details"]["sequence"]) == ("missing", 1)
        items = site.until(lambda: with_care(site.waiting()), 10)
        said = json.dumps([data["text"], *items], ensure_ascii=False).lower()
        assert not [word for word in CRIMINAL if word in said]
        code, told = sought(site, "search", "stop", ENTRY, "--exercise", "--found")
        assert code == 0, told
        assert told["proof"]["deleted"] == {"store": True, "gallery": "confirmed"}
        site.until(lambda: site.component("vision").get("gallery") == 0, 10)
        newest = site.newest
        site.delivered()
        photo = base64.b64encode(photos[0].read_bytes())[200:260]
        assert holds(site, photo) == [], "nothing keeps the face"
        assert site.alerts("missing.sighting", after=newest) == []
        assert site.panic_works()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    north = {"north": file_camera(tmp_path / "none.mp4")}
    with Site(tmp_path / "site", cameras=north, faces={"enabled": True}, answering=QUICK) as made:
        yield made.start("station", "agent")
        assert made.panic_works()


def with_care(items: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What the guard reads, once the lead is there; a weaker likeness may have come before it."""
    texts = [item["text"] for item in items]
    return texts if any("may need help" in text["en"] for text in texts) else []


def picture(folder: Path) -> Path:
    """A photo that the spoken vision takes for a face."""
    target = folder / "photo.jpg"
    assert cv2.imwrite(str(target), np.full((80, 60, 3), 127, np.uint8))
    return target


def test_a_real_search_over_a_kill_and_photos_that_cannot_be_used(site: Site) -> None:
    file = case(site.folder, missed([picture(site.folder)]))
    with SpokenVision(site.folder / "run", "north") as eye:
        eye.refuse = "no-face: no face was found"
        code, told = sought(site, "search", "start", file)
        assert (code, told["outcome"]) == (1, "failed")
        assert "no face was found" in told["reason"]
        eye.refuse = ""
        code, told = sought(site, "search", "start", file)
        assert (code, told["proof"]["searched"]) == (0, True), told
        site.restart_agent()
        site.until(lambda: eye.searched == [ENTRY], 20)
        eye.see(ENTRY)
        assert seen(site).body["data"]["details"]["confirm"] == "required"
        code, told = sought(site, "track", "stop", ENTRY)
        assert (code, "end it by search.stop" in told["reason"]) == (1, True)
        code, told = sought(site, "search", "stop", ENTRY, "--found")
        assert (code, told["proof"]["sightings"], eye.searched) == (0, 1, [])


def test_what_a_search_lacks_is_named_before_it_is_sent(site: Site) -> None:
    photos = [picture(site.folder)]
    longer = missed(photos, hours=72.5)["expires_at"]
    faults: list[tuple[dict[str, Any], str]] = [
        ({"consent": ...}, "needs 'consent', or 'authority' and 'case_reference'"),
        ({"list": "wanted"}, "list: is not 'missing'"),
        ({"expires_at": longer}, "more than 72 h after not_before"),
        ({"instruction": ...}, "instruction"),
    ]
    for fields, word in faults:
        whole = missed(photos) | fields
        kept = {name: part for name, part in whole.items() if part is not ...}
        code, told = sought(site, "search", "start", case(site.folder, kept))
        assert (code, word in str(told.get("error"))) == (1, True), told


def test_found_at_one_gate_it_is_deleted_at_two_and_at_the_station(site: Site) -> None:
    photo = site.folder / "photo.jpg"
    noise = np.random.default_rng(7).integers(0, 255, (240, 180, 3)).astype(np.uint8)
    assert cv2.imwrite(str(photo), noise)
    camera = {"yard": file_camera(site.folder / "none.mp4")}
    gates = ("--gate", "liya-garden/gate-1", "--gate", "no3-school/gate-1")
    with (
        Neighbour(site, "no3-school", cameras=camera, faces={"enabled": True}) as school,
        SpokenVision(site.folder / "run", "north") as here,
        SpokenVision(site.folder / "no3-school" / "run", "yard") as there,
    ):
        site.until(lambda: school.component("vision").get("state") == "ok", 20)
        file = case(site.folder, missed([photo]))
        assert outcomes(site, "start", str(file), *gates) == ["done", "done"]
        file.unlink()
        assert [eye.searched for eye in (here, there)] == [[ENTRY], [ENTRY]]
        there.see(ENTRY)
        assert seen(site).body["source"].endswith("/no3-school/gate-1")
        jpeg = photo.read_bytes()
        middle = len(jpeg) // 6 * 3
        needles = [jpeg[middle : middle + 60], base64.b64encode(jpeg[middle : middle + 60])]
        pids = (site.agent.pid, school.agent.pid)
        assert in_memory(site.agent.pid, needles[0]), "the scan finds what is there"
        assert outcomes(site, "stop", ENTRY, *gates, "--found") == ["done", "done"]
        assert [(eye.searched, eye.matrix) for eye in (here, there)] == [([], b""), ([], b"")]
        site.delivered()
        site.until(lambda: lying_about(site.folder, needles) == [photo.name], 20)
        site.until(lambda: not any(in_memory(pid, n) for pid in pids for n in needles), 20)
        again = gates[2:]
        refused = outcomes(site, "stop", ENTRY, *again, code=1)
        assert refused == ["refused"], "nobody is searched for there any more"


def outcomes(site: Site, verb: str, what: str, *options: str, code: int = 0) -> list[str]:
    """What each gate made of an order about a search."""
    said = ("--by", "desk-3", "--reason", "found at the clinic")
    place = ("--dir", str(site.folder / "station"), "--json")
    command = gatehouse("station", "search", verb, what, *options, *said, *place)
    done = run_to_end(command, timeout_s=120)
    assert done.returncode == code, done.stdout + done.stderr
    return [str(result["outcome"]) for result in json.loads(done.stdout)["results"]]


def lying_about(folder: Path, needles: list[bytes]) -> list[str]:
    """Files of both gates and of the station in which a piece of the face stands, raw."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(n in path.read_bytes() for n in needles)]
