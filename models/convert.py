"""Turns the fetched files into what the run-time loads. Needs ``onnx``; used by fetching only.

Here: dlib's ResNet as ONNX with batch normalisation and input scaling folded into convolutions
(so it takes raw RGB 0 to 255), CenterFace with free height and width, the 5-point predictor as
plain arrays. Not here: whether the result computes what it must (``models.selftest``).
The same input gives the same bytes on every machine: sums are exact, nothing is dated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.dlibnet import (
    AddTagged,
    Affine,
    Conv,
    Dense,
    Input,
    Layer,
    Pool,
    Relu,
    Skip,
    Tag,
    read_resnet,
)
from models.dlibshape import dump_cascade, read_cascade

_OPSET = 17
_IR_VERSION = 9
_INPUT = "picture"
_OUTPUT = "vector"


def onnx_package() -> Any:
    """The ``onnx`` package, or an error that says how to get it."""
    try:
        import onnx  # noqa: PLC0415 - only converting needs it, a gate may do without
    except ImportError as error:
        raise PackError(
            "converting models needs the package 'onnx': pip install 'gatehouse[convert]',"
            " or copy a pack that was made elsewhere"
        ) from error
    return onnx


def convert_resnet(data: bytes) -> bytes:
    """ONNX of the ResNet: ``picture`` (N, 3, 150, 150) RGB 0..255 -> ``vector`` (N, 128)."""
    onnx = onnx_package()
    layers = fold(read_resnet(data))
    graph = _Graph(onnx)
    first = layers[0]
    if not isinstance(first, Input):
        raise PackError("the ResNet does not start with its input; fetch the models again")
    graph.flow = _Flow(_INPUT, 3, (first.side_px, first.side_px))
    for layer in layers[1:]:
        graph.add(layer)
    return graph.finish(first.side_px)


def convert_landmarks(data: bytes) -> bytes:
    """Plain arrays of the 5-point predictor, see ``models.dlibshape``."""
    return dump_cascade(read_cascade(data))


def convert_centerface(data: bytes) -> bytes:
    """CenterFace with batch, height and width left open (multiples of 32), weights untouched."""
    onnx = onnx_package()
    try:
        model = onnx.load_model_from_string(data)
        constants = {item.name for item in model.graph.initializer}
        inputs = [item for item in model.graph.input if item.name not in constants]
        del model.graph.input[:]
        model.graph.input.extend(inputs)  # a constant listed as input blocks constant folding
        for value in [*model.graph.input, *model.graph.output]:
            axes = value.type.tensor_type.shape.dim
            for position, label in ((0, "n"), (2, "rows"), (3, "columns")):
                axes[position].Clear()
                axes[position].dim_param = f"{value.name}_{label}"
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf and onnx raise many kinds; all mean the same here
        raise PackError(f"centerface.onnx cannot be converted ({error})") from error
    return bytes(model.SerializeToString(deterministic=True))


def fold(layers: list[Layer]) -> list[Layer]:
    """The same network with affine layers and the input's scaling merged into convolutions."""
    merged: list[Layer] = []
    for layer in layers:
        previous = merged[-1] if merged else None
        if isinstance(layer, Affine):
            if not isinstance(previous, Conv):
                raise PackError("an affine layer does not follow a convolution")
            merged[-1] = replace(
                previous,
                weights=previous.weights * layer.gamma.reshape(-1, 1, 1, 1),
                bias=previous.bias * layer.gamma.ravel() + layer.beta.ravel(),
            )
        else:
            merged.append(layer)
    first, conv = merged[0], merged[1]
    if not isinstance(first, Input) or not isinstance(conv, Conv) or conv.pad != (0, 0):
        raise PackError("the ResNet does not start as expected; fetch the models again")
    merged[1] = _with_raw_input(conv, first)
    return merged


