"""dlib's face recognition ResNet as a list of layers in the order they are computed.

Here: the records of one network, ``dlib_face_recognition_resnet_model_v1.dat``. Not here: turning
them into ONNX (``models.convert``).

dlib nests layers from the loss inwards. Each writes its version, then everything it contains,
then itself: so the file holds all versions outermost first, then the details innermost first.
The architecture is that of dlib's ``tools/python/src/face_recognition.cpp``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.dlibdat import DatReader, Floats


@dataclass(frozen=True, slots=True)
class Input:
    """The picture: mean colour (R, G, B) that is taken off before dividing by 256; side in px."""

    mean: tuple[float, float, float]
    side_px: int


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A convolution: weights (out, in, rows, columns), bias (out,)."""

    weights: Floats
    bias: Floats
    stride: tuple[int, int]
    pad: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A scale and a shift for each channel, what batch normalisation is after training."""

    gamma: Floats
    beta: Floats


@dataclass(frozen=True, slots=True)
class Relu:
    """max(0, x)."""


@dataclass(frozen=True, slots=True)
class Pool:
    """``kind`` max or avg over a window; a window of (0, 0) is the whole plane."""

    kind: str
    window: tuple[int, int]
    stride: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tag:
    """Remember what flows here under a number."""

    number: int


@dataclass(frozen=True, slots=True)
class Skip:
    """Go on with what was remembered under a number."""

    number: int


@dataclass(frozen=True, slots=True)
class AddTagged:
    """Add what was remembered; the smaller of the two is extended by zeros at its far ends."""

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A fully connected layer without bias: weights (in, out)."""

    weights: Floats


Layer = Input | Conv | Affine | Relu | Pool | Tag | Skip | AddTagged | Dense
_Read = Callable[[DatReader], Layer]


def _conv(dat: DatReader) -> Conv:
    kind = dat.word("con_4", "con_5", "con_6")
    flat = dat.tensor().ravel()
    filters = dat.integer()
    _rows, _columns, stride_y, stride_x, pad_y, pad_x = (dat.integer() for _ in range(6))
    shape, _ = dat.shape(), dat.shape()
    dat.reals(4)
    biased = kind == "con_4" or dat.flag()
    if kind == "con_6":
        dat.flag()
    size = math.prod(shape)
    if shape[0] != filters or flat.size != size + biased * filters:
        raise dat.fault(f"{flat.size} weights do not fill a convolution of shape {shape}")
    bias = flat[size:].copy() if biased else np.zeros(filters, np.float32)
    return Conv(flat[:size].reshape(shape), bias, (stride_y, stride_x), (pad_y, pad_x))


def _affine(dat: DatReader) -> Affine:
    kind = dat.word("affine_", "affine_2")
    flat = dat.tensor().ravel()
    size = math.prod(dat.shape())
    dat.shape()
    dat.integer()
    if kind == "affine_2":
        dat.flag()
    if flat.size != 2 * size:
        raise dat.fault(f"{flat.size} weights do not fill an affine layer of {size} channels")
    return Affine(flat[:size].copy(), flat[size:].copy())


def _relu(dat: DatReader) -> Relu:
    if dat.word("relu_", "relu_2") == "relu_2":
        dat.flag()
    return Relu()


def _pool(kind: str) -> _Read:
    def read(dat: DatReader) -> Pool:
        dat.word(f"{kind}_pool_2")
        rows, columns, stride_y, stride_x, pad_y, pad_x = (dat.integer() for _ in range(6))
        if (pad_y, pad_x) != (0, 0):
            raise dat.fault("a padded pooling layer is not expected here")
        return Pool(kind, (rows, columns), (stride_y, stride_x))

    return read


def _dense(dat: DatReader) -> Dense:
    kind = dat.word("fc_2", "fc_3")
    out, into = dat.integer(), dat.integer()
    weights = dat.tensor()
    dat.shape()
    dat.shape()
    dat.integer()
    dat.reals(4)
    if kind == "fc_3":
        dat.flag()
    if out < 1 or into < 1 or weights.size != out * into:
        raise dat.fault(f"{weights.size} weights do not fill a layer from {into} to {out}")
    return Dense(weights.reshape(into, out))


def _add(number: int) -> _Read:
    def read(dat: DatReader) -> AddTagged:
        dat.word("add_prev_")
        return AddTagged(number)

    return read


def _input(dat: DatReader) -> Input:
    dat.word("input_rgb_image_sized")
    red, green, blue = (dat.real() for _ in range(3))
    rows, columns = dat.integer(), dat.integer()
    if rows != columns:
        raise dat.fault(f"the input is {columns}x{rows}, not square")
    return Input((red, green, blue), rows)


_BRANCH: list[_Read | Tag | Skip] = [_affine, _conv, _relu, _affine, _conv, Tag(1)]
_SAME: list[_Read | Tag | Skip] = [_relu, _add(1), *_BRANCH]
_DOWN: list[_Read | Tag | Skip] = [_relu, _add(2), _pool("avg"), Skip(1), Tag(2), *_BRANCH]
_OUTERMOST_FIRST: list[_Read | Tag | Skip] = [
    *(_dense, _pool("avg")),
    *(_DOWN + _SAME * 2) * 2,
    *(_DOWN + _SAME * 3) * 2,
    *(_pool("max"), _relu, _affine, _conv),
]


def read_resnet(data: bytes, name: str = "the ResNet file") -> list[Layer]:
    """Layers in the order of computing, input first; :class:`PackError` when *data* is damaged."""
    dat = DatReader(data, name)
    dat.expect(1)
    if dat.word("loss_metric_", "loss_metric_2") == "loss_metric_2":
        dat.reals(2)
    versions = [dat.expect(*_versions(token)) for token in _OUTERMOST_FIRST[:-1]]
    versions.append(dat.expect(2, 3))
    layers: list[Layer] = [_input(dat)]
    for position, token in enumerate(reversed(_OUTERMOST_FIRST)):
        if not callable(token):
            layers.append(token)
            continue
        layers.append(token(dat))
        _skip_state(dat, innermost=position == 0, version=versions[-1 - position])
    dat.finish()
    return layers


def _versions(token: _Read | Tag | Skip) -> tuple[int, ...]:
    return (1, 2) if callable(token) else (1,)


def _skip_state(dat: DatReader, *, innermost: bool, version: int) -> None:
    """Pass over what training left behind: three flags, cached activations and gradients."""
    for _ in range(3):
        dat.flag()
    for _ in range(3 if innermost or version == 2 else 2):
        dat.tensor()
    if innermost and version == 3:
        dat.integer()
