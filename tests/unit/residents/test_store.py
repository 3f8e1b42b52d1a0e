"""The residents' files: sealed under keys of their own, and overwritten when somebody goes."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent.core.errors import StoreError
from agent.files.key_file import Credentials
from agent.files.keys import Keys
from agent.files.sealed import DataKey, key_of
from agent.files.transforms import SiteTransforms
from agent.residents.store import KEPT, ResidentStore, destroy
from agent.vault import KEYS_FOLDER, RESIDENTS, STORES
from tests.support.residents import NAME, NOW_NS, OTHER_ROW, ROW, UNIT, opened, resident
from tests.support.wiping import raw


@pytest.fixture
def store(tmp_path: Path) -> ResidentStore:
    return opened(tmp_path)


def files(data: Path) -> list[Path]:
    return sorted((data / RESIDENTS).glob(f"*{KEPT}"))


def test_it_is_there_after_a_restart_and_sealed(store: ResidentStore, tmp_path: Path) -> None:
    assert store.put(resident(store)) is False
    assert store.put(resident(store, row=OTHER_ROW)) is True
    again = opened(tmp_path)
    assert list(again.all()) == [resident(store, row=OTHER_ROW)]
    assert again.next_end_ns == resident(store).expires_ns
    scan = raw(tmp_path)
    planted = (NAME.encode(), UNIT.encode(), ROW, OTHER_ROW, b"r-1", b"office-4")
    assert [word for word in planted if word in scan] == []
    (path,) = files(tmp_path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_its_key_and_seed_are_not_the_gates(store: ResidentStore, tmp_path: Path) -> None:
    gate = Keys(tmp_path / KEYS_FOLDER, STORES, Credentials())
    gate.load()
    store.put(resident(store))
    (path,) = files(tmp_path)
    assert key_of(path.read_bytes()) not in gate.ring().known
    assert SiteTransforms(tmp_path / "transforms.json").current != store.transforms.current
    assert not any("resident" in name for name in STORES)


def test_who_goes_is_overwritten_where_it_lay(store: ResidentStore, tmp_path: Path) -> None:
    store.put(resident(store))
    (path,) = files(tmp_path)
    sealed = path.read_bytes()
    os.link(path, tmp_path / "the-same-blocks")
    gone = store.remove("r-1")
    assert gone is not None
    assert (gone.resident_id, gone.bytes) == ("r-1", len(sealed))
    assert gone.sha256 == hashlib.sha256(sealed).hexdigest()
    left = (tmp_path / "the-same-blocks").read_bytes()
    assert len(left) == len(sealed)
    assert sealed[40:72] not in left
    assert (files(tmp_path), store.ids, store.remove("r-1")) == ([], (), None)


def test_a_withdrawal_that_was_cut_short_is_finished(store: ResidentStore, tmp_path: Path) -> None:
    store.put(resident(store))
    (path,) = files(tmp_path)
    path.rename(path.with_suffix(".gone"))
    (tmp_path / RESIDENTS / ".draft.4711.tmp").write_bytes(ROW)
    again = ResidentStore(tmp_path / RESIDENTS, Credentials())
    (gone,) = again.open()
    assert (gone.resident_id, again.ids) == ("r-1", ())
    assert sorted(p.name for p in (tmp_path / RESIDENTS).iterdir()) == ["keys", "transforms.json"]


def test_a_copy_put_back_beside_a_newer_one_is_destroyed(
    store: ResidentStore, tmp_path: Path
) -> None:
    store.put(resident(store))
    (path,) = files(tmp_path)
    copy = path.with_name(f"0{path.name}")
    shutil.copy(path, copy)
    consent = replace(resident(store).consent, at_ns=NOW_NS + 1)
    store.put(resident(store, row=OTHER_ROW, consent=consent))
    again = opened(tmp_path)
    assert [next(iter(one.templates.values())) for one in again.all()] == [[OTHER_ROW]]
    assert files(tmp_path) == [path]


def test_a_damaged_record_is_counted_and_kept_from_use(
    store: ResidentStore, tmp_path: Path
) -> None:
    store.put(resident(store))
    store.put(resident(store, "r-2"))
    path = files(tmp_path)[0]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    again = opened(tmp_path)
    assert (len(again.ids), again.unreadable) == (1, 1)
    assert len(files(tmp_path)) == 2


def test_a_plain_record_is_not_taken(store: ResidentStore, tmp_path: Path) -> None:
    """Somebody who can write the folder enrols nobody by that."""
    store.put(resident(store))
    (path,) = files(tmp_path)
    path.write_bytes(b'{"resident_id":"r-9"}')
    again = opened(tmp_path)
    assert (again.ids, again.unreadable) == ((), 1)


def test_a_rotation_seals_anew_and_ends_the_older_key(store: ResidentStore, tmp_path: Path) -> None:
    store.put(resident(store))
    (key,) = (tmp_path / RESIDENTS / "keys").iterdir()
    before = files(tmp_path)[0].read_bytes()
    store.rotate()
    (new,) = (tmp_path / RESIDENTS / "keys").iterdir()
    assert key.name != new.name
    assert key_of(files(tmp_path)[0].read_bytes()) != key_of(before)
    assert list(opened(tmp_path).all()) == [resident(store)]


def test_a_credential_wraps_the_key(store: ResidentStore, tmp_path: Path) -> None:
    store.put(resident(store))
    card = Credentials(DataKey(b"what the machine's TPM lets go"))
    again = ResidentStore(tmp_path / RESIDENTS, card)
    again.open()
    assert again.ids == ("r-1",)
    assert b'"key"' not in raw(tmp_path)
    without = ResidentStore(tmp_path / RESIDENTS, Credentials())
    with pytest.raises(StoreError):
        without.open()


def test_a_wipe_leaves_no_file_and_no_key(store: ResidentStore, tmp_path: Path) -> None:
    store.put(resident(store))
    (key,) = (tmp_path / RESIDENTS / "keys").iterdir()
    secret, sealed = key.read_bytes(), files(tmp_path)[0].read_bytes()
    os.link(key, tmp_path / "the-same-blocks")
    assert (store.destroy(), store.ids) == (1, ())
    assert not (tmp_path / RESIDENTS).exists()
    scan = raw(tmp_path)
    assert secret[8:48] not in scan
    assert sealed[40:72] not in scan
    assert destroy(tmp_path / RESIDENTS) == 0
    again = opened(tmp_path)
    assert again.transforms.current != store.transforms.current


def test_a_disk_that_refuses_is_an_error_and_nobody_is_half_there(
    store: ResidentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(resident(store))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("agent.residents.store.write_atomic", full)
        with pytest.raises(StoreError, match="No space left"):
            store.put(resident(store, "r-2"))
    assert store.ids == ("r-1",)
    assert opened(tmp_path).ids == ("r-1",)
