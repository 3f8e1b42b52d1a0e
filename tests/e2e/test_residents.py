"""Residents by the real commands, with real photos: kept sealed and apart, and destroyed."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.audit.folder import files_of
from models.engine import PackEngine
from tests.support.wiping import raw
from tests.tools.people import entry, give_list, head_of, photo_of
from tests.tools.photo_scan import forms_of, parts_of
from tests.tools.program import gatehouse, run_to_end
from tests.tools.site import Site

OWN = (
    "knn_examples/train/obama/obama.jpg",
    "knn_examples/train/obama/obama2.jpg",
    "tests/test_images/obama3.jpg",
)
AGAIN, OTHER = "obama-1080p.jpg", "biden.jpg"
NAME, UNIT, CONSENT, ASKED = "陈小明", "3-1201", "consent-2026-2", "office-4"
PICTURES = (b"JFIF", b"Exif\0", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n")


@pytest.fixture
def site(tmp_path: Path, packs_dir: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", models={"dir": str(packs_dir)}) as made:
        yield made.start("station", "agent")


def day(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def resident(site: Site, *words: str | Path) -> subprocess.CompletedProcess[str]:
    line = gatehouse("resident", *words, "--config", site.config_path)
    return run_to_end(line, timeout_s=120)


def enrol(
    site: Site, who: str, *photos: Path, until: str | None = None
) -> subprocess.CompletedProcess[str]:
    given = [word for path in photos for word in ("--photo", path)]
    consent = ("--consent", CONSENT, "--asked-by", ASKED, "--until", until or day(300))
    about = ("--name", NAME, "--unit", UNIT, "--where", "north")
    return resident(site, "enrol", who, *given, *consent, *about, "--json")


def state(site: Site) -> bytes:
    """Every byte that the gate keeps: its data and its run folder."""
    node = site.config["node"]
    return raw(Path(node["data_dir"])) + raw(Path(node["run_dir"]))


def test_enrolled_kept_apart_and_withdrawn(site: Site, engine: PackEngine, tmp_path: Path) -> None:
    """The whole life of one resident, who happens to stand on a drill's list, too."""
    photos = [photo_of(name) for name in OWN]
    head = head_of(photos[0], tmp_path / "head.jpg", engine)
    give_list(site, [entry("drill-a17", [head])])
    site.until(lambda: b'"drill-a17"' not in state(site) and listed(site), 10)
    done = enrol(site, "r-0042", *photos)
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert (told["id"], told["templates"], told["replaced"]) == ("r-0042", 3, False)
    assert told["model_id"] == engine.model_id
    assert told["consent"] | {"at": ""} == {"asked_by": ASKED, "version": CONSENT, "at": ""}
    row = json.loads(resident(site, "list", "--json").stdout)["residents"][0]
    assert (row["name"], row["unit"], row["where"]) == (NAME, UNIT, "north")
    assert row["templates"] == {engine.model_id: 3}
    nothing_is_left_of_photos(site, engine, photos)
    nothing_is_told_of_anybody(site, tmp_path)
    receipt = tmp_path / "receipt.json"
    gone = resident(site, "withdraw", "r-0042", "--receipt", receipt, "--json")
    assert gone.returncode == 0, gone.stdout
    proof = json.loads(receipt.read_text("utf-8"))
    assert proof == json.loads(gone.stdout)
    assert (proof["id"], proof["reason"]) == ("r-0042", "consent withdrawn")
    record = next(r for r in audit(site) if r["what"].get("sha256") == proof["sha256"])
    assert (record["kind"], record["what"]["entry"]) == ("deletion", "r-0042")
    assert json.loads(resident(site, "list", "--json").stdout)["residents"] == []
    assert list(folder(site).glob("*.resident")) == []
    assert site.panic_works()


def listed(site: Site) -> bool:
    """Whether the drill's list stands at the gate."""
    line = gatehouse("watchlist", "list", "--config", site.config_path, "--json")
    return bool(json.loads(run_to_end(line).stdout)["entries"])


def folder(site: Site) -> Path:
    return Path(site.config["node"]["data_dir"]) / "residents"


