"""The one door to face work: find faces in a picture, make templates of them, enrol photos.

Here: the interface and the engine that runs a verified pack. Not here: tracking and deciding
(``models.tracker``, ``models.matcher``), which need no network; dlib (``models.reference``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2

from agent.config.schema.vision import Models
from agent.core.errors import PackError
from models.chips import cut
from models.covering import covered_part
from models.detector import BUDGET_PX
from models.enrol import template_of
from models.manifest import Manifest, Metric, Thresholds
from models.packs import Pack, load_pack, models_dir
from models.quality import assess
from models.values import FoundFace, Image, ModelFile, Probe


class FaceEngine(Protocol):
    """Finds and embeds faces. Not thread-safe; one thread of work at a time."""

    @property
    def model_id(self) -> str:
        """Name and weights of the embedder; templates of another id cannot be compared."""

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """The models it computes with."""

    @property
    def dim(self) -> int:
        """Length of a template."""

    @property
    def metric(self) -> Metric:
        """How templates are compared."""

    @property
    def review_only(self) -> bool:
        """True when every lead of this pack needs a person's review before anything happens."""

    @property
    def thresholds(self) -> Thresholds:
        """The pack's thresholds for its metric."""

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """Faces in a BGR picture, best first; *budget* px bound the longest side looked at."""

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """The template of a face found in *picture*, with its quality; PackError if impossible."""

    def template(self, photo: bytes) -> Probe:
        """The template of the one face in a JPEG or PNG; PhotoError saying why not."""


class PackEngine:
    """Runs a pack on onnxruntime."""

    def __init__(self, pack: Pack) -> None:
        self._parts = pack.parts
        self._body = pack.manifest.body
        self._models = model_files(pack.manifest)

    @property
    def model_id(self) -> str:
        """As in the manifest."""
        return self._body.model_id

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """As in the manifest."""
        return self._models

    @property
    def dim(self) -> int:
        """As in the manifest."""
        return self._body.embedder.dim

    @property
    def metric(self) -> Metric:
        """As in the manifest."""
        return self._body.embedder.metric

    @property
    def review_only(self) -> bool:
        """As in the manifest."""
        return self._body.review_only

    @property
    def thresholds(self) -> Thresholds:
        """As in the manifest."""
        return self._body.thresholds

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """CenterFace's faces."""
        return self._parts.detector.detect(picture, budget)

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """Landmarks, chip, network."""
        points = self._parts.points(picture, face)
        height, width = picture.shape[:2]
        made = self._parts.measured(picture, points)
        quality = assess(face, width, height)
        return Probe(made.vector, quality, made.norm, made.agreement)

    def template(self, photo: bytes) -> Probe:
        """See ``models.enrol``."""
        return template_of(photo, self.detect, self.embed, self.covered)

    def covered(self, picture: Image, face: FoundFace) -> str:
        """See ``models.covering``."""
        parts, spec = self._parts, self._body.embedder
        chip = cut(picture, parts.points(picture, face), spec.geometry)
        return covered_part(chip, spec.geometry, parts.embedder.embed, spec.metric)


def model_files(manifest: Manifest) -> tuple[ModelFile, ...]:
    """The models of a pack; the embedder bears the pack's ``model_id``."""
    found = []
    for file in manifest.files:
        if file.role in ("detector", "aligner", "embedder"):
            own = f"{manifest.body.name}-{file.role}@{file.sha256[:8]}"
            model_id = manifest.body.model_id if file.role == "embedder" else own
            found.append(ModelFile(file.role, model_id, file.sha256))
    return tuple(found)


def open_engine(models: Models, pack_name: str) -> FaceEngine:
    """The engine that the configuration asks for; :class:`PackError` says what to do."""
    cv2.setNumThreads(1)
    folder = models_dir(models.dir)
    if models.backend == "face_recognition":
        return _reference(pack_name)
    return PackEngine(load_pack(folder, pack_name, models.threads))


def open_pack(folder: Path, pack_name: str, threads: int = 1) -> PackEngine:
    """The engine of a pack in *folder*, whatever the configuration says."""
    cv2.setNumThreads(1)
    return PackEngine(load_pack(folder, pack_name, threads))


def _reference(pack_name: str) -> FaceEngine:
    if pack_name != "dlib":
        raise PackError(
            f"models.backend face_recognition computes with dlib's weights; it cannot run the pack"
            f" {pack_name!r}. Set faces.pack to dlib or models.backend to onnx"
        )
    from models.reference import open_reference  # noqa: PLC0415 - needs an optional package

    return open_reference()
