"""One key of the gate in one file: plain for its owner only, or wrapped by a systemd credential.

``key-{number}-{id}`` holds the secret and the names of the stores that are wholly sealed with it.
Here: reading, writing, destroying one file. Not here: which key is used (``agent.files.keys``).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import SealedError, StoreError
from agent.files.atomic import erase, overwritten, write_atomic
from agent.files.sealed import KEY_BYTES, DataKey, KeyRing, Sealer, key_of
from contract.signing import strict_json

CREDENTIAL = "gatehouse-key"
OLD_CREDENTIAL = "gatehouse-key-old"
SHORTEST_CREDENTIAL = 16
PREFIX = "key-"
MAX_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the service manager gives: the key that wraps ours now, and the one before it."""

    now: DataKey | None = None
    before: DataKey | None = None


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key and its file; ``done`` are stores sealed with it.

    ``wrapped``: by the credential of now.
    """

    path: Path
    key: DataKey
    done: frozenset[str]
    wrapped: bool

    @property
    def number(self) -> int:
        """The highest number is the newest key."""
        return number_of(self.path)


def read_credentials() -> Credentials:
    """From $CREDENTIALS_DIRECTORY; StoreError when one is there and cannot be used."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return Credentials()
    return Credentials(*(_credential(Path(folder) / n) for n in (CREDENTIAL, OLD_CREDENTIAL)))


def number_of(path: Path) -> int:
    """The number in the name of a key's file; 0 for a name that has none."""
    digits = path.name.removeprefix(PREFIX).split("-")[0]
    return int(digits) if digits.isdecimal() else 0


def path_for(folder: Path, number: int, key: DataKey) -> Path:
    """Where key *number* lies."""
    return folder / f"{PREFIX}{number:04d}-{key.id}"


def read_key(path: Path, credentials: Credentials) -> HeldKey:
    """The key in *path*; SealedError when its credential is not here, or it is no key's file."""
    data = path.read_bytes()
    wrapper = key_of(data)
    now, before = credentials.now, credentials.before
    if wrapper is not None:
        known = {key.id: key for key in (now, before) if key is not None}
        if wrapper not in known:
            raise SealedError(f"{path} is sealed with a credential that is not here", wrapper)
        data = _wrapper(known[wrapper]).open(data, path.name.encode())
    try:
        value = strict_json(data, MAX_BYTES)
        key = DataKey(base64.b64decode(value["key"], validate=True))
        done = frozenset(map(str, value["done"]))
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise SealedError(f"{path} is damaged") from None
    if len(key.secret) != KEY_BYTES or not path.name.endswith(key.id):
        raise SealedError(f"{path} is not the key of its name")
    return HeldKey(path, key, done, now is not None and wrapper == now.id)


def write_key(held: HeldKey, credentials: Credentials) -> None:
    """Write a key's file durably and overwrite the one before; StoreError when that fails."""
    secret = base64.b64encode(held.key.secret).decode("ascii")
    data = json.dumps({"key": secret, "done": sorted(held.done)}).encode()
    if held.wrapped and credentials.now is not None:
        data = _wrapper(credentials.now).seal(data, held.path.name.encode())
    try:
        with overwritten(held.path):
            write_atomic(held.path, data, mode=0o600)
        _give_to_owner(held.path)
    except OSError as error:
        raise StoreError(f"{held.path} cannot be written: {error.strerror}") from error


def destroy_key(path: Path) -> bool:
    """Overwrite and delete. Flash may keep the old block: a credential is what makes it worthless.

    False when it cannot be deleted now; it is tried again at the next start.
    """
    with contextlib.suppress(OSError):
        erase(path)
        return True
    return False


def destroy_drafts(folder: Path) -> None:
    """Destroy what a kill left of a key's file being written: it holds that key."""
    for path in folder.glob(f".{PREFIX}*.tmp"):
        destroy_key(path)


def _credential(path: Path) -> DataKey | None:
    try:
        data = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"credential {path.name} cannot be read: {error.strerror}") from error
    if len(data) < SHORTEST_CREDENTIAL:
        raise StoreError(f"credential {path.name} has to have {SHORTEST_CREDENTIAL} bytes or more")
    return DataKey(data)


def _wrapper(key: DataKey) -> Sealer:
    ring = KeyRing(key, {key.id: key})
    return Sealer(lambda: ring, "wrap")


def _give_to_owner(path: Path) -> None:
    """A key that root makes by hand belongs to whom the folder belongs: the agent."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid)
