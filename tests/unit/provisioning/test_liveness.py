"""``models evaluate-liveness``: what people and programs are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.liveness import BEGIN, END
from tests.support.cli import Shell
from tests.unit.models.fixtures import need_pack, packs, packs_dir, real

__all__ = ["packs", "packs_dir"]


@pytest.fixture
def gatehouse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Five frames of a person and of a print of another one, in folders of one's own."""
    clips = {
        "live/a": "real/0004/session01/0004_01_00_01",
        "attack/print/b": "photo_attack/0004/session02/0004_01_02_02",
    }
    for name, start in clips.items():
        folder = real("pad", "nuaa", *start.split("/")[:-1])
        (tmp_path / "data" / name).mkdir(parents=True)
        for number, path in enumerate(sorted(folder.glob(f"{Path(start).name}_*.jpg"))[:5]):
            (tmp_path / "data" / name / f"{number}.jpg").symlink_to(path)
    return tmp_path / "data"


@pytest.fixture
def installed(packs: Path) -> Path:
    for name in ("yunet", "minifasnet"):
        need_pack(packs, name)
    return packs


def test_figures_go_to_programs_and_into_a_page(
    gatehouse: Shell, data: Path, installed: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    said = gatehouse(
        "models", "evaluate-liveness", "--data", data, "--dir", installed, "--page", page, "--json"
    )
    assert said.code == 0, said.err
    (live,), (attack,) = said.value["live"], said.value["attacks"]
    assert (live["windows"], live["bpcer"]["hits"]) == (1, 0)
    assert (attack["species"], attack["apcer"]["hits"], attack["apcer"]["trials"]) == (
        "print",
        0,
        1,
    )
    assert said.value["pack"].startswith("minifasnet@")
    written = page.read_text("utf-8")
    assert written.startswith("# Before\n")
    assert written.endswith(f"{END}\nafter\n")
    assert "| own | print | 1 | 1 | 1 | 0 of 1 (0.0 to 97.5 %)" in written
    assert "old" not in written


def test_the_page_in_the_docs_has_figures_for_every_part() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "accuracy-liveness.md").read_text(
        "utf-8"
    )
    figures = text.split(BEGIN)[1].split(END)[0]
    for part in ("| NUAA | live |", "every species together", "| grey | live |", "Prompted turn"):
        assert part in figures


def test_a_folder_without_clips_is_an_error(
    gatehouse: Shell, installed: Path, tmp_path: Path
) -> None:
    said = gatehouse("models", "evaluate-liveness", "--data", tmp_path, "--dir", installed)
    assert said.code == 1
    assert "attack/SPECIES/CLIP/PICTURE" in said.err
