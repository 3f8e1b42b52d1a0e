from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.core.errors import PackError
from models.licences import register
from models.packs import verify_pack
from models.stick import BROUGHT, add
from tests.unit.models.fixtures import need_pack, real

V2 = "2.7_80x80_MiniFASNetV2.pth"
V1SE = "4_0_0_80x80_MiniFASNetV1SE.pth"


def silent(_stage: str, _share: float) -> None:
    """Nobody watches."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_known_by_what_it_holds_not_by_its_name(tmp_path: Path) -> None:
    stick = tmp_path / "whatever.bin"
    shutil.copyfile(real("models", "mobilefacenet_foamliu", "mobilefacenet.onnx"), stick)
    added = add(stick, tmp_path / "gate", silent)
    assert added.packs == ("mobilefacenet",)
    assert added.taken == {"whatever.bin": "mobilefacenet: mobilefacenet.onnx"}
    assert verify_pack(tmp_path / "gate", "mobilefacenet").answers == 4
    assert names(tmp_path / "gate") == ["mobilefacenet"]


def test_a_stick_brings_all_it_has_and_nothing_else_is_touched(tmp_path: Path) -> None:
    added = add(real("models"), tmp_path / "gate", silent)
    assert set(added.packs) == {"yunet", "mobilefacenet", "minifasnet"}
    assert not added.missing
    assert names(tmp_path / "gate") == sorted(added.packs)


def test_half_a_pack_waits_for_the_other_half(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = add(real("models", "minivision", V2), gate, silent)
    assert first.packs == ()
    assert [due.split()[0] for due in first.missing["minifasnet"]] == [V1SE]
    assert names(gate) == [BROUGHT]
    second = add(real("models", "minivision", V1SE), gate, silent)
    assert second.packs == ("minifasnet",)
    assert names(gate) == ["minifasnet"]


def test_a_pack_folder_on_a_stick_is_proved_and_taken(
    packs: Path, pack_copy: Path, tmp_path: Path
) -> None:
    for source in (pack_copy / "dlib", pack_copy):
        assert add(source, tmp_path / f"gate-{source.name}", silent).packs == ("dlib",)
    (pack_copy / "dlib" / "embedder.onnx").write_bytes(b"")
    with pytest.raises(PackError, match="is not the file that was put there"):
        add(pack_copy / "dlib", tmp_path / "other", silent)
    shutil.copytree(packs / need_pack(packs, "yunet"), pack_copy / "yunet")
    both = add(pack_copy, tmp_path / "other", silent)
    assert both.packs == ("yunet",)
    assert "embedder.onnx" in both.refused[0]


def test_a_stick_with_nothing_says_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "holiday.jpg").write_bytes(b"x")
    (tmp_path / "stick" / "manifest.json").write_text("{}")
    (tmp_path / "stick" / "link").symlink_to("/etc/hostname")
    with pytest.raises(PackError, match=r"holds nothing for a pack \(2 files looked at\).*yunet"):
        add(tmp_path / "stick", tmp_path / "gate", silent)
    with pytest.raises(PackError, match="is the stick mounted"):
        add(tmp_path / "nowhere", tmp_path / "gate", silent)


def test_what_the_register_refuses_is_never_taken(tmp_path: Path) -> None:
    name = register().refused[0].names[0]
    (tmp_path / f"{name}.dat").write_bytes(b"x")
    with pytest.raises(PackError, match="iBUG 300-W"):
        add(tmp_path, tmp_path / "gate", silent)
