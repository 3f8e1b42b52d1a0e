"""The key with which the gate vouches for its audit log, sealed in ``mac.key`` beside it.

It is made once and outlives the data keys that seal it: records of last year are still vouched for
after a rotation.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from agent.audit.record import MacKey
from agent.core.errors import SealedError, StoreError
from agent.files.atomic import overwritten, write_atomic
from agent.files.sealed import KEY_BYTES
from agent.files.seals import StoreSeal

NAME = "mac.key"


def mac_key(secret: bytes) -> MacKey:
    """The key with these 32 bytes, named by the beginning of their hash."""
    return MacKey(hashlib.sha256(b"gatehouse mac key id\0" + secret).hexdigest()[:16], secret)


def open_mac_key(folder: Path, seal: StoreSeal, *, make: bool = True) -> MacKey:
    """The key of the log in *folder*; SealedError when it is there and cannot be opened.

    *make*: a new one where there is none; otherwise StoreError.
    """
    path = folder / NAME
    try:
        secret = seal.sealer.open(path.read_bytes(), NAME.encode())
    except SealedError as error:
        raise SealedError(f"{path} {error}", error.key_id) from error
    except FileNotFoundError as error:
        if make:
            return make_mac_key(folder, seal)
        raise StoreError(f"there is no {path}") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    return mac_key(secret)


def make_mac_key(folder: Path, seal: StoreSeal) -> MacKey:
    """A new key; one that stands there is set aside as ``mac.key.unopened``."""
    path = folder / NAME
    with contextlib.suppress(OSError):
        path.replace(path.with_name(f"{NAME}.unopened"))
    secret = os.urandom(KEY_BYTES)
    _write(path, secret, seal)
    return mac_key(secret)


def reseal_mac_key(folder: Path, key: MacKey, seal: StoreSeal) -> None:
    """Seal the key anew with the data key of now; StoreError when the disk refuses."""
    path = folder / NAME
    with overwritten(path):
        _write(path, key.secret, seal)


def _write(path: Path, secret: bytes, seal: StoreSeal) -> None:
    sealed = seal.sealer.seal(secret, NAME.encode())
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomic(path, sealed)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
