"""The working parts of a loaded pack: what computes, role by role."""

from __future__ import annotations

from dataclasses import dataclass

from models.aligner import Aligner
from models.chips import cut
from models.detector import CENTERFACE_SQUARE, FaceDetector
from models.embedder import Embedder, Measured
from models.livenet import LivenessNet
from models.manifest import EmbedderSpec
from models.platenet import PlateNet
from models.specs import Square
from models.values import FoundFace, Image, Points, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """An embedder pack's parts; ``detector`` where it carries one of its own."""

    detector: FaceDetector | None
    aligner: Aligner | None
    embedder: Embedder
    spec: EmbedderSpec

    def points(self, picture: Image, face: FoundFace, lies: Square = CENTERFACE_SQUARE) -> Points:
        """The landmarks that chips are cut by; *lies*: the ``square`` of the face's detector."""
        if self.aligner is None:
            return face.landmarks
        return self.aligner.find(picture, face.box, lies)

    def vector(self, picture: Image, points: Points) -> Vector:
        """The template of the face with these landmarks."""
        return self.embedder.embed(cut(picture, points, self.spec.geometry))

    def measured(self, picture: Image, points: Points) -> Measured:
        """The same, with what the network's answer says of its worth."""
        return self.embedder.measure(cut(picture, points, self.spec.geometry))


AnyParts = Parts | FaceDetector | LivenessNet | PlateNet
