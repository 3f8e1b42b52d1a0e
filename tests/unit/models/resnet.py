"""A small network in dlib's form, and what dlib would compute with it, written down plainly.

Same layers as the real one, few channels, random weights: the judge of reading and converting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.unit.models import dat
from tests.unit.models.dat import Array

MEAN = (122.782, 117.001, 104.298)


@dataclass
class Net:
    """Collects the file's pieces and computes at the same time."""

    seed: int
    plane: Array
    details: list[bytes] = field(default_factory=list)
    versions: list[bytes] = field(default_factory=list)
    tags: dict[int, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._draw = np.random.default_rng(self.seed)

    def layer(self, body: bytes, *, innermost: bool = False) -> None:
        state = dat.flag(on=True) + dat.flag() + dat.flag() + dat.tensor() * 2
        self.details.append(body + state + (dat.tensor() + dat.integer(0) if innermost else b""))
        self.versions.append(dat.integer(3 if innermost else 1))

    def conv(
        self, filters: int, size: int, stride: int, *, pad: int = 0, first: bool = False
    ) -> None:
        channels = self.plane.shape[0]
        weights = self._draw.normal(0, 0.4, (filters, channels, size, size)).astype(np.float32)
        bias = self._draw.normal(0, 0.1, filters).astype(np.float32)
        flat = np.concatenate([weights.ravel(), bias])
        numbers = (filters, size, size, stride, stride, pad, pad)
        body = dat.text("con_4") + dat.tensor(flat)
        body += b"".join(dat.integer(n) for n in numbers)
        body += dat.shape(*weights.shape) + dat.shape(1, filters, 1, 1) + dat.reals([1, 1, 1, 0])
        self.layer(body, innermost=first)
        padded = np.pad(self.plane, ((0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        sums: Array = np.einsum("chwij,fcij->fhw", windows[:, ::stride, ::stride], weights)
        self.plane = sums + bias[:, None, None]

    def affine(self) -> None:
        channels = self.plane.shape[0]
        gamma = self._draw.normal(1, 0.2, (channels,)).astype(np.float32)
        beta = self._draw.normal(0, 0.2, (channels,)).astype(np.float32)
        body = dat.text("affine_") + dat.tensor(np.concatenate([gamma, beta]))
        body += dat.shape(1, channels, 1, 1) * 2 + dat.integer(0)
        self.layer(body)
        self.plane = self.plane * gamma[:, None, None] + beta[:, None, None]

    def relu(self) -> None:
        self.layer(dat.text("relu_"))
        self.plane = np.maximum(self.plane, 0)

    def pool(self, kind: str, window: int, stride: int) -> None:
        numbers = (window, window, stride, stride, 0, 0)
        self.layer(dat.text(f"{kind}_pool_2") + b"".join(dat.integer(n) for n in numbers))
        reduce: Callable[..., Array] = np.max if kind == "max" else np.mean
        if not window:
            self.plane = self.plane.mean((1, 2), keepdims=True)
            return
        view = np.lib.stride_tricks.sliding_window_view(self.plane, (window, window), axis=(1, 2))
        self.plane = reduce(view[:, ::stride, ::stride], axis=(3, 4)).astype(np.float32)

    def tag(self, number: int) -> None:
        self.versions.append(dat.integer(1))
        self.tags[number] = self.plane

    def skip(self, number: int) -> None:
        self.versions.append(dat.integer(1))
        self.plane = self.tags[number]

    def add(self, number: int) -> None:
        self.layer(dat.text("add_prev_"))
        a, b = self.plane, self.tags[number]
        extents = [max(pair) for pair in zip(a.shape, b.shape, strict=True)]
        total = np.zeros(extents, np.float32)
        for one in (a, b):
            total[tuple(slice(n) for n in one.shape)] += one
        self.plane = total

    def dense(self, out: int) -> None:
        flat = self.plane.ravel()
        weights = self._draw.normal(0, 0.3, (flat.size, out)).astype(np.float32)
        body = dat.text("fc_2") + dat.integer(out) + dat.integer(flat.size)
        body += dat.tensor(weights.reshape(flat.size, out, 1, 1))
        body += dat.shape(flat.size, out, 1, 1) + dat.shape(0, 0, 0, 0) + dat.integer(1)
        self.layer(body + dat.reals([1, 1, 1, 0]))
        self.plane = flat @ weights

    def block(self, filters: int, stride: int) -> None:
        self.conv(filters, 3, stride, pad=0 if stride == 2 else 1)
        self.affine()
        self.relu()
        self.conv(filters, 3, 1, pad=1)
        self.affine()

    def same(self, filters: int) -> None:
        self.tag(1)
        self.block(filters, 1)
        self.add(1)
        self.relu()

    def down(self, filters: int) -> None:
        self.tag(1)
        self.block(filters, 2)
        self.tag(2)
        self.skip(1)
        self.pool("avg", 2, 2)
        self.add(2)
        self.relu()


def small_resnet(picture: Array, seed: int = 0) -> tuple[bytes, Array]:
    """The file's bytes and the vector for *picture*, (150, 150, 3) RGB 0..255."""
    mean = np.array(MEAN, np.float32)
    plane: Array = ((picture - mean) / np.float32(256)).transpose(2, 0, 1)
    net = Net(seed, plane)
    net.conv(2, 7, 2, first=True)
    net.affine()
    net.relu()
    net.pool("max", 3, 2)
    for filters, repeats, down in ((2, 3, False), (3, 3, True), (4, 2, True), (5, 2, True)):
        if down:
            net.down(filters)
        for _ in range(repeats):
            net.same(filters)
    net.down(5)
    net.pool("avg", 0, 1)
    net.dense(6)
    head = dat.integer(1) + dat.text("loss_metric_")
    source = dat.text("input_rgb_image_sized") + dat.reals(MEAN) + dat.integer(150) * 2
    return head + b"".join(reversed(net.versions)) + source + b"".join(net.details), net.plane
