"""``models try-liveness``: a print of somebody is held before a camera that the gate has."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from tests.support.cli import Shell
from tests.tools.site_config import file_camera, gate_config
from tests.unit.models.fixtures import need_pack, real


def film(target: Path) -> Path:
    """A print held still, to and fro, as a film of five frames a second."""
    folder = real("pad", "nuaa", "photo_attack", "0004", "session03")
    paths = sorted(folder.glob("0004_01_08_03_*.jpg"))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"MJPG"), 5, (640, 480))
    for path in [*paths, *reversed(paths)] * 2:
        picture = cv2.imread(str(path))
        assert picture is not None
        writer.write(picture)
    writer.release()
    return target


def test_a_print_before_a_camera_passes_neither_check(
    packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("yunet", "minifasnet"):
        need_pack(packs, name)
    video = film(tmp_path / "print.avi")
    config = tmp_path / "gate.yaml"
    trusted = tmp_path / "trusted.json"
    cameras = {"north": file_camera(video)}
    config.write_text(
        json.dumps(gate_config(tmp_path, [("127.0.0.1", 1883)], trusted, cameras=cameras))
    )
    words = ("models", "try-liveness", "--config", config, "--dir", packs)
    gatehouse = Shell(monkeypatch, capsys)
    said = gatehouse(*words, "--camera", "north", "--json")
    assert said.code == 1
    told = json.loads(said.out.splitlines()[0])
    assert told["print"] in {"refuse", "undecided"}  # undecided when pictures came too slowly
    assert told["turn"] in {"refuse", "undecided"}
    assert told["passed"] is False
    assert "请正视摄像机" in said.err
    said = gatehouse(*words, "--camera", "south")
    assert said.code == 78
    assert "there is no camera 'south' in the configuration (north)" in said.err
