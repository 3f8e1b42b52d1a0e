from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import PhotoError
from models import pictures
from models.photo import MOST_BYTES, PhotoFault, decode, size_of
from models.values import Image

PICTURE = pictures.gradient(60, 90)


def encoded(picture: Image, suffix: str) -> bytes:
    return cv2.imencode(suffix, picture)[1].tobytes()


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def jpeg_header(width: int, height: int, marker: int = 0xC0) -> bytes:
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3)
    return b"\xff\xd8" + app + b"\xff" + bytes([marker]) + frame + bytes(9)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_photos_are_decoded(suffix: str) -> None:
    data = encoded(PICTURE, suffix)
    assert size_of(data) == (90, 60)
    assert np.abs(decode(data).astype(int) - PICTURE).mean() < 6


def test_a_transparent_picture_is_a_picture() -> None:
    with_alpha = np.dstack([PICTURE, np.full((60, 90), 128, np.uint8)])
    np.testing.assert_array_equal(decode(encoded(with_alpha, ".png")), PICTURE)


def test_a_photo_taken_upright_is_turned_upright() -> None:
    jpeg = encoded(PICTURE, ".jpg")
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, 6, 0) + bytes(4)
    exif = b"Exif\0\0" + tiff
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    assert decode(turned).shape == (90, 60, 3)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", PhotoFault.UNREADABLE),
        (b"GIF89a" + bytes(50), PhotoFault.UNREADABLE),
        (png_header(5000, 5000), PhotoFault.TOO_LARGE),
        (png_header(2**31 - 1, 2**31 - 1), PhotoFault.TOO_LARGE),
        (jpeg_header(4000, 3000), PhotoFault.TOO_LARGE),
        (jpeg_header(65_000, 65_000, 0xC2), PhotoFault.TOO_LARGE),
        (png_header(0, 10), PhotoFault.UNREADABLE),
        (png_header(90, 60), PhotoFault.UNREADABLE),
        (jpeg_header(90, 60), PhotoFault.UNREADABLE),
        (b"\xff\xd8\xff" + bytes(40), PhotoFault.UNREADABLE),
        (encoded(PICTURE, ".png")[:200], PhotoFault.UNREADABLE),
        (b"\xff\xd8\xff\xe0" + bytes(MOST_BYTES), PhotoFault.TOO_LARGE),
    ],
)
def test_a_refusal_starts_with_its_word(data: bytes, fault: PhotoFault) -> None:
    with pytest.raises(PhotoError) as caught:
        decode(data)
    assert str(caught.value).startswith(f"{fault.value}: ")


@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]), st.binary(max_size=300))
def test_any_bytes_are_refused_or_decoded(start: bytes, data: bytes) -> None:
    try:
        picture = decode(start + data)
    except PhotoError:
        return
    assert picture.ndim == 3


@given(st.integers(2, 2000), st.integers(0, 255))
def test_a_spoilt_photo_never_ends_in_another_error(at: int, value: int) -> None:
    data = encoded(PICTURE, ".jpg")
    at %= len(data)
    try:
        decode(data[:at] + bytes([value]) + data[at + 1 :])
    except PhotoError:
        return
