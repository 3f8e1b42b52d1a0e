from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.core.errors import PackError
from models.manifest import dump_manifest, embedder_body
from models.packs import MANIFEST, list_packs, load_pack, models_dir, read_pack, verify_pack


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["embedder.onnx", "detector.onnx", "landmarks.npz"])
def test_a_bit_that_changed_is_noticed_and_the_file_named(pack_copy: Path, name: str) -> None:
    spoil(pack_copy / "dlib" / name)
    with pytest.raises(PackError, match=f"{name} is not the file that was put there"):
        load_pack(pack_copy, "dlib")


def test_verifying_checks_licence_texts_too(pack_copy: Path) -> None:
    spoil(pack_copy / "dlib" / "LICENCE.centerface")
    with pytest.raises(PackError, match=r"LICENCE\.centerface"):
        verify_pack(pack_copy, "dlib")


def test_a_file_grown_or_gone_is_noticed(pack_copy: Path) -> None:
    path = pack_copy / "dlib" / "landmarks.npz"
    with path.open("ab") as file:
        file.write(b"!")
    with pytest.raises(PackError, match="is not the file"):
        load_pack(pack_copy, "dlib")
    path.unlink()
    with pytest.raises(PackError, match=r"landmarks\.npz cannot be read"):
        load_pack(pack_copy, "dlib")


def test_a_link_in_place_of_a_file_is_refused(pack_copy: Path, packs_dir: Path) -> None:
    path = pack_copy / "dlib" / "embedder.onnx"
    path.unlink()
    path.symlink_to(packs_dir / "dlib" / "embedder.onnx")
    with pytest.raises(PackError, match="cannot be read"):
        load_pack(pack_copy, "dlib")


def test_a_threshold_edited_beside_the_weights_is_refused(pack_copy: Path) -> None:
    manifest, _ = read_pack(pack_copy, "dlib")
    body = embedder_body(manifest.body, "dlib")
    thresholds = replace(body.thresholds, mean_of_3=0.63, frame=0.4)
    lax = replace(manifest, body=replace(body, thresholds=thresholds))
    (pack_copy / "dlib" / MANIFEST).write_bytes(dump_manifest(lax))
    with pytest.raises(PackError, match=r"was altered.*faces\.threshold"):
        load_pack(pack_copy, "dlib")


def test_a_pack_of_another_version_says_what_to_do(pack_copy: Path) -> None:
    manifest, _ = read_pack(pack_copy, "dlib")
    other = replace(manifest, body=replace(manifest.body, version="99"))
    (pack_copy / "dlib" / MANIFEST).write_bytes(dump_manifest(other))
    with pytest.raises(PackError, match=r"is version 99 .* run 'gatehouse models fetch'"):
        verify_pack(pack_copy, "dlib")


def test_a_pack_under_another_name_is_refused(pack_copy: Path) -> None:
    (pack_copy / "dlib").rename(pack_copy / "mine")
    with pytest.raises(PackError, match="calls itself 'dlib'"):
        load_pack(pack_copy, "mine")


def test_no_pack_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="gatehouse models fetch"):
        load_pack(tmp_path, "dlib")


def test_the_list_tells_whole_from_damaged(pack_copy: Path) -> None:
    (pack_copy / "broken").mkdir()
    (pack_copy / ".fetch-123").mkdir()
    whole, broken = list_packs(pack_copy)[::-1]
    assert (whole.name, whole.fault) == ("dlib", "")
    assert whole.manifest is not None
    assert whole.manifest.body.model_id == "dlib-resnet-v1@55533b28"
    assert broken.name == "broken"
    assert "cannot be read" in broken.fault
    (pack_copy / "dlib" / "detector.onnx").unlink()
    assert "detector.onnx" in list_packs(pack_copy)[1].fault
    assert list_packs(pack_copy / "nowhere") == []


def test_where_packs_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    assert models_dir() == tmp_path / "models"
    assert models_dir(tmp_path / "own") == tmp_path / "own"
    monkeypatch.delenv("GATEHOUSE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    places = {Path("/var/cache/gatehouse/models"), tmp_path / ".cache" / "gatehouse" / "models"}
    assert models_dir() in places
