"""Makes ``golden/NAME.json`` of an int8 form anew, with other code than ours. Not run-time.

``python -m models.make_golden_int8 NAME PACKS``; PACKS is a folder with the pack that it is the
form of. Its network is computed by the evaluator of the ONNX project, node by node in numpy; chips
are cut as the other golden answers' are (``models.oracles``, and dlib itself for ``dlib``). What is
not the network's, detector and landmarks, keeps the answers of the pack.
Tolerances: kernels that merge nodes round some values the other way, and that goes through the
network. With ``mobilefacenet`` this moves a template by up to 0.12 of drawn noise and 0.08 of drawn
faces; ``dlib`` is the same but for chips that differ in a pixel's rounding, which is 0.04.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator

from models import pictures
from models.licences import shipped
from models.manifest import EmbedderSpec, embedder_body
from models.oracles import aligned_chip, unit_template
from models.packs import read_pack
from models.quantize import parse_ranges, quantize
from models.selftest import ChainSample, Floats, VectorSample, parse_golden
from models.sources import recipe

# Of drawn chips and of drawn faces, by the metric.
_TOLERANCES = {"cosine": (0.2, 0.12), "euclidean": (0.03, 0.05)}


@dataclass(slots=True)
class _Evaluator:
    """ONNX's own evaluator behind the calls of an OpenCV network."""

    evaluator: Any
    batch: Any = None

    def setInput(self, batch: npt.NDArray[np.float32]) -> None:  # noqa: N802 - OpenCV's name
        """What the next answer is for."""
        self.batch = batch

    def forward(self) -> Any:
        """The answer."""
        return self.evaluator.run(None, {self.evaluator.input_names[0]: self.batch})[0]


def main() -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="which int8 form")
    parser.add_argument("packs", type=Path, help="where the pack of it lies")
    options = parser.parse_args()
    of = recipe(options.name, golden=False).int8_of
    manifest, contents = read_pack(options.packs, of)
    where = f"ranges_{of}.json"
    network = contents[manifest.file("embedder").path]
    form = quantize(network, parse_ranges(shipped(where), where))
    net = _Evaluator(ReferenceEvaluator(onnx.load_model_from_string(form)))
    spec = embedder_body(manifest.body, of).embedder
    given = parse_golden(recipe(of).golden)
    drawn, faces = _TOLERANCES[spec.metric]
    answers = replace(
        given,
        made_with=f"onnx {onnx.__version__}, its evaluator; of all else {given.made_with}",
        vectors=tuple(
            VectorSample(one.picture, _template(net, spec, pictures.picture(one.picture)), drawn)
            for one in given.vectors
        ),
        chains=tuple(
            replace(one, vector=_template(net, spec, _chip(spec, one)), tolerance=faces)
            for one in given.chains
        ),
    )
    kept = {kind: found for kind, found in asdict(answers).items() if found}
    out = Path(__file__).parent / "golden" / f"{options.name}.json"
    out.write_text(json.dumps(kept, separators=(",", ":")) + "\n", "utf-8")
    return 0


def _template(net: _Evaluator, spec: EmbedderSpec, chip: npt.NDArray[np.uint8]) -> Floats:
    if spec.metric == "cosine":
        return unit_template(net, spec, chip)
    net.setInput(chip[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32))
    return tuple(round(float(value), 6) for value in net.forward()[0])


def _chip(spec: EmbedderSpec, face: ChainSample) -> npt.NDArray[np.uint8]:
    picture = pictures.picture(face.picture)
    if spec.metric == "cosine":
        return aligned_chip(picture, face.landmarks)
    import dlib  # noqa: PLC0415 - an oracle, not a dependency

    rgb = np.ascontiguousarray(picture[:, :, ::-1])
    points = [dlib.point(round(x), round(y)) for x, y in face.landmarks]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 1, 1), points)
    chip = dlib.get_face_chip(rgb, shape, size=150, padding=0.25)
    return cv2.cvtColor(np.asarray(chip, np.uint8), cv2.COLOR_RGB2BGR).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
