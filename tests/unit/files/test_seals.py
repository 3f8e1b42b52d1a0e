"""A store's file behind its seal: read plain once, and never again after it was sealed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.core.errors import SealedError, StoreError
from agent.files.atomic import AtomicJSONStorage, overwritten
from agent.files.key_file import Credentials
from agent.files.keys import Keys
from agent.files.seals import StoreSeal

DOCUMENT = {"entries": {"1": {"who": "陈小明"}}}


def seal(folder: Path, name: str = "watchlist") -> StoreSeal:
    made = Keys(folder / "keys", {"watchlist", "residents"}, Credentials())
    made.load()
    return StoreSeal(made, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.json"


def test_a_document_is_sealed_and_read_again(path: Path, tmp_path: Path) -> None:
    AtomicJSONStorage(path, seal(tmp_path)).write(DOCUMENT)
    assert "陈小明".encode() not in path.read_bytes()
    assert AtomicJSONStorage(path, seal(tmp_path)).read() == DOCUMENT


def test_another_store_cannot_read_it(path: Path, tmp_path: Path) -> None:
    AtomicJSONStorage(path, seal(tmp_path)).write(DOCUMENT)
    with pytest.raises(SealedError, match=r"list\.json was altered, or is sealed for another"):
        AtomicJSONStorage(path, seal(tmp_path, "residents")).read()


def test_plain_is_read_until_it_was_sealed_once(path: Path, tmp_path: Path) -> None:
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    made = seal(tmp_path)
    assert AtomicJSONStorage(path, made).read() == DOCUMENT
    made.finish(made.sealer.current_id)
    assert made.done
    with pytest.raises(SealedError, match="somebody put it there"):
        AtomicJSONStorage(path, made).read()


def test_without_a_key_nothing_is_written(path: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    broken = StoreSeal(Keys(tmp_path / "keys", set(), Credentials()), "watchlist")
    with pytest.raises(StoreError):
        AtomicJSONStorage(path, broken).write(DOCUMENT)
    assert not path.exists()


def test_what_a_file_was_is_overwritten(path: Path) -> None:
    path.write_bytes(b"plain secret")
    with path.open("rb") as before:
        with overwritten(path):
            path.unlink()
        before.seek(0)
        assert b"secret" not in before.read()
    with overwritten(path):
        assert not path.exists()
