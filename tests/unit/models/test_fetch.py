from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from agent.core.errors import PackError
from models.fetch import fetch_pack, import_pack, store_pack
from models.manifest import dump_manifest
from models.packs import MANIFEST, read_pack, verify_pack


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_fetched_pack_is_whole(packs_dir: Path) -> None:
    verified = verify_pack(packs_dir, "dlib")
    assert verified.files == 6
    assert verified.answers == 14
    assert "LICENCE.dlib-models" in names(packs_dir / "dlib")


def test_a_pack_that_stands_is_renewed_without_its_artefacts(
    pack_copy: Path, tmp_path: Path
) -> None:
    place = pack_copy / "dlib"
    manifest, _ = read_pack(pack_copy, "dlib")
    older = replace(manifest, body=replace(manifest.body, version="0"))
    (place / MANIFEST).write_bytes(dump_manifest(older))
    stages: list[str] = []
    nothing = tmp_path / "nothing"
    fetch_pack("dlib", pack_copy, source=nothing, progress=lambda stage, _: stages.append(stage))
    assert verify_pack(pack_copy, "dlib").manifest.body == manifest.body
    assert set(stages) == {"self-test", "store"}
    assert names(pack_copy) == ["dlib"]


def test_a_damaged_pack_is_fetched_anew_and_stands_until_then(
    pack_copy: Path, tmp_path: Path
) -> None:
    (pack_copy / "dlib" / "embedder.onnx").write_bytes(b"")
    with pytest.raises(PackError, match="pip download --no-deps"):
        fetch_pack("dlib", pack_copy, source=tmp_path)
    assert names(pack_copy) == ["dlib"]


def test_a_pack_made_elsewhere_is_proved_before_it_counts(pack_copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "gate"
    assert import_pack(pack_copy / "dlib", target) == target / "dlib"
    assert verify_pack(target, "dlib").answers == 14
    (pack_copy / "dlib" / "detector.onnx").unlink()
    with pytest.raises(PackError, match=r"detector\.onnx cannot be read"):
        import_pack(pack_copy / "dlib", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_pack_that_cannot_be_stored_leaves_the_old_one(pack_copy: Path) -> None:
    manifest, contents = read_pack(pack_copy, "dlib")
    with pytest.raises(PackError, match="cannot be stored"):
        store_pack(pack_copy, manifest, contents | {"no/such/folder": b"x"})
    assert names(pack_copy) == ["dlib"]
    assert read_pack(pack_copy, "dlib")[0] == manifest


def test_what_a_killed_fetch_left_is_cleared(pack_copy: Path) -> None:
    manifest, contents = read_pack(pack_copy, "dlib")
    shutil.copytree(pack_copy / "dlib", pack_copy / ".dlib.new")
    shutil.move(pack_copy / "dlib", pack_copy / ".dlib.old")
    store_pack(pack_copy, manifest, contents)
    assert names(pack_copy) == ["dlib"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PackError, match="cannot be written"):
        fetch_pack("dlib", tmp_path / "file" / "models", source=tmp_path)


def test_what_stands_unchanged_is_left_alone_however_many_ask(pack_copy: Path) -> None:
    before = (pack_copy / "dlib").stat().st_ino
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: fetch_pack("dlib", pack_copy), range(4)))
    assert set(places) == {pack_copy / "dlib"}
    assert (pack_copy / "dlib").stat().st_ino == before
    assert names(pack_copy) == ["dlib"]
