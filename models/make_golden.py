"""Makes ``golden/NAME.json`` anew, with other code than ours. Not run-time.

``python -m models.make_golden NAME FOLDER``; FOLDER holds the artefacts of ``sources.json``. Packs
but ``dlib`` are computed by ``models.oracles``. For ``dlib``, with dlib itself (``pip install
--no-deps dlib-bin``) and the untouched CenterFace: the answers come from
code that shares nothing with ours but the pictures: dlib's predictor, chips and network, and
CenterFace as published run by OpenCV's own engine and decoded cell by cell.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from models import pictures
from models.artefacts import from_folder, read_members, read_whole
from models.oracles import oracle
from models.selftest import (
    ChainSample,
    FaceSample,
    Golden,
    LandmarkSample,
    MapSample,
    PictureName,
    VectorSample,
)
from models.sessions import memory_file
from models.sources import recipe

_Maps = list[npt.NDArray[np.float32]]
_SQUARES: dict[PictureName, tuple[tuple[int, int, int, int], ...]] = {
    "head-320x256": ((92, 82, 204, 194), (101, 91, 209, 199), (80, 60, 215, 195)),
    "head-lean-480x520": ((95, 130, 405, 439), (80, 120, 390, 430), (-20, 90, 380, 490)),
    "gradient-150": ((10, 10, 140, 140),),
}
_CHAINS: tuple[tuple[PictureName, int], ...] = (("head-320x256", 1), ("head-lean-480x520", 0))


def main() -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="which pack")
    parser.add_argument("folder", type=Path, help="where the artefacts lie")
    parser.add_argument("--exported", type=Path, nargs="*", default=[],
                        help="of a pack that we convert, its makers' own export")  # fmt: skip
    options = parser.parse_args()
    made = recipe(options.name, golden=False)
    data: dict[str, bytes] = {}
    for artefact in made.artefacts.values():
        members = [m for m in made.members.values() if m.artefact == artefact.name]
        read = read_whole if artefact.whole else read_members
        data |= read(from_folder(artefact, options.folder), members)
    weights = [data[part.member] for part in made.parts if part.role == made.body.role]
    weights = [path.read_bytes() for path in options.exported] or weights
    answers = _golden(data) if made.name == "dlib" else oracle(made, weights)
    out = Path(__file__).parent / "golden" / f"{made.name}.json"
    kept = {kind: found for kind, found in asdict(answers).items() if found}
    out.write_text(json.dumps(kept, separators=(",", ":")) + "\n", "utf-8")
    return 0


def _golden(data: dict[str, bytes]) -> Golden:
    import dlib  # noqa: PLC0415 - an oracle, not a dependency

    net = cv2.dnn.readNetFromONNX(np.frombuffer(data["centerface"], np.uint8))
    with memory_file(data["dlib-landmarks"]) as path:
        predictor = dlib.shape_predictor(path)
    with memory_file(data["dlib-resnet"]) as path:
        resnet = dlib.face_recognition_model_v1(path)
    return Golden(
        f"dlib {dlib.__version__}, OpenCV {cv2.__version__}",
        (_maps(net, "soft-96x64", 11), _maps(net, "head-320x256", 331)),
        (_face(net, "head-320x256", 320),),
        tuple(
            LandmarkSample(name, square, _landmarks(dlib, predictor, name, square))
            for name, squares in _SQUARES.items()
            for square in squares
        ),
        tuple(_vector(resnet, name) for name in ("noise-150", "gradient-150")),
        tuple(_chain(dlib, predictor, resnet, name, _SQUARES[name][i]) for name, i in _CHAINS),
    )


def _rgb(name: PictureName) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(pictures.picture(name)[:, :, ::-1])


def _run(net: Any, name: PictureName) -> _Maps:
    rgb = _rgb(name).astype(np.float32).transpose(2, 0, 1)[None]
    net.setInput(np.ascontiguousarray(rgb))
    maps: _Maps = list(net.forward(net.getUnconnectedOutLayersNames()))
    return sorted(maps, key=lambda one: one.shape[1])


def _maps(net: Any, name: PictureName, step: int) -> MapSample:
    heat, first, second, marks = _run(net, name)
    extent, offset = _told_apart(first, second)
    joined = np.concatenate([one.ravel() for one in (heat, extent, offset, marks)])[::step]
    return MapSample(name, step, tuple(round(float(v), 6) for v in joined), 2e-3)


def _told_apart(first: Any, second: Any) -> tuple[Any, Any]:
    """Sizes are logarithms of many pixels, offsets fractions of a cell."""
    return (first, second) if np.abs(first).mean() > np.abs(second).mean() else (second, first)


def _face(net: Any, name: PictureName, budget: int) -> FaceSample:
    heat, first, second, marks = _run(net, name)
    extent, offset = _told_apart(first, second)
    row, column = np.unravel_index(int(heat[0, 0].argmax()), heat[0, 0].shape)
    high, wide = (4 * math.exp(float(extent[0, i, row, column])) for i in (0, 1))
    left = (float(column) + float(offset[0, 1, row, column]) + 0.5) * 4 - wide / 2
    top = (float(row) + float(offset[0, 0, row, column]) + 0.5) * 4 - high / 2
    points = [
        (
            round(float(marks[0, 2 * i + 1, row, column]) * wide + left, 3),
            round(float(marks[0, 2 * i, row, column]) * high + top, 3),
        )
        for i in range(5)
    ]
    box = round(left, 3), round(top, 3), round(left + wide, 3), round(top + high, 3)
    return FaceSample(name, budget, round(float(heat.max()), 4), box, tuple(points), 0.1)


def _landmarks(
    dlib: Any, predictor: Any, name: PictureName, square: tuple[int, int, int, int]
) -> tuple[tuple[float, float], ...]:
    shape = predictor(_rgb(name), dlib.rectangle(*square))
    return tuple((float(p.x), float(p.y)) for p in shape.parts())


def _vector(resnet: Any, name: PictureName) -> VectorSample:
    vector = tuple(round(float(v), 6) for v in resnet.compute_face_descriptor(_rgb(name)))
    return VectorSample(name, vector, 1e-4)


def _chain(
    dlib: Any, predictor: Any, resnet: Any, name: PictureName, square: tuple[int, int, int, int]
) -> ChainSample:
    shape = predictor(_rgb(name), dlib.rectangle(*square))
    points = tuple((float(p.x), float(p.y)) for p in shape.parts())
    chip = dlib.get_face_chip(_rgb(name), shape, size=150, padding=0.25)
    vector = tuple(round(float(v), 6) for v in resnet.compute_face_descriptor(chip))
    return ChainSample(name, points, vector, 5e-3)


if __name__ == "__main__":
    sys.exit(main())
