"""Writes MiniFASNet (V2 and V1SE) as ONNX from its PyTorch state file. Needs ``onnx``.

The networks of Silent-Face-Anti-Spoofing are a chain of blocks in the order of the file: a
convolution, batch normalisation (folded into it here), PReLU; narrow blocks in threes with a short
cut round them, in V1SE some with squeeze and excitation; at the end a linear layer and softmax. The
golden answers, computed with the makers' own export, prove the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.convert import onnx_package
from models.torchdat import Tensors, read_tensors

_OPSET = 13
_IR_VERSION = 7
_EPSILON = 1e-5
_SIDE_PX = 80
_CLASSES = 3
_PREFIX = "module."
_ROUND = {"conv_3": "conv_23", "conv_4": "conv_34", "conv_5": "conv_45"}


def convert_fasnet(data: bytes) -> bytes:
    """The network as ONNX: (n, 3, 80, 80) in, (n, 3) probabilities out; PackError otherwise."""
    read = read_tensors(data, "MiniFASNet")
    tensors = {name.removeprefix(_PREFIX): values for name, values in read.items()}
    try:
        graph = _Writer(tensors)
        _blocks(graph, tensors)
        return graph.written()
    except KeyError as error:
        raise PackError(f"these weights are not MiniFASNet's: {error} is missing") from error


def _blocks(graph: _Writer, tensors: Tensors) -> None:
    graph.block("conv1", stride=2, pad=1)
    graph.block("conv2_dw", pad=1)
    for stage, down in _ROUND.items():
        _narrow(graph, down, stride=2)
        number = 0
        while f"{stage}.model.{number}.project.conv.weight" in tensors:
            _with_short_cut(graph, f"{stage}.model.{number}", tensors)
            number += 1
    graph.block("conv_6_sep")
    graph.block("conv_6_dw")
    graph.end()


def _with_short_cut(graph: _Writer, name: str, tensors: Tensors) -> None:
    before = graph.last
    _narrow(graph, name, stride=1)
    if f"{name}.se_module.fc1.weight" in tensors:
        graph.excite(f"{name}.se_module")
    graph.node("Add", graph.last, before)


def _narrow(graph: _Writer, name: str, stride: int) -> None:
    graph.block(f"{name}.conv")
    graph.block(f"{name}.conv_dw", stride=stride, pad=1)
    graph.block(f"{name}.project")


class _Writer:
    """Appends nodes, one after the other, to what came ``last``."""

    def __init__(self, tensors: Tensors) -> None:
        self._onnx = onnx_package()
        self._tensors = tensors
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self.last = "input"

    def node(self, kind: str, *inputs: str, **attributes: object) -> None:
        """One more node, whose output is ``last``."""
        output = f"n{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        self.last = output

    def block(self, name: str, stride: int = 1, pad: int = 0) -> None:
        """Convolution with its normalisation, and PReLU where the file has one."""
        self.convolution(f"{name}.conv", f"{name}.bn", stride, pad)
        if f"{name}.prelu.weight" in self._tensors:
            slope = self._tensors[f"{name}.prelu.weight"].reshape(-1, 1, 1)
            self.node("PRelu", self.last, self._value(slope))

    def convolution(self, conv: str, norm: str, stride: int = 1, pad: int = 0) -> None:
        """Depth-wise where each kernel sees one channel of several."""
        weights, scale = self._tensors[f"{conv}.weight"], self._scale(norm)
        folded = weights * scale.reshape(-1, 1, 1, 1)
        self.node(
            "Conv",
            self.last,
            self._value(folded),
            self._value(self._shift(norm, scale)),
            strides=[stride, stride],
            pads=[pad] * 4,
            group=len(weights) if weights.shape[1] == 1 else 1,
        )

    def excite(self, name: str) -> None:
        """Squeeze and excitation: each channel weighed by what the whole picture holds of it."""
        whole = self.last
        self.node("GlobalAveragePool", whole)
        self.convolution(f"{name}.fc1", f"{name}.bn1")
        self.node("Relu", self.last)
        self.convolution(f"{name}.fc2", f"{name}.bn2")
        self.node("Sigmoid", self.last)
        self.node("Mul", whole, self.last)

    def end(self) -> None:
        """Linear layer with its normalisation, classes, softmax."""
        scale = self._scale("bn")
        linear = self._tensors["linear.weight"] * scale[:, None]
        self.node("Flatten", self.last)
        self.node("Gemm", self.last, self._value(linear), self._value(self._shift("bn", scale)),
                  transB=1)  # fmt: skip
        self.node("Gemm", self.last, self._value(self._tensors["prob.weight"]), transB=1)
        self.node("Softmax", self.last, axis=1)

    def written(self) -> bytes:
        """The network's bytes, checked."""
        onnx, helper = self._onnx, self._onnx.helper
        kind = onnx.TensorProto.FLOAT
        shape = ["n", 3, _SIDE_PX, _SIDE_PX]
        graph = helper.make_graph(
            self._nodes,
            "minifasnet",
            [helper.make_tensor_value_info("input", kind, shape)],
            [helper.make_tensor_value_info(self.last, kind, ["n", _CLASSES])],
            self._values,
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _value(self, values: npt.NDArray[np.floating]) -> str:
        name = f"w{len(self._values)}"
        exact = np.ascontiguousarray(values, np.float32)
        self._values.append(self._onnx.numpy_helper.from_array(exact, name))
        return name

    def _scale(self, norm: str) -> npt.NDArray[np.float64]:
        spread = self._tensors[f"{norm}.running_var"].astype(np.float64) + _EPSILON
        return np.asarray(self._tensors[f"{norm}.weight"] / np.sqrt(spread), np.float64)

    def _shift(self, norm: str, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        mean = self._tensors[f"{norm}.running_mean"]
        return np.asarray(self._tensors[f"{norm}.bias"] - mean * scale, np.float64)
