"""What a photo, or the template of one, would look like wherever a copy of it lay."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from models.values import Vector

_PART = 48
_PARTS = 16


def parts_of(path: Path) -> list[bytes]:
    """Pieces of a photo's file, from where its pixels are."""
    data = path.read_bytes()
    return [data[at : at + _PART] for at in range(1024, len(data) - _PART, len(data) // _PARTS)]


def forms_of(vector: Vector) -> list[bytes]:
    """A template as it could lie somewhere: as bytes, as text, in hex."""
    row = np.asarray(vector, "<f4").tobytes()
    return [row[64:128], base64.b64encode(row)[80:160], row[64:128].hex().encode()]
