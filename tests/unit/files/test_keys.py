"""The gate's keys on disk: made once, followed by the next, destroyed when done."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.errors import StoreError
from agent.files.key_file import CREDENTIAL, OLD_CREDENTIAL, Credentials, read_credentials
from agent.files.keys import Keys
from agent.files.sealed import DataKey

STORES = ("outbox", "watchlist")
CARD, NEW_CARD = DataKey(b"a credential of the machine"), DataKey(b"another credential")


def keys(folder: Path, now: DataKey | None = None, before: DataKey | None = None) -> Keys:
    made = Keys(folder / "keys", STORES, Credentials(now, before))
    made.load()
    return made


def all_done(made: Keys) -> list[bool]:
    return [made.done(store, made.ring().current.id) for store in STORES]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "keys").iterdir())


def test_the_first_start_makes_a_key_for_its_owner_only(tmp_path: Path) -> None:
    first = keys(tmp_path)
    (name,) = names(tmp_path)
    assert name == f"key-0001-{first.ring().current.id}"
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert keys(tmp_path).ring() == first.ring()
    assert (first.pending, first.wrapped, first.unopened) == (frozenset(STORES), False, ())


def test_two_gates_have_two_keys(tmp_path: Path) -> None:
    made = set()
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        made.add(keys(tmp_path / str(number)).ring().current.id)
    assert len(made) == 20


def test_what_is_done_is_remembered(tmp_path: Path) -> None:
    first = keys(tmp_path)
    assert first.done("outbox", first.ring().current.id) is False
    again = keys(tmp_path)
    assert (again.is_done("outbox"), again.is_done("watchlist")) == (True, False)
    assert again.pending == {"watchlist"}


def test_a_rotation_ends_the_old_key_when_every_store_is_done(tmp_path: Path) -> None:
    made = keys(tmp_path)
    all_done(made)
    old = made.ring().current
    old_path = tmp_path / "keys" / names(tmp_path)[0]
    new_id = made.rotate()
    assert made.ring().current.id == new_id
    assert set(made.ring().known) == {old.id, new_id}
    assert made.pending == frozenset(STORES)
    with old_path.open("rb") as before:
        assert all_done(made) == [False, True]
        before.seek(0)
        left = before.read()
    assert b'"key"' not in left
    assert len(names(tmp_path)) == 1
    assert set(made.ring().known) == {new_id}
    assert keys(tmp_path).ring() == made.ring()


def test_a_rotation_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    made = keys(tmp_path)
    all_done(made)
    old = made.ring().current.id
    new_id = made.rotate()
    made.done("outbox", new_id)
    again = keys(tmp_path)
    assert again.ring().current.id == new_id
    assert again.pending == {"watchlist"}
    assert old in again.ring().known
    assert again.done("watchlist", new_id) is True
    assert set(keys(tmp_path).ring().known) == {new_id}


def test_a_key_that_could_not_be_destroyed_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keys(tmp_path)
    all_done(made)
    made.rotate()
    with monkeypatch.context() as patch:
        patch.setattr("agent.files.keys.destroy_key", lambda _: False)
        all_done(made)
        assert len(made.ring().known) == 2
    assert len(names(tmp_path)) == 2
    keys(tmp_path)
    assert len(names(tmp_path)) == 1


def test_done_with_a_key_of_before_is_not_done(tmp_path: Path) -> None:
    made = keys(tmp_path)
    before = made.ring().current.id
    made.rotate()
    assert made.done("outbox", before) is False
    assert made.pending == frozenset(STORES)


def test_a_credential_wraps_the_key(tmp_path: Path) -> None:
    made = keys(tmp_path, CARD)
    (name,) = names(tmp_path)
    assert made.wrapped
    assert b'"key"' not in (tmp_path / "keys" / name).read_bytes()
    assert keys(tmp_path, CARD).ring() == made.ring()


def test_a_new_credential_takes_over_and_the_plain_key_ends(tmp_path: Path) -> None:
    plain = keys(tmp_path)
    all_done(plain)
    made = keys(tmp_path, CARD)
    assert made.wrapped
    assert plain.ring().current.id in made.ring().known
    assert all_done(made) == [False, True]
    assert len(names(tmp_path)) == 1


def test_a_changed_credential_opens_with_the_one_before(tmp_path: Path) -> None:
    first = keys(tmp_path, CARD)
    all_done(first)
    made = keys(tmp_path, NEW_CARD, CARD)
    assert first.ring().current.id in made.ring().known
    all_done(made)
    assert keys(tmp_path, NEW_CARD).ring() == made.ring()


def test_without_its_credential_a_key_is_kept_and_named(tmp_path: Path) -> None:
    first = keys(tmp_path, CARD)
    all_done(first)
    (lost,) = names(tmp_path)
    without = keys(tmp_path)
    assert without.unopened == (lost,)
    assert first.ring().current.id not in without.ring().known
    all_done(without)
    back = keys(tmp_path, CARD)
    assert {first.ring().current.id, without.ring().current.id} < set(back.ring().known)
    assert back.unopened == ()


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b'{"key": "AAAA", "done": []}', b"GHS1" + b"x" * 99]
)
def test_a_damaged_key_is_kept_and_named(tmp_path: Path, damage: bytes) -> None:
    keys(tmp_path)
    (lost,) = names(tmp_path)
    (tmp_path / "keys" / lost).write_bytes(damage)
    made = keys(tmp_path)
    assert made.unopened == (lost,)
    assert names(tmp_path)[1].startswith("key-0002-")
    assert (tmp_path / "keys" / lost).read_bytes() == damage


def test_a_key_under_another_keys_name_is_none(tmp_path: Path) -> None:
    keys(tmp_path)
    (name,) = names(tmp_path)
    folder = tmp_path / "keys"
    (folder / name).rename(folder / f"key-0001-{'0' * 16}")
    assert len(keys(tmp_path).unopened) == 1


def test_without_a_place_there_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    made = Keys(tmp_path / "keys", STORES, Credentials())
    for ask in (made.load, made.ring, made.rotate):
        with pytest.raises(StoreError):
            ask()
    (tmp_path / "keys").unlink()
    assert made.sealer("outbox").seal(b"x", b"")


def test_a_rotation_that_cannot_begin_now_keeps_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = keys(tmp_path)

    def refuse(*_: object) -> None:
        raise StoreError("no room left")

    monkeypatch.setattr("agent.files.keys.write_key", refuse)
    assert keys(tmp_path, CARD).ring() == plain.ring()


def test_credentials_come_from_the_service_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert read_credentials() == Credentials()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_credentials() == Credentials()
    (tmp_path / CREDENTIAL).write_bytes(CARD.secret + b"\n")
    (tmp_path / OLD_CREDENTIAL).write_bytes(NEW_CARD.secret)
    assert read_credentials() == Credentials(CARD, NEW_CARD)
    (tmp_path / CREDENTIAL).write_bytes(b"short")
    with pytest.raises(StoreError, match="16 bytes or more"):
        read_credentials()


def test_a_draft_that_a_kill_left_goes_at_the_next_start(tmp_path: Path) -> None:
    keys(tmp_path)
    (name,) = names(tmp_path)
    folder = next(tmp_path.rglob(name)).parent
    draft = folder / f".{name}.4711.tmp"
    draft.write_bytes((folder / name).read_bytes())
    keys(tmp_path)
    assert not draft.exists()
    assert names(tmp_path) == [name]
