"""The reference backend: the calls that ``face_recognition`` makes, on dlib itself. Optional.

Slow (some twenty times) and the judge of ours: same detector (HOG, one upsampling), same 5-point
predictor, same network as ``face_encodings(image, model="small")``. The package is not imported:
importing it loads the 68-point predictor, whose licence excludes commercial use, and ends the
whole program with exit code 0 when its models are missing. Its model files are found, checked
against the pinned hashes and handed to dlib.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.core.errors import PackError
from models.chips import Geometry
from models.covering import covered_part
from models.detector import BUDGET_PX
from models.enrol import template_of
from models.manifest import Body, Metric, Thresholds, embedder_body
from models.quality import assess
from models.sessions import memory_file
from models.sources import Member, recipe
from models.values import Box, FoundFace, Image, ModelFile, Points, Probe, Vector

_HOW = (
    "; the backend face_recognition needs dlib and its models:"
    " pip install 'gatehouse[reference]', or set models.backend to onnx"
)
_UPSAMPLE = 1
_CHIP_PX = 150
_CHIP_PADDING = 0.25
# HOG answers with a margin, 0 at its limit and about 2 for a clear face; mapped onto 0.5 to 1.
_CLEAR_MARGIN = 2.0
_MODELS = "face_recognition_models"


def open_reference(models: Path | None = None) -> ReferenceEngine:
    """The engine over dlib; *models* is the folder of the ``.dat`` files, by default the package's.

    :class:`PackError` when dlib or a file is missing or not as pinned.
    """
    try:
        import dlib  # noqa: PLC0415 - optional
    except ImportError as error:
        raise PackError("dlib is not installed" + _HOW) from error
    folder = _package_folder() if models is None else models
    made = recipe("dlib")
    return ReferenceEngine(
        dlib,
        _checked(folder, made.members["dlib-landmarks"]),
        _checked(folder, made.members["dlib-resnet"]),
        embedder_body(made.body, made.name),
    )


def _package_folder() -> Path:
    """Where ``face_recognition_models`` keeps its files, without running any of its code."""
    found = importlib.util.find_spec(_MODELS)
    if found is None or not found.submodule_search_locations:
        raise PackError(f"{_MODELS} is not installed" + _HOW)
    return Path(found.submodule_search_locations[0]) / "models"


def _checked(folder: Path, member: Member) -> bytes:
    path = folder / Path(member.path).name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error.strerror})" + _HOW) from error
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise PackError(f"{path} is not the file that was pinned; install {_MODELS} again")
    return data


class ReferenceEngine:
    """dlib behind the interface of ``models.engine``; same templates, same thresholds."""

    def __init__(self, dlib: Any, landmarks: bytes, resnet: bytes, body: Body) -> None:
        self._dlib = dlib
        self._models = (
            ModelFile("aligner", "dlib-landmarks", hashlib.sha256(landmarks).hexdigest()),
            ModelFile("embedder", body.model_id, hashlib.sha256(resnet).hexdigest()),
        )
        self._body = body
        self._detector: Any = dlib.get_frontal_face_detector()
        with memory_file(landmarks) as path:
            self._predictor: Any = dlib.shape_predictor(path)
        with memory_file(resnet) as path:
            self._resnet: Any = dlib.face_recognition_model_v1(path)

    @property
    def model_id(self) -> str:
        """The pack's: same weights, same templates."""
        return self._body.model_id

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """Dlib's own files."""
        return self._models

    @property
    def dim(self) -> int:
        """128."""
        return self._body.embedder.dim

    @property
    def metric(self) -> Metric:
        """Euclidean."""
        return self._body.embedder.metric

    @property
    def review_only(self) -> bool:
        """The pack's."""
        return self._body.review_only

    @property
    def thresholds(self) -> Thresholds:
        """The pack's."""
        return self._body.thresholds

    @property
    def liveness(self) -> None:
        """Dlib has nothing for it."""
        return

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """HOG's faces, one upsampling; *budget* is ignored, as the original knows none."""
        del budget
        rgb = _rgb(picture)
        rects, margins, _ = self._detector.run(rgb, _UPSAMPLE, 0.0)
        return [self._found(rgb, rect, margin) for rect, margin in zip(rects, margins, strict=True)]

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """Landmarks, chip and network of dlib."""
        vector = self._vector(self._chip(picture, face))
        height, width = picture.shape[:2]
        return Probe(vector, assess(face, width, height))

    def covered(self, picture: Image, face: FoundFace) -> str:
        """See ``models.covering``."""
        chip = self._chip(picture, face)
        return covered_part(chip, Geometry.DLIB_150, self._vector, self.metric)

    def _chip(self, picture: Image, face: FoundFace) -> Image:
        """Dlib's own, RGB."""
        rgb = _rgb(picture)
        shape = self._predictor(rgb, self._rectangle(face.box))
        chip = self._dlib.get_face_chip(rgb, shape, size=_CHIP_PX, padding=_CHIP_PADDING)
        return np.asarray(chip, np.uint8)

    def _vector(self, chip: Image) -> Vector:
        return np.array(self._resnet.compute_face_descriptor(chip), np.float32)

    def template(self, photo: bytes) -> Probe:
        """See ``models.enrol``."""
        return template_of(photo, self.detect, self.embed, self.covered)

    def _found(self, rgb: Image, rect: Any, margin: float) -> FoundFace:
        edges = rect.left(), rect.top(), rect.right() + 1, rect.bottom() + 1
        shape = self._predictor(rgb, rect)
        corners = np.array([(p.x, p.y) for p in shape.parts()], np.float64)
        score = 0.5 + min(max(margin / _CLEAR_MARGIN, 0.0), 1.0) / 2
        return FoundFace(Box(*map(float, edges)), score, _as_detector_marks(corners))

    def _rectangle(self, box: Box) -> Any:
        return self._dlib.rectangle(
            round(box.left), round(box.top), round(box.right) - 1, round(box.bottom) - 1
        )


def _as_detector_marks(corners: Points) -> Points:
    """Eyes, nose and mouth from dlib's five points, which know no mouth.

    It is put as far below the eyes as they are apart, the proportion of a face.
    """
    right, left, nose = corners[0:2].mean(0), corners[2:4].mean(0), corners[4]
    eyes = (left + right) / 2
    down = np.array([-(right - left)[1], (right - left)[0]])
    mouth = eyes + down
    half = (right - left) * 0.4
    return np.stack([left, right, nose, mouth - half, mouth + half])


def _rgb(picture: Image) -> Image:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
