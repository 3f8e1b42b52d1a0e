"""Computes golden answers of packs with code that shares nothing with ours but the pictures.

OpenCV's own engine runs the files as published; OpenCV's ``FaceDetectorYN`` reads YuNet's answers;
alignment is solved by least squares and sampled pixel by pixel here; the surroundings of a face are
cut as the makers of MiniFASNet wrote it. Not run-time: see ``models.make_golden``.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models import pictures
from models.manifest import Body, DetectorBody, EmbedderSpec, LivenessBody
from models.selftest import (
    ChainSample,
    FaceSample,
    Floats,
    Golden,
    LiveSample,
    MapSample,
    PictureName,
    VectorSample,
)
from models.sources import Recipe
from models.specs import LivenessSpec

_Picture = npt.NDArray[np.uint8]
_Marks = tuple[tuple[float, float], ...]
# Eyes, nose, corners of the mouth in ArcFace's chip of 112 px.
_TEMPLATE = (
    (38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
    (70.7299, 92.2041),
)  # fmt: skip
# Two faces as landmarks: one upright, one leaning, neither of them the detector's.
_MARKS: tuple[_Marks, ...] = (
    ((128.5, 116.25), (174.0, 117.5), (150.25, 137.0), (130.75, 175.5), (171.5, 174.25)),
    ((136.0, 101.5), (180.25, 127.75), (149.5, 141.0), (118.25, 160.5), (153.75, 182.0)),
)
# Boxes where the answers are torn between the classes: there a small fault moves them most. The
# surroundings of some are pushed in from the picture's edges.
_BOXES: tuple[tuple[PictureName, tuple[float, float, float, float]], ...] = (
    ("head-320x256", (119.25, 77.5, 169.75, 134.75)),
    ("head-lean-480x520", (187.75, 136.25, 387.25, 395.75)),
    ("head-lean-480x520", (42.75, 82.75, 323.0, 451.0)),
    ("gradient-150", (39.0, 31.25, 100.75, 101.25)),
)


# As the makers' test.py has it: "label == 1" is "RealFace".
_LIVE = 1


def oracle(made: Recipe, weights: list[bytes]) -> Golden:
    """The golden answers of a pack; *weights* are its networks, in the order of its parts."""
    by = f"OpenCV {cv2.__version__}, its own engine"
    match made.body:
        case DetectorBody():
            return _yunet(weights[0], by)
        case Body():
            return _embedder(weights[0], made.body.embedder, by)
        case LivenessBody():
            return _liveness(weights, made.body.liveness, by)
        case _:
            raise PackError(f"nobody knows how to compute {made.name} in another way")


def _net(weights: bytes) -> Any:
    return cv2.dnn.readNetFromONNX(np.frombuffer(weights, np.uint8))


def _yunet(weights: bytes, by: str) -> Golden:
    maps = (_maps(weights, "soft-96x64", 7), _maps(weights, "head-320x256", 97))
    faces = (_found(weights, "head-320x256", 320), _found(weights, "head-lean-480x520", 256))
    return Golden(by, maps, faces)


def _maps(weights: bytes, name: PictureName, step: int) -> MapSample:
    net = _net(weights)
    net.setInput(cv2.dnn.blobFromImage(pictures.picture(name)))
    names = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    joined = np.concatenate([np.ravel(one) for one in net.forward(names)])[::step]
    return MapSample(name, step, tuple(round(float(v), 6) for v in joined), 2e-3)


def _found(weights: bytes, name: PictureName, budget: int) -> FaceSample:
    picture = pictures.picture(name)
    height, width = picture.shape[:2]
    times = budget / max(height, width)
    size = (round(width * times / 32) * 32, round(height * times / 32) * 32)
    small = _shrunk(picture, size)
    model, none = np.frombuffer(weights, np.uint8), np.zeros(0, np.uint8)
    detector = cv2.FaceDetectorYN.create("onnx", model, none, size, 0.5, 0.3, 50)
    (row,) = detector.detect(small)[1]
    x, y = width / size[0], height / size[1]
    box = (row[0] * x, row[1] * y, (row[0] + row[2]) * x, (row[1] + row[3]) * y)
    marks = tuple(
        (round(float(row[i]) * x, 3), round(float(row[i + 1]) * y, 3)) for i in range(4, 14, 2)
    )
    edges = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    square = _square((row[0] * x, row[1] * y, row[2] * x, row[3] * y))
    score = round(float(row[14]), 4)
    return FaceSample(name, budget, score, edges, marks, 0.5 * max(x, y), square)


def _square(box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """Where dlib's landmarks lie in a box (left, top, width, height) of YuNet, as fitted."""
    side = 0.941 * (box[2] + box[3]) / 2
    left, top = box[0] + 0.453 * box[2] - side / 2, box[1] + 0.546 * box[3] - side / 2
    edges = (left, top, left + side - 1, top + side - 1)
    return round(edges[0]), round(edges[1]), round(edges[2]), round(edges[3])


