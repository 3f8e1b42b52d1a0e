"""The picture that goes with a lead: their surroundings, every other face made unrecognisable.

Here: pure work on pixels. Large faces are found by the detector and hidden; small, masked and cut
ones it misses, so everything but the lead's own head is coarsened as well. What leaves is what was
examined: the JPEG is decoded again and looked through at two sizes, and while any face but the
lead's own is found in it nothing is given out. Not here: whether a picture may be made at all
(``agent.vision.evidence``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from agent.core.errors import PhotoError
from contract.words import MAX_MESSAGE_BYTES
from models.values import Box, FoundFace, Image

Detect = Callable[[Image, int], list[FoundFace]]

# How far the picture reaches from the middle of the face, in its height: enough for a jacket and
# what is carried, and little of anybody else.
_BESIDE, _ABOVE, _BELOW = 2.5, 1.6, 4.4
_SAME = 0.4
_WITHIN = 0.8
# Room around a face that is hidden, in faces: hair, ears and chin, and a box that sits badly.
_ROOM = 0.4
# Of the lead's own head this much stays sharp around the box; outside it a face as large as theirs
# is five blocks wide.
_OWN_ROOM = 0.25
_BLOCKS_A_FACE = 5
_ROUNDS = 4
_LOOKS_PX, _STEP_PX = (320, 640), 32
_QUALITIES = (88, 75, 60, 45)


def picture_of(frame: Image, lead: Box, detect: Detect, longest_px: int) -> bytes:
    """JPEG of *lead* and what is around them in *frame* (BGR), every other face hidden.

    At most *longest_px* a side and 256 KiB, without metadata. *detect* finds faces in a picture
    that is at most so many pixels long to it. PhotoError saying why there is none: the lead is not
    found again, or another face still is.
    """
    picture, own = _around(frame, lead, longest_px)
    try:
        _hide(picture, _others(picture, own, detect))
        _coarsen(picture, own)
        for _ in range(_ROUNDS):
            jpeg = _encoded(picture)
            seen = _decoded(jpeg)
            left = _others(seen, own, detect)
            if not left:
                return jpeg
            _hide(picture, left)
    finally:
        picture.fill(0)
    raise PhotoError("another face is still found after the blur")


def _around(frame: Image, lead: Box, longest_px: int) -> tuple[Image, Box]:
    """A copy of the part of *frame*, at its size or smaller, and where the face lies in it."""
    height, width = frame.shape[:2]
    (x, y), face = lead.centre, max(lead.width, lead.height)
    left, right = max(round(x - _BESIDE * face), 0), min(round(x + _BESIDE * face), width)
    top, bottom = max(round(y - _ABOVE * face), 0), min(round(y + _BELOW * face), height)
    part = frame[top:bottom, left:right]
    if not part.size:
        raise PhotoError("the face lies outside the picture")
    scale = min(longest_px / max(part.shape[:2]), 1.0)
    size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
    picture = np.array(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    box = Box(lead.left - left, lead.top - top, lead.right - left, lead.bottom - top)
    return picture, Box(*(side * scale for side in (box.left, box.top, box.right, box.bottom)))


def _others(picture: Image, own: Box, detect: Detect) -> list[Box]:
    """Faces that are not the lead's; PhotoError when the lead's own is not among those found."""
    own_px = math.ceil(max(picture.shape[:2]) / _STEP_PX) * _STEP_PX
    looks = sorted({max(own_px, least) for least in _LOOKS_PX})
    found = [face.box for budget in looks for face in detect(picture, budget)]
    if not any(box.overlap(own) >= _SAME for box in found):
        raise PhotoError("the lead is not found in the picture")
    return [box for box in found if box.overlap(own) < _SAME and not _lies_within(box, own)]


def _lies_within(box: Box, own: Box) -> bool:
    """A part of the lead's own face, taken for a face."""
    wide = min(box.right, own.right) - max(box.left, own.left)
    high = min(box.bottom, own.bottom) - max(box.top, own.top)
    return wide > 0 and high > 0 and wide * high >= _WITHIN * box.width * box.height


def _hide(picture: Image, boxes: Sequence[Box]) -> None:
    """Leave of each box and its surroundings their mean colour, for good."""
    height, width = picture.shape[:2]
    for box in boxes:
        x, y = box.width * _ROOM, box.height * _ROOM
        left, right = max(math.floor(box.left - x), 0), min(math.ceil(box.right + x), width)
        top, bottom = max(math.floor(box.top - y), 0), min(math.ceil(box.bottom + y), height)
        part = picture[top:bottom, left:right]
        if part.size:
            part[:] = part.reshape(-1, 3).mean(0).astype(np.uint8)


def _coarsen(picture: Image, own: Box) -> None:
    """Leave of everything but the lead's own head a mosaic; smooth blots would look like faces."""
    height, width = picture.shape[:2]
    x, y = own.width * _OWN_ROOM, own.height * _OWN_ROOM
    rows = slice(max(math.floor(own.top - y), 0), math.ceil(own.bottom + y))
    columns = slice(max(math.floor(own.left - x), 0), math.ceil(own.right + x))
    head = picture[rows, columns].copy()
    block = max(own.short_side / _BLOCKS_A_FACE, 1.0)
    size = max(round(width / block), 1), max(round(height / block), 1)
    few = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    picture[:] = cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
    picture[rows, columns] = head
    head.fill(0)


def _encoded(picture: Image) -> bytes:
    """As good a JPEG as fits; it holds pixels and nothing about them."""
    for quality in _QUALITIES:
        made, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if made and jpeg.size <= MAX_MESSAGE_BYTES:
            return jpeg.tobytes()
    raise PhotoError(f"the picture does not fit into {MAX_MESSAGE_BYTES} bytes")


def _decoded(jpeg: bytes) -> Image:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise PhotoError("the picture cannot be read back")
    return np.asarray(picture, np.uint8)
