"""A gate's identity on its disk: made once, replaced whole, readable by nobody else.

::

    gate.pem            key and certificate in one file, so that both change at once
    ca.pem              the station's authority: whom the gate trusts
    trusted-keys.json   the station's role keys: whose commands it obeys
    previous.pem        gate.pem as it was before the last renewal
    next.pem            a renewed one that the station has not confirmed yet
    pending.key .csr    made by 'gatehouse init', until 'gatehouse join' has the certificate
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.errors import ConfigError
from agent.files.atomic import sync_folder, write_atomic


@dataclass(frozen=True, slots=True)
class IdentityFolder:
    """Paths, and the writes that keep them whole. ``name`` is the file of certificate and key."""

    folder: Path
    name: str = "gate.pem"

    @property
    def gate(self) -> Path:
        """The gate's certificate and key."""
        return self.folder / self.name

    @property
    def previous(self) -> Path:
        """The same before the last renewal."""
        return self.folder / "previous.pem"

    @property
    def next(self) -> Path:
        """A certificate and key that are not in use yet."""
        return self.folder / "next.pem"

    @property
    def authority(self) -> Path:
        """The station's CA."""
        return self.folder / "ca.pem"

    @property
    def trusted_keys(self) -> Path:
        """The station's role keys."""
        return self.folder / "trusted-keys.json"

    @property
    def pending_key(self) -> Path:
        """The key that has no certificate yet."""
        return self.folder / "pending.key"

    @property
    def pending_request(self) -> Path:
        """Its certificate request."""
        return self.folder / "pending.csr"

    def prepare(self) -> None:
        """Make the folder, for its owner only; ConfigError when that cannot be."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{self.folder} cannot be made: {error.strerror}. Are you root?"
            ) from error

    def keep_pending(self, key: bytes, request: bytes) -> None:
        """Keep a new key and its request."""
        self._write(self.pending_key, key)
        self._write(self.pending_request, request)

    def draft(self, key: bytes, certificate: bytes) -> None:
        """Keep another key and certificate, to be tried."""
        self._write(self.next, certificate.rstrip() + b"\n" + key)

    def adopt_draft(self) -> None:
        """Use the draft from now on, at once; the last one is kept as previous."""
        if self.gate.exists():
            self._write(self.previous, self.read(self.gate))
        try:
            self.next.replace(self.gate)
            sync_folder(self.folder)
        except OSError as error:
            raise ConfigError(f"{self.gate} cannot be written: {error.strerror}") from error

    def go_back(self) -> None:
        """Use the previous key and certificate again; ConfigError when there is none."""
        self._write(self.gate, self.read(self.previous))

    def settle(self, authority: str, trusted_keys: Mapping[str, Any]) -> None:
        """Keep whom to trust."""
        self._write(self.authority, authority.encode())
        text = json.dumps(trusted_keys, indent=2)
        self._write(self.trusted_keys, f"{text}\n".encode())

    def forget_pending(self) -> None:
        """The pending key is in use."""
        for path in (self.pending_key, self.pending_request):
            path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def read(self, path: Path) -> bytes:
        """A file of this folder; ConfigError when it cannot be read or is open to others."""
        try:
            if path.stat().st_mode & 0o077:
                raise ConfigError(f"{path} is open to others; close it with 'chmod 600 {path}'")
            return path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error

    def hand_over(self) -> None:
        """Made by root in somebody's folder: let it be theirs, who have to use and renew it."""
        if os.geteuid() != 0:
            return
        owner = self.folder.parent.stat()
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, owner.st_uid, owner.st_gid)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_atomic(path, data, mode=0o600)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
