"""Turns an embedder's network into its int8 form: weights and activations as small integers.

Here: static quantization with ranges that are known beforehand (``ranges_*.json``), written as
QuantizeLinear and DequantizeLinear pairs, which onnxruntime merges into integer kernels. Not here:
measuring ranges (``models.make_ranges``), making the pack and saying what it costs
(``models.quantized``).
Activations are unsigned with a zero point, weights signed with a scale for each filter. Weights
take 7 bits: x86 without VNNI adds two products of 8 and 8 bits in 16, which would be cut off.
Filters of one channel, whose kernels multiply in 32 bits, take 8.
The same input gives the same bytes on every machine, so that the form has an id of its own.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter, ValidationError

from agent.core.errors import PackError
from models.convert import onnx_package
from models.faults import faults
from models.specs import STRICT, Count, Sentence, Sha256

# One that onnx's own evaluator reads too, and the file format that goes with it.
_OPSET = 19
_IR_VERSION = 9
_WEIGHT_MOST = 63
_DEPTHWISE_MOST = 127
_ACTIVATION_MOST = 255
_INTEGER = frozenset({"Conv", "Add", "AveragePool", "MaxPool", "Pad"})
_BOUNDS = frozenset({"Relu", "Clip"})

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Between which values the tensors of one network lie, and on what that was measured.

    ``network``: SHA-256 of the file that they belong to.
    """

    __pydantic_config__ = STRICT
    network: Sha256
    text: Sentence
    faces: Count
    tensors: Annotated[dict[str, Range], Field(min_length=1, max_length=1000)]

    def __post_init__(self) -> None:
        """Each holds zero, which padding and bounds need."""
        for name, (low, high) in self.tensors.items():
            if not (math.isfinite(high - low) and low <= 0 <= high and low < high):
                raise ValueError(f"{name}: {low:g} to {high:g} is no range with zero in it")


_RANGES: TypeAdapter[Ranges] = TypeAdapter(Ranges)


def parse_ranges(data: bytes, where: str) -> Ranges:
    """Ranges from their file; :class:`PackError` with every fault."""
    try:
        return _RANGES.validate_json(data)
    except ValidationError as error:
        raise PackError(f"{where} holds no ranges: {faults(error)}") from error


def quantize(data: bytes, ranges: Ranges) -> bytes:
    """The int8 form of a network; :class:`PackError` when the ranges are another network's."""
    if hashlib.sha256(data).hexdigest() != ranges.network:
        raise PackError("the ranges belong to another network; measure them on this one")
    onnx = onnx_package()
    model = onnx.load_model_from_string(data)
    if set(quantized_tensors(model)) != set(ranges.tensors):
        raise PackError("the ranges do not name the tensors of this network; measure them anew")
    _without_bounds(model.graph, ranges)
    _Writer(onnx, model.graph, ranges.tensors).write()
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", _OPSET))
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def quantized_tensors(model: Any) -> list[str]:
    """The tensors that become integers: the input, and what goes from one integer layer to another.

    A layer's bound (no less than zero, no more than six) is part of it: integers end there.
    """
    found = [model.graph.input[0].name]
    for node in model.graph.node:
        name = _bounded(model.graph, node)
        users = [one.op_type for one in model.graph.node if name in one.input]
        if node.op_type in _INTEGER and _INTEGER & set(users):
            found.append(name)
    return found


def _bounded(graph: Any, node: Any) -> str:
    """The output of a layer, or of the bound that alone follows it."""
    users = [one for one in graph.node if node.output[0] in one.input]
    alone = len(users) == 1 and users[0].op_type in _BOUNDS
    return str(users[0].output[0] if alone else node.output[0])


def bounds_of(graph: Any) -> dict[str, Range]:
    """Lowest and highest value that each bound of the graph lets through, by its output."""
    made = [node for node in graph.node if node.op_type == "Constant"]
    values = {node.output[0]: node.attribute[0].t for node in made}
    values |= {tensor.name: tensor for tensor in graph.initializer}
    to_array = onnx_package().numpy_helper.to_array
    found = {}
    for node in graph.node:
        if node.op_type == "Relu":
            found[node.output[0]] = (0.0, math.inf)
        elif node.op_type == "Clip":
            low, high = (float(to_array(values[name])) for name in node.input[1:3])
            found[node.output[0]] = (low, high)
    return found


