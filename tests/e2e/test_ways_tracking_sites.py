"""One face followed at two sites: each gate counts for itself, and ends by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from models.engine import PackEngine
from tests.tools.neighbour import Neighbour
from tests.tools.people import entry, walker
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import GATE, Site
from tests.tools.site_config import file_camera
from tests.tools.sought import case
from tests.tools.stored import Stored

ENTRY = "drill-t21"
SCHOOL = "gh/v1/cancheng/no3-school/gate-1"
GATES = ("--gate", "liya-garden/gate-1", "--gate", "no3-school/gate-1")
LASTS_S = 75.0


def station(site: Site, *words: str) -> dict[str, Any]:
    """What a command of the station answers."""
    place = ("--dir", str(site.folder / "station"), "--json")
    done = run_to_end(gatehouse("station", *words, *place), timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def sightings(site: Site, gate: str) -> list[Stored]:
    """Those of one gate, in the order of receipt."""
    return [a for a in site.alerts("track.sighting") if a.body["source"] == gate]


def seen(site: Site, gate: str) -> list[dict[str, Any]]:
    """Their details."""
    return [alert.body["data"]["details"] for alert in sightings(site, gate)]


def towards(site: Site, gate: str) -> list[dict[str, Any]]:
    """The same, once there are several and one says which way."""
    site.until(lambda: len(seen(site, gate)) >= 2, 120)
    site.until(lambda: any(details["direction"] for details in seen(site, gate)), 120)
    return seen(site, gate)


def test_two_sites_follow_one_face_until_the_order_is_over(
    tmp_path: Path, engine: PackEngine, packs_dir: Path
) -> None:
    """Real faces, real programs; the order ends by its own time, at each gate."""
    video, photos = walker(tmp_path, engine)
    same: dict[str, Any] = {
        "faces": {"enabled": True},
        "models": {"dir": str(packs_dir)},
        "answering": {"sought": {"again_s": 0.0}},
    }
    with (
        Site(tmp_path / "site", cameras={"north": file_camera(video)}, **same) as site,
        Neighbour(
            site.start("station", "agent", "vision"),
            "no3-school",
            cameras={"yard": file_camera(video)},
            **same,
        ) as school,
    ):
        school.see()
        over = datetime.now(UTC) + timedelta(seconds=LASTS_S)
        fields = {"list": "wanted", "expires_at": over.isoformat(timespec="seconds")}
        file = str(case(tmp_path, entry(ENTRY, photos, **fields)))
        said = ("--by", "desk-3", "--reason", "fled", "--exercise")
        told = station(site, "track", "start", file, *GATES, *said)
        assert [r["proof"]["templates"] for r in told["results"]] == [2, 2]
        for gate, camera in ((GATE, "north"), (SCHOOL, "yard")):
            found = towards(site, gate)
            assert [d["sequence"] for d in found] == list(range(1, len(found) + 1))
            assert {(d["camera"], d["confirm"]) for d in found} == {(camera, "required")}
            assert {d["direction"] for d in found} <= {"towards", None}
        first = sightings(site, SCHOOL)[0]
        assert first.topic == f"{SCHOOL}/drill/alert"
        assert first.incident != sightings(site, GATE)[0].incident
        for by, standing in (("desk-3", "first"), ("duty-officer", "confirmed")):
            because = ("--by", by, "--reason", "compared by eye")
            assert station(site, "lead", "confirm", first.id, *because)["standing"] == standing
        assert [i for i in school.waiting("leads") if i["id"] == first.id]
        site.until(lambda: len(ended(site)) == 2, LASTS_S + 90)
        assert ended(site) == {GATE: "expired", SCHOOL: "expired"}
        site.until(lambda: site.component("vision").get("gallery") == 0, 20)
        site.until(lambda: school.component("vision").get("gallery") == 0, 20)
        assert site.panic_works()


def ended(site: Site) -> dict[str, str]:
    """Why the order ended, by gate."""
    rows = site.rows("messages", "kind='track.ended'")
    return {row["source"]: json.loads(row["body"])["data"]["details"]["why"] for row in rows}
