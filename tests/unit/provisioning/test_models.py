"""``gatehouse models``: what people and programs are told, on real packs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from provisioning.models import app
from tests.unit.models.fixtures import REPO, need_pack, packs, packs_dir, real

__all__ = ["packs", "packs_dir"]

V2 = "2.7_80x80_MiniFASNetV2.pth"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gate without a configuration."""
    monkeypatch.delenv("GATEHOUSE_MODELS_MIRROR", raising=False)
    return tmp_path / "none.yaml"


def run(config: Path, *words: str) -> Result:
    command, *rest = words
    named = ["--config", str(config)] if command in {"fetch", "add"} else []
    return CliRunner().invoke(app, [command, *named, *rest], catch_exceptions=True)


def answered(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_stick_is_taken_and_the_next_step_is_named(config: Path, tmp_path: Path) -> None:
    stick = str(real("models", "yunet"))
    result = run(config, "add", stick, "--dir", str(tmp_path / "packs"))
    assert result.exit_code == 0
    assert "yunet is ready" in result.stdout
    assert "faces.detector: yunet" in result.stdout


def test_half_a_pack_says_what_is_missing_and_fails(config: Path, tmp_path: Path) -> None:
    stick = str(real("models", "minivision", V2))
    result = run(config, "add", stick, "--dir", str(tmp_path / "packs"), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["packs"] == []
    assert told["taken"] == {V2: f"minifasnet: {V2}"}
    (due,) = told["missing"]["minifasnet"]
    assert due.startswith("4_0_0_80x80_MiniFASNetV1SE.pth (SHA-256 ")


def test_the_files_mirror_counts_unless_the_command_names_one(tmp_path: Path) -> None:
    """Nobody listens at either: the address that was tried is named."""
    shipped = (REPO / "examples" / "gate.yaml").read_text("utf-8")
    config = tmp_path / "gate.yaml"
    config.write_text(
        shipped.replace("# mirror: https://mirror.example", "mirror: https://127.0.0.1:9/file"),
        "utf-8",
    )
    words = ("fetch", "yunet", "--dir", str(tmp_path))
    assert "https://127.0.0.1:9/file/ShiqiYu/" in str(run(config, *words).exception)
    named = run(config, *words, "--mirror", "https://127.0.0.1:9/named")
    assert "https://127.0.0.1:9/named/ShiqiYu/" in str(named.exception)


def test_the_list_tells_role_licence_threshold_and_people(packs: Path, config: Path) -> None:
    need_pack(packs, "mobilefacenet")
    rows = {
        row["name"]: row
        for row in answered(run(config, "list", "--dir", str(packs), "--json"))["packs"]
    }
    assert {name: row["role"] for name, row in rows.items()} == {
        "dlib": "embedder",
        "mobilefacenet": "embedder",
        "yunet": "detector",
        "minifasnet": "liveness",
    }
    assert rows["dlib"]["review_only"]
    assert rows["mobilefacenet"]["licences"] == ["mobilefacenet (Apache-2.0)"]
    assert rows["mobilefacenet"]["threshold"] == 0.51
    assert rows["yunet"]["threshold"] is None
    text = run(config, "list", "--dir", str(packs)).stdout
    assert "review only: " in text
    assert "licences: centerface (MIT), dlib-models (CC0-1.0)" in text


def test_all_packs_are_verified_at_once(packs: Path, config: Path) -> None:
    told = answered(run(config, "verify", "--dir", str(packs), "--json"))["verified"]
    assert told["dlib"]["golden_answers"] == 14
    assert all(row["golden_answers"] >= 3 for row in told.values())
