"""``gatehouse models quantize``: what people and programs are told, on a real pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.packs import verify_pack
from tests.support.cli import Shell
from tests.unit.models.fixtures import packs_dir

__all__ = ["packs_dir"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.fixture
def folder(packs_dir: Path, tmp_path: Path) -> Path:
    shutil.copytree(packs_dir / "dlib", tmp_path / "dlib")
    return tmp_path


def test_the_form_is_made_and_its_cost_is_told(shell: Shell, folder: Path) -> None:
    said = shell("models", "quantize", "dlib", "--dir", str(folder), "--json")
    assert said.code == 0, said.err
    told = said.value
    assert (told["pack"], told["of"], told["review_only"]) == ("dlib-int8", "dlib", True)
    assert told["model_id"] == verify_pack(folder, "dlib-int8").manifest.body.model_id
    (drawn,) = told["cost"]["changes"]
    assert 0 < drawn["pairs_mean"] <= drawn["pairs_worst"]
    assert told["cost"]["times_faster"] > 0
    assert told["cost"]["int8_bytes"] < told["cost"]["pack_bytes"]


def test_people_are_told_the_next_step_and_a_second_run_changes_nothing(
    shell: Shell, folder: Path
) -> None:
    said = shell("models", "quantize", "dlib", "--dir", str(folder))
    manifest = folder / "dlib-int8" / "manifest.json"
    before = manifest.stat().st_mtime_ns
    assert "faces.pack: dlib-int8" in said.out
    assert "own score" in said.out
    assert "times faster here" in said.out
    assert shell("models", "quantize", "dlib", "--dir", str(folder)).code == 0
    assert manifest.stat().st_mtime_ns == before


def test_a_pack_that_is_not_here_or_has_no_form_is_refused(shell: Shell, folder: Path) -> None:
    absent = shell("models", "quantize", "mobilefacenet", "--dir", str(folder))
    assert absent.code != 0
    assert "there is no model pack 'mobilefacenet'" in absent.err
    none = shell("models", "quantize", "yunet", "--dir", str(folder))
    assert none.code != 0
    assert "there is one of: dlib, mobilefacenet" in none.err
