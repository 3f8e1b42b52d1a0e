"""Finds faces with YuNet: picture in, boxes with score and five landmarks out.

YuNet (Wu et al., Machine Intelligence Research 2023; weights of libfacedetection.train, Apache-2.0)
predicts, for every cell of 8, 16 and 32 px, a class, an objectness, a box and landmarks. The score
is the root of the product of the first two, as OpenCV's ``FaceDetectorYN`` has it. Not here: which
faces are good enough (``models.quality``), CenterFace (``models.detector``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.detector import BUDGET_PX, MIN_SCORE, MOST_PX, distinct, input_size, shrink
from models.normalise import Normalise
from models.sessions import Session, Tensor
from models.specs import DetectorSpec, Square
from models.values import Box, FoundFace, Image

_STRIDES = (8, 16, 32)
_WIDTHS = (1, 1, 4, 10)
_MOST_CELLS = 400
_LOG_SIZE_CAP = 8.0

_Floats = npt.NDArray[np.float64]


class YuNet:
    """YuNet on onnxruntime."""

    def __init__(self, session: Session, spec: DetectorSpec) -> None:
        self.session = session
        self._spec = spec
        self._normalise = Normalise(spec.colour, spec.mean, spec.scale)

    @property
    def square(self) -> Square:
        """Where dlib's landmarks are looked for in its boxes."""
        return self._spec.square

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """Faces in a BGR picture, best first. *budget* px bound the longest side looked at."""
        height, width = picture.shape[:2]
        size = input_size(width, height, budget)
        cells = _cells(self.maps(shrink(picture, size)), size)
        scores = cells[:, 0]
        boxes = np.clip(cells[:, 1:5], 0, np.array([*size, *size]))
        ratio = np.array([width / size[0], height / size[1]])
        marks = cells[:, 5:].reshape(-1, 5, 2) * ratio
        placed = boxes * np.tile(ratio, 2)
        return [
            FoundFace(Box(*placed[i].tolist()), float(scores[i]), marks[i])
            for i in distinct(boxes, scores)
        ]

    def maps(self, picture: Image) -> list[Tensor]:
        """The network's twelve maps for a BGR picture whose sides are multiples of 32.

        Classes, objectness, boxes and landmarks, each at three strides: (1, cells, 1|1|4|10).
        """
        rare = max(picture.shape[:2]) > MOST_PX
        outputs = self.session.run(self._normalise(picture[None]), rare=rare)
        cells = [picture.shape[0] // s * (picture.shape[1] // s) for s in _STRIDES]
        if [one.shape for one in outputs] != [(1, n, w) for w in _WIDTHS for n in cells]:
            raise PackError("the detector's outputs are not YuNet's; fetch the pack again")
        return outputs


def _cells(outputs: list[Tensor], size: tuple[int, int]) -> _Floats:
    """(n, 15) of cells above the score, best first: score, left, top, right, bottom, landmarks.

    On the network's input of (width, height) *size*.
    """
    found = []
    for level, stride in enumerate(_STRIDES):
        classes, objects, boxes, marks = (outputs[3 * kind + level][0] for kind in range(4))
        scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        (chosen,) = np.nonzero(scores > MIN_SCORE)
        found.append(_decoded(scores[chosen], boxes[chosen], marks[chosen], chosen, stride, size))
    cells = np.concatenate(found)
    return cells[np.argsort(-cells[:, 0], kind="stable")[:_MOST_CELLS]]


def _decoded(
    scores: Tensor,
    boxes: Tensor,
    marks: Tensor,
    chosen: npt.NDArray[np.intp],
    stride: int,
    size: tuple[int, int],
) -> _Floats:
    row, column = np.divmod(chosen, size[0] // stride)
    origin = np.stack([column, row], 1).astype(np.float64)
    middle = (origin + boxes[:, :2]) * stride
    reach = np.exp(np.minimum(boxes[:, 2:].astype(np.float64), _LOG_SIZE_CAP)) * stride / 2
    points = (marks.reshape(-1, 5, 2) + origin[:, None]) * stride
    parts: list[npt.NDArray[np.floating]] = [
        scores[:, None],
        middle - reach,
        middle + reach,
        points.reshape(-1, 10),
    ]
    return np.concatenate(parts, 1, dtype=np.float64)