def audit(site: Site) -> list[dict[str, Any]]:
    paths = files_of(folder(site).parent / "audit")
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def nothing_is_left_of_photos(site: Site, engine: PackEngine, photos: list[Path]) -> None:
    """No photo, no picture of any kind and no template as the network made it, anywhere.

    The drill's photo waits for vision in a sealed file; it is no picture to whoever has the disk.
    """
    found = state(site)
    assert b"r-0042" in found, "the scan finds what stays plain, the audit log's ids"
    assert [mark for mark in PICTURES if mark in found] == []
    for path in photos:
        assert [part for part in parts_of(path) if part in found] == []
        vector = engine.template(path.read_bytes()).vector
        assert [form for form in forms_of(vector) if form in found] == []
    private = [NAME.encode(), UNIT.encode(), CONSENT.encode()]
    assert [word for word in private[:2] if word in found] == []


def nothing_is_told_of_anybody(site: Site, tmp_path: Path) -> None:
    """Nothing of residents is on the wire, nor in a support bundle; not even how many."""
    site.press("panic-1")
    site.delivered()
    private = [b"r-0042", NAME.encode(), json.dumps(NAME)[1:-1].encode(), UNIT.encode()]
    for message in site.recorder.messages:
        text = message.topic.encode() + message.payload
        assert [word for word in private if word in text] == [], message.topic
    out = tmp_path / "bundle.tar.gz"
    done = run_to_end(gatehouse("bundle", "--config", site.config_path, "--out", out), timeout_s=60)
    assert done.returncode == 0, done.stderr
    with tarfile.open(out) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers()]
        found = b"".join(file.read() for file in files if file is not None)
    names = [path.name.encode() for path in folder(site).rglob("*") if path.is_file()]
    unlike = [name for name in names if name != b"transforms.json"]
    assert [word for word in [*private, *unlike] if word in found] == []


def test_photos_that_are_refused_say_why(site: Site) -> None:
    """Nobody is enrolled by any of them; the second language stands beside the first."""
    refusals = {
        "two-faces": (photo_of("two_people.jpg"), "照片中不止一人"),
        "too-small": (photo_of("obama_small.jpg"), "人脸太小"),
    }
    for word, (photo, chinese) in refusals.items():
        done = enrol(site, "r-1", photo_of(OTHER), photo)
        said = json.loads(done.stdout)
        assert (done.returncode, said["exit_code"]) == (1, 1)
        assert said["error"].startswith(f"photo 2: {word}: ")
        assert chinese in said["error"]
    assert enrol(site, "r-1", photo_of(OTHER)).returncode == 0
    assert enrol(site, "r-2", photo_of(AGAIN)).returncode == 0
    twin = enrol(site, "r-3", photo_of(OWN[0]))
    assert json.loads(twin.stdout)["error"].startswith("photo 1: same-person: looks like r-2;")
    again = json.loads(enrol(site, "r-2", photo_of(OWN[0])).stdout)
    assert again["replaced"] is True
    assert any("three photos are asked for" in remark for remark in again["remarks"])
    rows = json.loads(resident(site, "list", "--json").stdout)["residents"]
    assert [row["id"] for row in rows] == ["r-1", "r-2"]


def test_what_is_asked_wrongly_is_refused(site: Site, tmp_path: Path) -> None:
    photo = photo_of(OTHER)
    assert enrol(site, "r-1", photo, until="soon").returncode == 2
    for until, why in ((day(-2), "passed already"), (day(800), "two years")):
        late = enrol(site, "r-1", photo, until=until)
        assert (late.returncode, why in late.stdout) == (1, True)
    absent = enrol(site, "r-1", tmp_path / "nothing.jpg")
    assert (absent.returncode, "cannot be read" in absent.stdout) == (1, True)
    unknown = resident(site, "withdraw", "r-9", "--json")
    assert (unknown.returncode, "no resident 'r-9'" in unknown.stdout) == (1, True)
    site.agent.stop()
    assert resident(site, "list", "--json").returncode == 69


def test_the_given_files_are_destroyed_when_asked(site: Site, tmp_path: Path) -> None:
    photo = tmp_path / "given.jpg"
    photo.write_bytes(photo_of(OTHER).read_bytes())
    kept = tmp_path / "the-same-blocks"
    kept.hardlink_to(photo)
    words = ("--consent", CONSENT, "--asked-by", ASKED, "--until", day(30), "--destroy-photos")
    done = resident(site, "enrol", "张三", "--photo", photo, *words, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["photos_destroyed"]) == (0, [str(photo)])
    assert told["id"].startswith("r-")
    assert not photo.exists()
    assert [part for part in parts_of(photo_of(OTHER)) if part in kept.read_bytes()] == []
    assert json.loads(resident(site, "list", "--json").stdout)["residents"][0]["name"] == "张三"