def _shrunk(picture: _Picture, size: tuple[int, int]) -> _Picture:
    """Blocks of four averaged while it is twice too large, then interpolated."""
    while picture.shape[1] >= 2 * size[0] and picture.shape[0] >= 2 * size[1]:
        blocks = [picture[y::2, x::2].astype(float) for y in (0, 1) for x in (0, 1)]
        picture = np.floor(sum(blocks) / 4 + 0.5).astype(np.uint8)
    return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _embedder(weights: bytes, spec: EmbedderSpec, by: str) -> Golden:
    net = _net(weights)
    names: tuple[PictureName, ...] = ("noise-112", "gradient-112")
    vectors = tuple(
        VectorSample(name, unit_template(net, spec, pictures.picture(name)), 1e-3) for name in names
    )
    face: PictureName = "head-320x256"
    chains = tuple(
        ChainSample(
            face, marks, unit_template(net, spec, aligned_chip(pictures.picture(face), marks)), 5e-3
        )
        for marks in _MARKS
    )
    return Golden(by, vectors=vectors, chains=chains)


def unit_template(net: Any, spec: EmbedderSpec, chip: _Picture) -> Floats:
    """The template of a chip by a network, of length 1, with its mirror image's if so wanted."""
    rows = []
    for one in (chip, cv2.flip(chip, 1)) if spec.mirror else (chip,):
        colours = cv2.cvtColor(one, cv2.COLOR_BGR2RGB) if spec.colour == "rgb" else one
        planes = [
            (plane.astype(np.float64) - mean) / scale
            for plane, mean, scale in zip(cv2.split(colours), spec.mean, spec.scale, strict=True)
        ]
        net.setInput(np.array([planes], np.float32))
        row = np.asarray(net.forward(), np.float64).ravel()
        rows.append(row / math.sqrt(float(row @ row)))
    mean = np.sum(rows, 0)
    unit = mean / math.sqrt(float(mean @ mean))
    return tuple(round(value, 6) for value in unit.tolist())


def aligned_chip(picture: _Picture, marks: _Marks) -> _Picture:
    """ArcFace's chip: x' = ax - by + c, y' = bx + ay + d by least squares, every pixel blended."""
    rows, goal = [], []
    for (x, y), (u, v) in zip(marks, _TEMPLATE, strict=True):
        rows += [(x, -y, 1, 0), (y, x, 0, 1)]
        goal += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows, float), np.array(goal), rcond=None)[0]
    chip = np.zeros((112, 112, 3), np.uint8)
    for v in range(112):
        for u in range(112):
            x = (a * (u - c) + b * (v - d)) / (a * a + b * b)
            y = (a * (v - d) - b * (u - c)) / (a * a + b * b)
            chip[v, u] = _blended(picture, x, y)
    return chip


def _blended(picture: _Picture, x: float, y: float) -> npt.NDArray[np.float64]:
    """The grey levels between four pixels, rounded down; the points given lie inside."""
    left, top = math.floor(x), math.floor(y)
    p, q = x - left, y - top
    (a, b), (c, d) = picture[top : top + 2, left : left + 2].astype(float)
    blend: npt.NDArray[np.float64] = (a * (1 - p) + b * p) * (1 - q) + (c * (1 - p) + d * p) * q
    return np.floor(blend + 1e-3)


def _liveness(weights: list[bytes], spec: LivenessSpec, by: str) -> Golden:
    nets = [_net(one) for one in weights]
    samples = []
    for name, box in _BOXES:
        picture = pictures.picture(name)
        rows = []
        for net, network in zip(nets, spec.networks, strict=True):
            part = _surroundings(picture, box, spec, network.crop)
            small = cv2.resize(part, (spec.side_px, spec.side_px))
            net.setInput(cv2.dnn.blobFromImage(small, swapRB=spec.colour == "rgb"))
            rows.append(tuple(round(float(value), 6) for value in np.ravel(net.forward())))
        samples.append(LiveSample(name, box, tuple(rows), _LIVE, 5e-3))
    return Golden(by, lives=tuple(samples))


def _surroundings(
    picture: _Picture, box: tuple[float, float, float, float], spec: LivenessSpec, crop: float
) -> _Picture:
    """``CropImage`` of Silent-Face-Anti-Spoofing, after the box is made that of its detector."""
    height, width = picture.shape[:2]
    wide, high = box[2] - box[0], box[3] - box[1]
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2 + spec.box.down * high
    wide, high = wide * spec.box.width, high * spec.box.height
    scale = min((height - 1) / high, (width - 1) / wide, crop)
    left, top = x - wide * scale / 2, y - high * scale / 2
    right, bottom = x + wide * scale / 2, y + high * scale / 2
    if left < 0:
        right, left = right - left, 0
    if top < 0:
        bottom, top = bottom - top, 0
    if right > width - 1:
        left, right = left - (right - width + 1), width - 1
    if bottom > height - 1:
        top, bottom = top - (bottom - height + 1), height - 1
    return picture[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
