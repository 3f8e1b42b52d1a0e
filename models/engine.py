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
from models.detector import BUDGET_PX, FaceDetector
from models.enrol import template_of
from models.manifest import Manifest, Metric, Thresholds
from models.packs import (
    DetectorPack,
    LivenessPack,
    Pack,
    load_detector,
    load_liveness,
    load_pack,
    models_dir,
)
from models.quality import assess
from models.settle import settle
from models.values import FoundFace, Image, ModelFile, Probe
from models.yunet import YuNet

YUNET = "yunet"
CENTERFACE = "dlib"


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

    @property
    def liveness(self) -> LivenessPack | None:
        """What tells live faces from prints, if anything does."""

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """Faces in a BGR picture, best first; *budget* px bound the longest side looked at."""

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """The template of a face found in *picture*, with its quality; PackError if impossible."""

    def template(self, photo: bytes) -> Probe:
        """The template of the one face in a JPEG or PNG; PhotoError saying why not."""


class PackEngine:
    """Runs a pack on onnxruntime."""

    def __init__(
        self,
        pack: Pack,
        detector: DetectorPack | None = None,
        liveness: LivenessPack | None = None,
    ) -> None:
        """*detector* finds the faces instead of the pack's own; PackError when there is neither."""
        self._parts = pack.parts
        self._body = pack.body
        self._detector = _one_of(pack, detector)
        self._liveness = liveness
        if liveness is not None and not isinstance(self._detector, YuNet):
            raise PackError(
                f"the pack {liveness.body.name!r} judges boxes of YuNet alone: set faces.detector"
                " to a pack of that kind, or faces.liveness to none"
            )
        others = [one.manifest for one in (detector, liveness) if one is not None]
        self._models = model_files(pack.manifest, *others)

    @property
    def model_id(self) -> str:
        """As in the manifest."""
        return self._body.model_id

    @property
    def models(self) -> tuple[ModelFile, ...]:
        """As in the manifest."""
        return self._models

    @property
    def detector_id(self) -> str:
        """Name and weights of the network that finds the faces."""
        return next(one.model_id for one in self._models if one.role == "detector")

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

    @property
    def liveness(self) -> LivenessPack | None:
        """The pack named under ``faces.liveness``."""
        return self._liveness

    def detect(self, picture: Image, budget: int = BUDGET_PX) -> list[FoundFace]:
        """The detector's faces."""
        return self._detector.detect(picture, budget)

    def embed(self, picture: Image, face: FoundFace) -> Probe:
        """Landmarks, chip, network. Without an aligner the detector's landmarks are settled."""
        settled = face if self._parts.aligner else settle(self.detect, picture, face)
        points = self._parts.points(picture, settled, self._detector.square)
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
        chip = cut(picture, parts.points(picture, face, self._detector.square), spec.geometry)
        return covered_part(chip, spec.geometry, parts.embedder.embed, spec.metric)


def _one_of(pack: Pack, detector: DetectorPack | None) -> FaceDetector:
    if detector is not None:
        return detector.detector
    if pack.parts.detector is None:
        raise PackError(
            f"the pack {pack.body.name!r} carries no detector: run 'gatehouse models fetch"
            f" {YUNET}' or name a detector's pack under faces.detector"
        )
    return pack.parts.detector


def model_files(pack: Manifest, *others: Manifest) -> tuple[ModelFile, ...]:
    """What is computed with: the embedder's pack, and of each other pack what it was named for.

    A detector from another pack stands in place of the pack's own. The embedder bears the pack's
    ``model_id``.
    """
    found: dict[str, list[ModelFile]] = {}
    for manifest in (pack, *others):
        own = {"detector", "aligner", "embedder"} if manifest is pack else {"detector", "liveness"}
        fresh: dict[str, list[ModelFile]] = {}
        for file in manifest.files:
            if file.role in own:
                name = f"{manifest.body.name}-{file.role}@{file.sha256[:8]}"
                model_id = manifest.body.model_id if file.role == "embedder" else name
                fresh.setdefault(file.role, []).append(ModelFile(file.role, model_id, file.sha256))
        found |= fresh
    return tuple(one for files in found.values() for one in files)


def open_engine(
    models: Models, pack_name: str, detector: str | None = None, liveness: str | None = None
) -> FaceEngine:
    """The engine that the configuration asks for; :class:`PackError` says what to do."""
    if models.backend == "face_recognition":
        cv2.setNumThreads(1)
        return _reference(pack_name)
    return open_pack(models_dir(models.dir), pack_name, models.threads, detector, liveness)


def open_pack(
    folder: Path,
    pack_name: str,
    threads: int = 1,
    detector: str | None = None,
    liveness: str | None = None,
) -> PackEngine:
    """The engine of packs in *folder*, whatever the configuration says.

    Without *detector*: the pack's own; without one CenterFace of the pack ``dlib``, with which the
    shipped thresholds were measured, else YuNet. With *liveness* YuNet, whose boxes that needs.
    """
    cv2.setNumThreads(1)
    pack = load_pack(folder, pack_name, threads)
    name = detector or _default_detector(folder, pack, liveness)
    return PackEngine(
        pack,
        None if name == pack_name else load_detector(folder, name, threads),
        None if liveness is None else load_liveness(folder, liveness, threads),
    )


def _default_detector(folder: Path, pack: Pack, liveness: str | None) -> str:
    if liveness is not None:
        return YUNET
    if pack.parts.detector is not None:
        return pack.body.name
    found = [name for name in (CENTERFACE, YUNET) if (folder / name).is_dir()]
    return found[0] if found else pack.body.name


def _reference(pack_name: str) -> FaceEngine:
    if pack_name != "dlib":
        raise PackError(
            f"models.backend face_recognition computes with dlib's weights; it cannot run the pack"
            f" {pack_name!r}. Set faces.pack to dlib or models.backend to onnx"
        )
    from models.reference import open_reference  # noqa: PLC0415 - needs an optional package

    return open_reference()
