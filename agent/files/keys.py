"""The gate's data keys: which one seals, which still open, and how one takes over from another.

With a systemd credential (``gatehouse-key`` in $CREDENTIALS_DIRECTORY) every key's file is wrapped
by it and is worth nothing without; otherwise whoever reads the files reads the data.

Rotation is one more key: it seals from then on, the stores seal anew what they hold, each says
that it is done, and then the older keys are destroyed. The same way a first start seals what was
plain, a new credential takes over, and a rotation that was broken off goes on: what is not done is
done after the next start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Collection
from pathlib import Path

from agent.core.errors import SealedError, StoreError
from agent.files.key_file import (
    PREFIX,
    Credentials,
    HeldKey,
    destroy_drafts,
    destroy_key,
    number_of,
    path_for,
    read_key,
    write_key,
)
from agent.files.sealed import KEY_BYTES, DataKey, KeyRing, Sealer


class Keys:
    """The keys of one folder. Safe to use from several threads."""

    def __init__(
        self,
        folder: Path,
        stores: Collection[str],
        credentials: Credentials,
        *,
        read_only: bool = False,
    ) -> None:
        """*stores*: the names of those that have to be done before an older key may end.

        *read_only*: keys are neither made nor ended, and what is there only opens.
        """
        self._folder = folder
        self._stores = frozenset(stores)
        self._credentials = credentials
        self._read_only = read_only
        self._lock = threading.RLock()
        self._held: list[HeldKey] = []
        self._ring: KeyRing | None = None
        self.unopened: tuple[str, ...] = ()

    def load(self) -> None:
        """Read all keys and make the first one; StoreError when there is none in the end.

        Files that cannot be opened stay where they are and are named in ``unopened``.
        """
        with self._lock:
            self._read()
            if self._read_only:
                return
            destroy_drafts(self._folder)
            if not self._held:
                self.rotate()
            elif not self.pending and self.wrapped != (self._credentials.now is not None):
                with contextlib.suppress(StoreError):  # the next start tries again
                    self.rotate()
            self._end_older()

    @property
    def credentials(self) -> Credentials:
        """What wraps the keys: another folder's may be wrapped by the same."""
        return self._credentials

    def ring(self) -> KeyRing:
        """The keys as they are now; StoreError when there is none and none can be made."""
        if self._ring is None:
            self.load()
        if self._ring is None:
            raise StoreError(f"{self._folder} holds no key")
        return self._ring

    def sealer(self, purpose: str) -> Sealer:
        """Seals for one purpose with whatever key is the current one then."""
        return Sealer(self.ring, purpose)

    def rotate(self) -> str:
        """Make a new key, durably, that seals from now on; its id. StoreError when it cannot be."""
        with self._lock:
            number = max([number_of(path) for path in self._files()], default=0) + 1
            key = DataKey(os.urandom(KEY_BYTES))
            path = path_for(self._folder, number, key)
            held = HeldKey(path, key, frozenset(), self._credentials.now is not None)
            write_key(held, self._credentials)
            self._hold([*self._held, held])
            return key.id

    def is_done(self, store: str) -> bool:
        """True when everything in *store* is sealed with the current key."""
        return bool(self._held) and store in self._held[-1].done

    def done(self, store: str, key_id: str) -> bool:
        """Note that *store* is wholly sealed with *key_id*; StoreError when that cannot be kept.

        True when it was the last one and the older keys are destroyed now. Nothing happens when
        another key has become the current one meanwhile.
        """
        with self._lock:
            if not self._held or self.is_done(store) or self._held[-1].key.id != key_id:
                return False
            *older, now = self._held
            now = dataclasses.replace(now, done=now.done | {store})
            write_key(now, self._credentials)
            self._hold([*older, now])
            return self._end_older()

    @property
    def pending(self) -> frozenset[str]:
        """Stores that are not wholly sealed with the current key yet."""
        return self._stores - (self._held[-1].done if self._held else frozenset())

    @property
    def wrapped(self) -> bool:
        """True when a credential of the service manager protects the current key."""
        return bool(self._held) and self._held[-1].wrapped

    def _read(self) -> None:
        held, unopened = [], []
        for path in self._files():
            try:
                held.append(read_key(path, self._credentials))
            except SealedError:
                unopened.append(path.name)
            except OSError as error:
                raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        self.unopened = tuple(unopened)
        self._hold(sorted(held, key=lambda one: one.number))

    def _end_older(self) -> bool:
        """Destroy the keys that nothing is sealed with any more; True when all of them went."""
        *older, now = self._held
        if not older or not now.done >= self._stores:
            return False
        left = [held for held in older if not destroy_key(held.path)]
        self._hold([*left, now])
        return not left

    def _hold(self, held: list[HeldKey]) -> None:
        self._held = held
        if held:
            self._ring = KeyRing(held[-1].key, {one.key.id: one.key for one in held})

    def _files(self) -> list[Path]:
        try:
            if not self._read_only:
                self._folder.mkdir(mode=0o700, exist_ok=True)
            found = sorted(self._folder.iterdir())
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be used: {error.strerror}") from error
        return [path for path in found if path.name.startswith(PREFIX)]