def _with_raw_input(conv: Conv, first: Input) -> Conv:
    """conv((x - mean) / 256) as conv(x); exact only because nothing is padded here."""
    weights = conv.weights.astype(np.float64) / 256
    mean = np.array(first.mean).reshape(1, 3, 1, 1)
    shift = [math.fsum(one.ravel()) for one in weights * mean]
    return replace(
        conv,
        weights=weights.astype(np.float32),
        bias=(conv.bias.astype(np.float64) - shift).astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class _Flow:
    """What flows at a place in the graph: its name, channels, rows and columns."""

    name: str
    channels: int
    plane: tuple[int, int]


@dataclass(slots=True)
class _Graph:
    """Collects ONNX nodes while keeping track of extents, which dlib's additions depend on."""

    onnx: Any
    flow: _Flow = field(default_factory=lambda: _Flow(_INPUT, 3, (0, 0)))
    _nodes: list[Any] = field(default_factory=list)
    _constants: list[Any] = field(default_factory=list)
    _tags: dict[int, _Flow] = field(default_factory=dict)

    def add(self, layer: Layer) -> None:
        """Append one layer."""
        match layer:
            case Conv():
                self._conv(layer)
            case Relu():
                self._apply("Relu", self.flow.channels, self.flow.plane)
            case Pool():
                self._pool(layer)
            case Tag(number):
                self._tags[number] = self.flow
            case Skip(number):
                self.flow = self._tags[number]
            case AddTagged(number):
                self._sum(self._tags[number])
            case Dense(weights):
                self._apply("Flatten", self.flow.channels, (1, 1))
                self._apply("MatMul", weights.shape[1], (1, 1), self._constant(weights))
            case _:
                raise PackError(f"{type(layer).__name__} cannot stand here")

    def finish(self, side_px: int) -> bytes:
        """The model's bytes, checked by onnx."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        self._nodes[-1].output[0] = _OUTPUT
        shapes = (
            [helper.make_tensor_value_info(_INPUT, kind, ["n", 3, side_px, side_px])],
            [helper.make_tensor_value_info(_OUTPUT, kind, ["n", self.flow.channels])],
        )
        model = helper.make_model(
            helper.make_graph(self._nodes, "dlib-resnet", *shapes, self._constants),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="gatehouse",
        )
        self.onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _constant(self, values: npt.NDArray[np.generic]) -> str:
        name = f"constant{len(self._constants)}"
        tensor = self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
        self._constants.append(tensor)
        return name

    def _apply(
        self, kind: str, channels: int, plane: tuple[int, int], *constants: str, **attributes: Any
    ) -> None:
        name = f"{kind.lower()}{len(self._nodes)}"
        inputs = [self.flow.name, *constants]
        self._nodes.append(self.onnx.helper.make_node(kind, inputs, [name], name, **attributes))
        self.flow = _Flow(name, channels, plane)

    def _conv(self, layer: Conv) -> None:
        filters, _, *window = layer.weights.shape
        plane = tuple(
            (self.flow.plane[i] + 2 * layer.pad[i] - window[i]) // layer.stride[i] + 1
            for i in (0, 1)
        )
        constants = self._constant(layer.weights), self._constant(layer.bias)
        self._apply(
            "Conv",
            filters,
            (plane[0], plane[1]),
            *constants,
            kernel_shape=window,
            strides=list(layer.stride),
            pads=[*layer.pad, *layer.pad],
        )

    def _pool(self, layer: Pool) -> None:
        if layer.window == (0, 0):
            self._apply("GlobalAveragePool", self.flow.channels, (1, 1))
            return
        rows, columns = (
            (self.flow.plane[i] - layer.window[i]) // layer.stride[i] + 1 for i in (0, 1)
        )
        kind = {"max": "MaxPool", "avg": "AveragePool"}[layer.kind]
        self._apply(
            kind,
            self.flow.channels,
            (rows, columns),
            kernel_shape=list(layer.window),
            strides=list(layer.stride),
        )

    def _sum(self, other: _Flow) -> None:
        channels = max(self.flow.channels, other.channels)
        plane = (
            max(self.flow.plane[0], other.plane[0]),
            max(self.flow.plane[1], other.plane[1]),
        )
        self._extend(channels, plane)
        mine, self.flow = self.flow, other
        self._extend(channels, plane)
        self._apply("Add", channels, plane, mine.name)

    def _extend(self, channels: int, plane: tuple[int, int]) -> None:
        """Zeros behind the last channel, row and column up to the given extents."""
        more = channels - self.flow.channels, *(plane[i] - self.flow.plane[i] for i in (0, 1))
        if any(more):
            self._apply("Pad", channels, plane, self._constant(np.array([0] * 5 + list(more))))
