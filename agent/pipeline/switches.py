"""Switches that the station moved and that hold over a restart: one small file.

A file that cannot be read counts as the careful choice: faces off.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.core.errors import StoreError
from agent.files.atomic import write_atomic

log = logging.getLogger(__name__)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    face_off: bool


class Switches:
    """What the station switched, in memory and on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.face_off = False
        self.damaged = False
        try:
            self.face_off = _File.model_validate_json(path.read_bytes()).face_off
        except FileNotFoundError:
            pass
        except (OSError, ValidationError):
            log.exception("%s is damaged; faces stay off until the station says otherwise", path)
            self.face_off = self.damaged = True

    def set_face_off(self, *, off: bool) -> None:
        """Store it durably; StoreError when the disk refuses, and then nothing changed."""
        try:
            write_atomic(self._path, json.dumps({"face_off": off}).encode())
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error}") from error
        self.face_off, self.damaged = off, False
