"""Bytes sealed for the disk: AES-256-GCM under a key of this gate, one subkey per purpose.

A sealed value is ``GHS1`` | key id (8 bytes) | nonce (12 bytes, random) | ciphertext and tag.
What it is about (the file's name, the entry's id and lane) is bound in as associated data: sealed
bytes that are moved elsewhere do not open there. Subkeys come from HKDF-SHA256, so that the
watchlist and the residents never share one. Here: cryptography. Not here: where keys lie
(``agent.files.keys``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.core.errors import SealedError

MAGIC = b"GHS1"
KEY_BYTES = 32
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 8, 12, 16
_HEAD = len(MAGIC) + _ID_BYTES + _NONCE_BYTES
OVERHEAD = _HEAD + _TAG_BYTES


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key of this gate: 32 secret bytes, named by the beginning of their hash."""

    secret: bytes

    @property
    def id(self) -> str:
        """16 hex digits."""
        return hashlib.sha256(b"gatehouse key id\0" + self.secret).hexdigest()[: 2 * _ID_BYTES]

    def subkey(self, purpose: str) -> bytes:
        """The 32 bytes for one purpose."""
        info = b"gatehouse " + purpose.encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self.secret)

    def __repr__(self) -> str:
        """Never the secret."""
        return f"DataKey({self.id})"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys that open, by id; ``current`` is the one that seals."""

    current: DataKey
    known: Mapping[str, DataKey]


class Sealer:
    """Seals and opens for one purpose. Safe to use from several threads."""

    def __init__(self, ring: Callable[[], KeyRing], purpose: str) -> None:
        """*ring* tells the keys as they are now; it may raise StoreError."""
        self._ring = ring
        self._purpose = purpose
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, data: bytes, about: bytes, key_id: str | None = None) -> bytes:
        """*data* sealed, to be opened with the same *about*; under the current key or *key_id*."""
        ring = self._ring()
        key = ring.current if key_id is None else ring.known.get(key_id, ring.current)
        nonce = os.urandom(_NONCE_BYTES)
        body = self._cipher(key).encrypt(nonce, data, about)
        return MAGIC + bytes.fromhex(key.id) + nonce + body

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """What was sealed; SealedError when the key is not here or the bytes are not genuine."""
        key_id = key_of(sealed)
        if key_id is None:
            raise SealedError("is not sealed")
        key = self._ring().known.get(key_id)
        if key is None:
            raise SealedError(f"is sealed with key {key_id}, which is not here", key_id)
        nonce = sealed[_HEAD - _NONCE_BYTES : _HEAD]
        try:
            return self._cipher(key).decrypt(nonce, sealed[_HEAD:], about)
        except InvalidTag:
            raise SealedError("was altered, or is sealed for another place") from None

    def is_current(self, sealed: bytes) -> bool:
        """True when *sealed* is under the key that seals now."""
        return key_of(sealed) == self.current_id

    @property
    def current_id(self) -> str:
        """The id of the key that seals now."""
        return self._ring().current.id

    @property
    def known_ids(self) -> tuple[str, ...]:
        """The ids of all keys that open."""
        return tuple(self._ring().known)

    def _cipher(self, key: DataKey) -> AESGCM:
        cipher = self._ciphers.get(key.id)
        if cipher is None:
            cipher = self._ciphers[key.id] = AESGCM(key.subkey(self._purpose))
        return cipher


def key_of(data: bytes) -> str | None:
    """The id of the key that *data* is sealed with; None when it is no sealed value."""
    if len(data) < OVERHEAD or not data.startswith(MAGIC):
        return None
    return data[len(MAGIC) : len(MAGIC) + _ID_BYTES].hex()