def _without_bounds(graph: Any, ranges: Ranges) -> None:
    """Drop the bounds of integer layers: their range ends where the bound is."""
    names = [_bounded(graph, node) for node in graph.node]
    dropped = []
    bounds = bounds_of(graph)
    for node, name in zip(list(graph.node), names, strict=True):
        if node.op_type in _INTEGER and name in ranges.tensors and name != node.output[0]:
            low, high = ranges.tensors[name]
            if low < bounds[name][0] or high > bounds[name][1]:
                raise PackError(f"the range of {name} goes beyond its bound; measure it anew")
            dropped += [one for one in graph.node if one.output[0] == name]
            node.output[0] = name
    for node in dropped:
        graph.node.remove(node)


@dataclass(slots=True)
class _Writer:
    """Rewrites a graph: a pair behind every tensor with a range, integers for its weights."""

    onnx: Any
    graph: Any
    ranges: dict[str, Range]
    _nodes: list[Any] = field(default_factory=list)
    _paired: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Put the new nodes in place of the old ones."""
        self._pair(self.graph.input[0].name)
        for node in list(self.graph.node):
            self._modern(node)
            fed = node.input[0] if node.input else ""
            for place, name in enumerate(node.input):
                node.input[place] = self._paired.get(name, name)
            if node.op_type == "Conv" and fed in self.ranges and node.output[0] in self.ranges:
                self._weights(node, self._scale(fed)[0])
            self._nodes.append(node)
            self._pair(node.output[0])
        del self.graph.node[:]
        self.graph.node.extend(self._nodes)
        del self.graph.value_info[:]
        used = {name for node in self._nodes for name in node.input}
        for tensor in [one for one in self.graph.initializer if one.name not in used]:
            self.graph.initializer.remove(tensor)

    def _scale(self, name: str) -> tuple[np.float32, np.uint8]:
        """Scale and zero point of a tensor."""
        low, high = self.ranges[name]
        scale = (high - low) / _ACTIVATION_MOST
        return np.float32(scale), np.uint8(round(-low / scale))

    def _pair(self, name: str) -> None:
        if name not in self.ranges:
            return
        scale, zero = self._scale(name)
        shared = [
            self._constant(f"{name}_scale", np.array(scale)),
            self._constant(f"{name}_zero", np.array(zero)),
        ]
        self._add("QuantizeLinear", [name, *shared], f"{name}_int8")
        self._add("DequantizeLinear", [f"{name}_int8", *shared], f"{name}_real")
        self._paired[name] = f"{name}_real"

    def _weights(self, node: Any, fed: np.float32) -> None:
        """Weights by filter, the bias in the scale of the products."""
        weights = self._value(node.input[1])
        most = np.abs(weights.reshape(len(weights), -1)).max(1)
        top = _WEIGHT_MOST if weights.shape[1] > 1 else _DEPTHWISE_MOST
        scale = (np.maximum(most, 1e-8) / top).astype(np.float32)
        rows = np.rint(weights / scale.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.int8)
        node.input[1] = self._integers(node.input[1], rows, scale)
        if len(node.input) > 2:
            both = scale * fed
            bias = np.rint(self._value(node.input[2]).astype(np.float64) / both)
            node.input[2] = self._integers(node.input[2], bias.astype(np.int32), both)

    def _integers(
        self, name: str, values: npt.NDArray[np.generic], scale: npt.NDArray[np.float32]
    ) -> str:
        inputs = [
            self._constant(f"{name}_int8", values),
            self._constant(f"{name}_scale", scale),
            self._constant(f"{name}_zero", np.zeros(len(scale), values.dtype)),
        ]
        return self._add("DequantizeLinear", inputs, f"{name}_real", axis=0)

    def _value(self, name: str) -> npt.NDArray[np.float32]:
        (found,) = (one for one in self.graph.initializer if one.name == name)
        value: npt.NDArray[np.float32] = self.onnx.numpy_helper.to_array(found)
        return value

    def _modern(self, node: Any) -> None:
        """Since opset 13 an input is wanted for what was an attribute."""
        if node.op_type == "Unsqueeze" and node.attribute:
            axes = np.array(node.attribute[0].ints, np.int64)
            del node.attribute[:]
            node.input.append(self._constant(f"{node.output[0]}_axes", axes))

    def _constant(self, name: str, values: npt.NDArray[np.generic]) -> str:
        self.graph.initializer.append(self.onnx.numpy_helper.from_array(values, name))
        return name

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(self.onnx.helper.make_node(kind, inputs, [output], output, **attributes))
        return output
