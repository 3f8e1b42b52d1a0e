"""Decodes photos that came from outside: JPEG and PNG only, sizes known before a pixel is.

Here: bounds, kinds, decoding, and the words for why a photo is refused. Not here: faces.
The header's size is read first, so a small file that unfolds to gigabytes is refused unopened.
"""

from __future__ import annotations

import struct
from enum import StrEnum

import cv2
import numpy as np

from agent.core.errors import PhotoError
from models.values import Image

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 4_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
# Start-of-frame markers, ITU-T T.81 table B.1: all but DHT (C4), JPG (C8) and DAC (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class PhotoFault(StrEnum):
    """Why a photo cannot become a template; the first word of the error's text."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    NO_FACE = "no-face"
    TWO_FACES = "two-faces"
    TOO_SMALL = "too-small"
    TURNED = "turned"
    UNCLEAR = "unclear"
    BLURRED = "blurred"
    COVERED = "covered"
    SAME_PERSON = "same-person"


def refused(fault: PhotoFault, detail: str) -> PhotoError:
    """The error for *fault*: its word, then what to do."""
    return PhotoError(f"{fault.value}: {detail}")


def decode(data: bytes) -> Image:
    """The BGR picture in a JPEG or PNG, turned upright by its EXIF; :class:`PhotoError` if none."""
    if len(data) > MOST_BYTES:
        raise refused(
            PhotoFault.TOO_LARGE,
            f"{len(data) / 1e6:.1f} MB, at most {MOST_BYTES / 1e6:.1f}; save it smaller",
        )
    width, height = size_of(data)
    if width * height > MOST_PIXELS:
        raise refused(
            PhotoFault.TOO_LARGE,
            f"{width}x{height} px, at most {MOST_PIXELS / 1e6:.0f} megapixels; crop or shrink it",
        )
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise refused(PhotoFault.UNREADABLE, "the picture is damaged") from error
    if picture is None or picture.size == 0:
        raise refused(PhotoFault.UNREADABLE, "the picture is damaged")
    if picture.shape[0] * picture.shape[1] > MOST_PIXELS:
        raise refused(PhotoFault.TOO_LARGE, "its header tells another size than it has")
    return np.ascontiguousarray(picture, np.uint8)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height by the header; :class:`PhotoError` when it is neither JPEG nor PNG."""
    if data.startswith(_PNG):
        size = _png_size(data)
    elif data.startswith(b"\xff\xd8\xff"):
        size = _jpeg_size(data)
    else:
        raise refused(PhotoFault.UNREADABLE, "neither JPEG nor PNG")
    if size is None or min(size) < 1:
        raise refused(PhotoFault.UNREADABLE, "its header is damaged")
    return size


def _png_size(data: bytes) -> tuple[int, int] | None:
    """IHDR comes first, PNG (third edition) 11.2.1."""
    if len(data) < 24 or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The frame header's, T.81 B.2.2."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            return None
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return int(width), int(height)
        at += 2 + length
    return None
