"""Photos from outside: any bytes are a picture of at most 4 megapixels or a refusal, in little."""

from __future__ import annotations

import resource
import struct
import time
import zlib

import cv2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.errors import PhotoError
from models import pictures
from models.photo import MOST_PIXELS, decode
from tests.support.mutations import mutated

PICTURE = pictures.gradient(60, 90)
KINDS = (".jpg", ".png")
PHOTOS = [cv2.imencode(kind, PICTURE)[1].tobytes() for kind in KINDS]
PHOTOS.append(cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes())
LONGEST_S = 10.0
MOST_GROWN_KB = 256 * 1024
SIZES = st.integers(0, 1 << 16) | st.sampled_from([0, 1, 1999, 2000, 2001, 0xFFFF, 0x7FFFFFFF])
COUNTS = pytest.mark.parametrize(
    "count", [300, pytest.param(50_000, marks=pytest.mark.soak)], ids=["short", "soak"]
)


def fits(data: bytes) -> None:
    """Decode *data*: a picture within the bound, or a refusal."""
    try:
        picture = decode(data)
    except PhotoError:
        return
    assert picture.shape[0] * picture.shape[1] <= MOST_PIXELS


def png(width: int, height: int, lines: bytes) -> bytes:
    """A PNG that claims that size and holds *lines*, with sums that are right."""
    head = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def resized(jpeg: bytes, width: int, height: int, marker: bytes = b"\xff\xc0") -> bytes:
    """The same JPEG with another size in its frame header."""
    at = jpeg.index(marker) + 5
    return jpeg[:at] + struct.pack(">HH", height & 0xFFFF, width & 0xFFFF) + jpeg[at + 4 :]


@COUNTS
def test_changed_photos_are_pictures_or_refused(count: int) -> None:
    before_kb, slowest_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0.0

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(PHOTOS))
    def holds(data: bytes) -> None:
        nonlocal slowest_s
        began_s = time.monotonic()
        fits(data)
        slowest_s = max(slowest_s, time.monotonic() - began_s)

    holds()
    assert slowest_s < LONGEST_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MOST_GROWN_KB


@settings(max_examples=150, deadline=None)
@given(SIZES, SIZES, st.binary(max_size=2_000))
def test_whatever_size_a_header_claims(width: int, height: int, lines: bytes) -> None:
    fits(png(width, height, lines))
    fits(resized(PHOTOS[0], width, height))
    fits(resized(PHOTOS[2], width, height, b"\xff\xc2"))


def test_a_small_file_that_unfolds_to_gigabytes_is_refused_unopened() -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb = png(60_000, 60_000, bytes(8 * 1024 * 1024))
    assert len(bomb) < 20_000
    with pytest.raises(PhotoError, match="too-large"):
        decode(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 64 * 1024


def test_a_second_frame_header_does_not_make_a_larger_picture() -> None:
    """Sizes are read from the first one; a decoder that took the second would not ask us."""
    jpeg = PHOTOS[0]
    at = jpeg.index(b"\xff\xc0")
    length = int.from_bytes(jpeg[at + 2 : at + 4], "big") + 2
    frame = jpeg[at : at + length]
    fits(jpeg[:at] + frame + resized(frame, 60_000, 60_000) + jpeg[at + length :])
    fits(jpeg + resized(jpeg, 60_000, 60_000))
