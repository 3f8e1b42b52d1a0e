"""``gatehouse models evaluate`` on real photos with the pack that installs everywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import pytest

from agent.config.schema.vision import Models
from models import pictures
from models.engine import open_engine
from tests.support.cli import Shell
from tests.unit.models.fixtures import need_pack, packs, packs_dir, real

__all__ = ["packs", "packs_dir"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_groups_of_real_people_are_measured(shell: Shell, packs_dir: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "casia").symlink_to(real("faces", "casia_facev5_subset"))
    (data / "stills").symlink_to(real("faces", "faceapi_bbt"))
    page = tmp_path / "page.html"
    said = shell(
        "models", "evaluate", "--data", str(data), "--dir", str(packs_dir), "--html", str(page),
        "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    casia, stills = said.value["groups"]["casia"], said.value["groups"]["stills"]
    assert (casia["people"], casia["images"]) == (10, 50)
    assert 40 <= casia["acquired"] < 50
    assert casia["far_at_threshold"] < 3e-3
    assert casia["tar_at_threshold"] > 0.9
    assert casia["tar_at_far"]["0.0001"] is None
    assert stills["tar_at_far"]["0.01"] > casia["far_at_threshold"]
    assert "stills" in page.read_text("utf-8")


def test_only_the_people_kept_aside_are_measured(
    shell: Shell, packs_dir: Path, tmp_path: Path
) -> None:
    for number in range(8):
        person = tmp_path / "group" / f"person-{number}"
        person.mkdir(parents=True)
        cv2.imwrite(str(person / "a.png"), pictures.picture("head-320x256"))
    counts = []
    for people in ("development", "held-out", "all"):
        said = shell(
            "models", "evaluate", "--data", str(tmp_path), "--dir", str(packs_dir), "--people",
            people, "--json",
        )  # fmt: skip
        counts.append(said.value["groups"]["group"]["people"])
    assert counts[0] + counts[1] == counts[2] == 8
    assert 0 < counts[0] < 8


def test_a_folder_without_people_is_refused_with_the_remedy(
    shell: Shell, packs_dir: Path, tmp_path: Path
) -> None:
    said = shell("models", "evaluate", "--data", str(tmp_path), "--dir", str(packs_dir))
    assert said.code != 0
    assert "GROUP/PERSON/IMAGE" in said.err


def test_an_unknown_choice_of_people_is_refused(
    shell: Shell, packs_dir: Path, tmp_path: Path
) -> None:
    said = shell(
        "models", "evaluate", "--data", str(tmp_path), "--dir", str(packs_dir), "--people", "half"
    )
    assert "development" in said.err


def test_the_detector_is_the_gates_unless_named_and_is_told(
    shell: Shell, packs: Path, tmp_path: Path
) -> None:
    """The same figures with and without YuNet installed; another detector only by its name."""
    need_pack(packs, "yunet")
    person = tmp_path / "data" / "group" / "person"
    person.mkdir(parents=True)
    cv2.imwrite(str(person / "a.png"), pictures.picture("head-320x256"))
    cv2.imwrite(str(person / "b.png"), pictures.picture("head-lean-480x520"))
    html = tmp_path / "page.html"
    common = ("models", "evaluate", "--data", str(tmp_path / "data"), "--json")
    told = {}
    for pack in ("dlib", "mobilefacenet"):
        for detector in ("", "dlib", "yunet"):
            named = ("--detector", detector) if detector else ()
            said = shell(*common, "--pack", need_pack(packs, pack), "--dir", str(packs),
                         "--html", str(html), *named)  # fmt: skip
            assert said.code == 0, said.err
            told[pack, detector] = said.value
            assert f"faces found by {said.value['detector']}" in html.read_text("utf-8")
        assert told[pack, ""] == told[pack, "dlib"] != told[pack, "yunet"]
        assert told[pack, ""]["detector"] == gates_detector(packs, pack)
        assert told[pack, "yunet"]["detector"].startswith("yunet-detector@")
    alone = tmp_path / "alone"
    shutil.copytree(packs / "dlib", alone / "dlib")
    said = shell(*common, "--pack", "dlib", "--dir", str(alone))
    assert said.value == told["dlib", ""]


def gates_detector(packs: Path, pack: str) -> str:
    """What a gate takes that names no detector."""
    engine = open_engine(Models(dir=packs), pack)
    return next(one.model_id for one in engine.models if one.role == "detector")
