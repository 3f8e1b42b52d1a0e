"""Makes ``ranges_NAME.json`` anew: between which values a pack's tensors lie. Not run-time.

``python -m models.make_ranges NAME PHOTOS TEXT --dir PACKS``; PHOTOS is a folder of photos under a
free licence, TEXT says which. Every face in them that passes the live gate counts, as it is and
mirrored. What is written are the lowest and highest value of each tensor; no photo and no template.
Those that ship: ``dlib`` with ``--wider 1.25``, ``mobilefacenet`` as measured (docs/accuracy.md).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.chips import cut
from models.convert import onnx_package
from models.engine import CENTERFACE
from models.manifest import EmbedderSpec, embedder_body
from models.normalise import Normalise
from models.packs import DetectorPack, Pack, load_detector, load_pack, read_pack
from models.quality import assess, live_gate
from models.quantize import Range, Ranges, bounds_of, quantized_tensors
from models.sessions import Session, Tensor
from models.settle import settle
from models.values import Image

_BUDGET_PX = 640
_SMALLEST_PX = 45


def main() -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="which pack")
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("text", help="whose photos, under which licence")
    parser.add_argument("--dir", type=Path, required=True, help="the packs' folder")
    parser.add_argument("--wider", type=float, default=1.0,
                        help="how much wider than measured, but for the input")  # fmt: skip
    options = parser.parse_args()
    pack = load_pack(options.dir, options.name)
    manifest, contents = read_pack(options.dir, options.name)
    detector = load_detector(options.dir, CENTERFACE)
    paths = sorted(path for path in options.photos.rglob("*") if path.is_file())
    chips = [chip for path in paths for chip in chips_in(path, pack, detector)]
    spec = embedder_body(manifest.body, options.name).embedder
    network = contents[manifest.file("embedder").path]
    found = measure(network, spec, chips, options.wider)
    ranges = Ranges(hashlib.sha256(network).hexdigest(), options.text, len(chips), found)
    out = Path(__file__).parent / f"ranges_{options.name}.json"
    out.write_text(json.dumps(asdict(ranges), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


def chips_in(path: Path, pack: Pack, detector: DetectorPack) -> Iterator[Image]:
    """The chips of the faces in a photo that a camera's would be taken of."""
    raw = cv2.imread(str(path))
    if raw is None:
        return
    photo, find = np.asarray(raw, np.uint8), detector.detector.detect
    height, width = photo.shape[:2]
    gate = live_gate(_SMALLEST_PX)
    for face in find(photo, _BUDGET_PX):
        if gate.refusal(assess(face, width, height), face.score):
            continue
        settled = face if pack.parts.aligner else settle(find, photo, face)
        points = pack.parts.points(photo, settled, detector.detector.square)
        yield cut(photo, points, pack.parts.spec.geometry)


def measure(
    network: bytes, spec: EmbedderSpec, chips: Sequence[Image], wider: float = 1.0
) -> dict[str, Range]:
    """The lowest and highest value of each tensor that becomes integers, over *chips*."""
    onnx = onnx_package()
    model = onnx.load_model_from_string(network)
    names = quantized_tensors(model)
    fed = model.graph.input[0].name
    shown = [name for name in names if name != fed]
    del model.graph.output[:]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in shown
    )
    session = Session(model.SerializeToString(), "the network with its tensors shown")
    normalise = Normalise(spec.colour, spec.mean, spec.scale)
    found = dict.fromkeys(names, (0.0, 0.0))
    for chip in chips:
        batch = normalise(np.stack([chip, chip[:, ::-1]]))
        _widen(found, fed, batch)
        for name, values in zip(shown, session.run(batch), strict=True):
            _widen(found, name, values)
    wide = {name: (_tidy(low * wider), _tidy(high * wider)) for name, (low, high) in found.items()}
    for name, (lowest, highest) in bounds_of(model.graph).items():
        if name in wide:
            wide[name] = (max(wide[name][0], lowest), min(wide[name][1], highest))
    return wide | _as_given(model, wide | {fed: found[fed]})


def _widen(found: dict[str, Range], name: str, values: Tensor) -> None:
    low, high = found[name]
    found[name] = min(low, float(values.min())), max(high, float(values.max()))


def _tidy(value: float) -> float:
    """Six digits are plenty."""
    return float(f"{value:.6g}")


def _as_given(model: Any, found: dict[str, Range]) -> dict[str, Range]:
    """The input as measured; what only picks among values has the range of what it picks from."""
    fed = model.graph.input[0].name
    kept = {fed: (_tidy(found[fed][0]), _tidy(found[fed][1]))}
    for node in model.graph.node:
        if node.op_type == "MaxPool" and node.output[0] in found:
            kept[node.output[0]] = (kept | found)[node.input[0]]
    return kept


if __name__ == "__main__":
    sys.exit(main())
