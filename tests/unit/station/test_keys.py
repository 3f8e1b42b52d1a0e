"""The station's folder: whole, private, never overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError, ConfigError
from contract.signing import is_signed_by, read_trusted_keys, sign
from contract.words import Role
from station import keys


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_private_and_the_gates_file_fits_them(tmp_path: Path) -> None:
    made = keys.init(tmp_path / "st", "cancheng", "禅城派出所")
    assert mode(made.folder) == 0o700
    assert mode(made.folder / "keys") == 0o700
    files = sorted((made.folder / "keys").iterdir())
    assert [file.stem for file in files] == sorted(role.value for role in Role)
    assert {mode(file) for file in files} == {0o600}
    assert mode(made.database) == 0o600
    trusted = read_trusted_keys(made.trusted_keys.read_bytes())
    assert trusted.station == "cancheng"
    for role in Role:
        signed = sign({"role": role.value}, keys.role_key(made, role))
        fits = [r for r in Role if is_signed_by(signed, trusted.keys[r])]
        assert fits == [role]


def test_an_umask_does_not_open_them(tmp_path: Path) -> None:
    import os  # noqa: PLC0415 - only here

    before = os.umask(0)
    try:
        made = keys.init(tmp_path / "st", "cancheng", "")
    finally:
        os.umask(before)
    assert mode(made.folder) == 0o700
    assert mode(made.folder / "keys" / "door.key") == 0o600
    assert mode(made.database) == 0o600


def test_two_stations_share_nothing(tmp_path: Path) -> None:
    first = keys.init(tmp_path / "a", "cancheng", "")
    second = keys.init(tmp_path / "b", "cancheng", "")
    shared = set(keys.public_keys(first).values()) & set(keys.public_keys(second).values())
    assert shared == set()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    made = keys.init(tmp_path / "st", "cancheng", "")
    before = made.trusted_keys.read_bytes()
    with pytest.raises(CheckFailedError, match="nothing was changed"):
        keys.init(tmp_path / "st", "cancheng", "")
    assert made.trusted_keys.read_bytes() == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(CheckFailedError):
        keys.init(tmp_path / "other", "cancheng", "")
    (tmp_path / "empty").mkdir()
    assert keys.init(tmp_path / "empty", "cancheng", "").id == "cancheng"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("station", ["", "Cancheng", "a/b", "x" * 33, "禅城"])
def test_an_unfit_id_makes_nothing(tmp_path: Path, station: str) -> None:
    with pytest.raises(ConfigError):
        keys.init(tmp_path / "st", station, "")
    assert not (tmp_path / "st").exists()


def test_a_folder_is_read_back(tmp_path: Path) -> None:
    made = keys.init(tmp_path / "st", "cancheng", "禅城派出所")
    assert keys.open_station(made.folder) == made
    with pytest.raises(ConfigError, match="station init"):
        keys.open_station(tmp_path / "nothing")


def test_a_key_open_to_others_is_not_used(tmp_path: Path) -> None:
    made = keys.init(tmp_path / "st", "cancheng", "")
    path = made.folder / "keys" / "door.key"
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        keys.role_key(made, Role.DOOR)
    path.chmod(0o600)
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        keys.role_key(made, Role.DOOR)
    path.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        keys.role_key(made, Role.DOOR)
