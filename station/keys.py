"""The station's folder and its role keys: made once, never overwritten, read by their owner only.

Here: ``station.json``, ``keys/{role}.key`` (PKCS 8, PEM) and ``trusted-keys.json`` for the gates.
Not here: certificates and the broker (``station.trust``), signing itself (``contract.signing``).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from agent.core.errors import CheckFailedError, ConfigError
from agent.files.atomic import sync_folder, write_atomic
from contract.signing import TrustedKeys, public_text, strict_json
from contract.topics import ID_PATTERN, is_id
from contract.words import Role
from station.tables import FILE_NAME, open_database

TRUSTED_KEYS = "trusted-keys.json"
_ABOUT = "station.json"
_KEYS = "keys"


@dataclass(frozen=True, slots=True)
class Station:
    """A station's folder: its id, and the name that people read."""

    folder: Path
    id: str
    name: str

    @property
    def database(self) -> Path:
        """The SQLite file of everything received and queued."""
        return self.folder / FILE_NAME

    @property
    def trusted_keys(self) -> Path:
        """What every gate of this station is given."""
        return self.folder / TRUSTED_KEYS


def init(
    folder: Path, station: str, name: str, fill: Callable[[Path], None] | None = None
) -> Station:
    """Make *folder* with fresh keys for every role, whole or not at all.

    *fill* adds to the draft of the folder before it takes its name.
    CheckFailedError when something is there already, ConfigError for an unfit id.
    """
    if not is_id(station):
        raise ConfigError(f"station id {station!r} is not of the form {ID_PATTERN}")
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise CheckFailedError(f"{folder} is there already and not empty; nothing was changed")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        _fill(draft, station, name)
        if fill is not None:
            fill(draft)
        draft.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Station(folder, station, name)


def open_station(folder: Path) -> Station:
    """The station of *folder*; ConfigError when there is none."""
    try:
        about = strict_json((folder / _ABOUT).read_bytes(), 64 * 1024)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{folder} holds no station; make one with 'gatehouse station init --dir {folder}'"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder / _ABOUT} cannot be read: {error}") from error
    station, name = about.get("station"), about.get("name")
    if not isinstance(station, str) or not is_id(station) or not isinstance(name, str):
        raise ConfigError(f"{folder / _ABOUT} names no station")
    return Station(folder, station, name)


def role_key(station: Station, role: Role) -> Ed25519PrivateKey:
    """The private key of *role*; ConfigError when it is missing, damaged or open to others."""
    path = station.folder / _KEYS / f"{role.value}.key"
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} is open to others; close it with 'chmod 600 {path}'")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"the {role.value} key {path} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key")
    return key


def public_keys(station: Station) -> Mapping[Role, str]:
    """Base64 of every role's public key."""
    return {role: public_text(role_key(station, role)) for role in Role}


def _fill(folder: Path, station: str, name: str) -> None:
    keys = {role: Ed25519PrivateKey.generate() for role in Role}
    (folder / _KEYS).mkdir(mode=0o700)
    for role, key in keys.items():
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomic(folder / _KEYS / f"{role.value}.key", pem, mode=0o600)
    trusted = TrustedKeys(station, {role: key.public_key() for role, key in keys.items()})
    write_atomic(folder / TRUSTED_KEYS, trusted.to_json(), mode=0o644)
    about = json.dumps({"station": station, "name": name}, ensure_ascii=False, indent=2)
    write_atomic(folder / _ABOUT, f"{about}\n".encode(), mode=0o600)
    open_database(folder / FILE_NAME).close()
