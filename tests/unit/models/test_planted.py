"""Faults planted into how detectors and liveness networks are fed and read, one at a time.

The pack's files are whole; it is the program that is wrong, as it would be after a careless change
or with a library that computes otherwise. The golden answers must tell before a pack is used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.core.errors import PackError
from models import detector, livenet, normalise, yunet
from models.packs import load_detector, load_liveness
from models.values import Box
from tests.unit.models.fixtures import need_pack
from tests.unit.models.test_roles import Change, copied, swapped

Plant = Callable[[pytest.MonkeyPatch], None]


def around(module: Any, name: str, change: Callable[..., Any]) -> Plant:
    """A plant that hands what *name* gives, and what it was given, to *change*."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = getattr(module, name)
        patch.setattr(module, name, lambda *given: change(real(*given), *given))

    return plant


def fed(module: Any, name: str, change: Callable[..., tuple[Any, ...]]) -> Plant:
    """A plant that changes what *name* is given."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = getattr(module, name)
        patch.setattr(module, name, lambda *given: real(*change(*given)))

    return plant


def put(module: Any, name: str, value: Any) -> Plant:
    """A plant that sets a constant."""
    return lambda patch: patch.setattr(module, name, value)


def rgb_for_bgr(patch: pytest.MonkeyPatch) -> None:
    real = detector.Detector.maps
    patch.setattr(
        detector.Detector,
        "maps",
        lambda self, picture: real(self, np.ascontiguousarray(picture[:, :, ::-1])),
    )


def other_colours(patch: pytest.MonkeyPatch) -> None:
    real = normalise.Normalise.__call__
    patch.setattr(
        normalise.Normalise, "__call__", lambda self, pictures: real(self, pictures[..., ::-1])
    )


def larger(size: tuple[int, int], *_given: object) -> tuple[int, int]:
    return size[0] + 32, size[1] + 32


def turned(size: tuple[int, int], *_given: object) -> tuple[int, int]:
    return size[1], size[0]


YUNET: dict[str, Plant] = {
    "colours": other_colours,
    "input size": around(yunet, "input_size", larger),
    "width for height": around(yunet, "input_size", turned),
    "picture not halved": fed(yunet, "shrink", lambda picture, size: (picture[::2, ::2], size)),
    "finer strides": put(yunet, "_STRIDES", (4, 8, 16)),
    "coarser strides": put(yunet, "_STRIDES", (16, 32, 64)),
    "strides exchanged": put(yunet, "_STRIDES", (32, 16, 8)),
    "anchor half a cell off": fed(
        yunet, "_decoded",
        lambda s, b, m, c, stride, size: (s, np.add(b, [0.5, 0.5, 0, 0]), m, c, stride, size),
    ),
    "anchor of boxes a cell off": fed(
        yunet, "_decoded", lambda s, b, m, c, stride, size: (s, b, m, c + 1, stride, size)
    ),
    "landmarks a tenth of a cell off": fed(
        yunet, "_decoded", lambda s, b, m, c, stride, size: (s, b, m + 0.1, c, stride, size)
    ),
    "x for y": fed(
        yunet, "_decoded",
        lambda s, b, m, c, stride, size: (s, b[:, [1, 0, 3, 2]], m, c, stride, size),
    ),
    "size not as a logarithm": fed(
        yunet, "_decoded",
        lambda s, b, m, c, stride, size: (
            s, np.concatenate([b[:, :2], np.log(np.abs(b[:, 2:]) + 1e-6)], 1), m, c, stride, size,
        ),
    ),
    "score without the root": fed(
        yunet, "_decoded", lambda s, b, m, c, stride, size: (s * s, b, m, c, stride, size)
    ),
}  # fmt: skip

CENTERFACE: dict[str, Plant] = {
    "colours": rgb_for_bgr,
    "input size": around(detector, "input_size", larger),
    "width for height": around(detector, "input_size", turned),
    "picture not halved": fed(detector, "shrink", lambda picture, size: (picture[::2, ::2], size)),
    "cells of 8 px": put(detector, "_CELL_PX", 8),
    "anchor half a cell off": around(detector, "_boxes", lambda boxes, *_: boxes + 2.0),
    "landmarks half a px off": around(detector, "_landmarks", lambda marks, *_: marks + 0.5),
    "x for y": fed(
        detector, "_boxes", lambda e, o, rows, columns, size: (e, o, columns, rows, size)
    ),
    "offsets exchanged": fed(
        detector, "_boxes", lambda e, o, rows, columns, size: (e, o[::-1], rows, columns, size)
    ),
    "height for width": fed(
        detector, "_boxes", lambda e, o, rows, columns, size: (e[::-1], o, rows, columns, size)
    ),
    "landmarks y for x": around(detector, "_landmarks", lambda marks, *_: marks[:, :, ::-1]),
}  # fmt: skip


@pytest.mark.parametrize("fault", YUNET)
def test_yunet_fed_or_read_otherwise_is_not_used(
    packs: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    need_pack(packs, "yunet")
    YUNET[fault](monkeypatch)
    with pytest.raises(PackError, match=r"yunet.* is not what it must be|not YuNet's"):
        load_detector(packs, "yunet")


@pytest.mark.parametrize("fault", CENTERFACE)
def test_centerface_fed_or_read_otherwise_is_not_used(
    packs: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    CENTERFACE[fault](monkeypatch)
    with pytest.raises(PackError, match=r"dlib: .* is not what it must be"):
        load_detector(packs, "dlib")


@pytest.mark.parametrize("detectors", ["yunet", "dlib"])
def test_a_size_that_is_not_taken_back_is_caught(
    packs: Path, monkeypatch: pytest.MonkeyPatch, detectors: str
) -> None:
    """Faces are found in a smaller picture and said in that one's pixels."""
    need_pack(packs, detectors)
    module = yunet if detectors == "yunet" else detector
    kind = yunet.YuNet if detectors == "yunet" else detector.Detector
    real = kind.detect

    def small(self: Any, picture: Any, budget: int) -> Any:
        height, width = picture.shape[:2]
        return real(self, module.shrink(picture, module.input_size(width, height, budget)), budget)

    monkeypatch.setattr(kind, "detect", small)
    with pytest.raises(PackError, match="is not what it must be"):
        load_detector(packs, detectors)


LIVENESS: dict[str, Plant] = {
    "colours": other_colours,
    "face's box a tenth off": around(
        livenet, "face_box",
        lambda box, *_: Box(box.left + 0.1 * box.width, box.top, box.right + 0.1 * box.width,
                            box.bottom),
    ),
    "surroundings cut, not moved": around(
        livenet, "surroundings", lambda found, *_: (found[0], found[1], found[2] - 8, found[3])
    ),
    "surroundings half as large": fed(
        livenet, "surroundings", lambda face, width, height, crop: (face, width, height, crop / 2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", LIVENESS)
def test_liveness_fed_otherwise_is_not_used(
    packs: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    need_pack(packs, "minifasnet")
    LIVENESS[fault](monkeypatch)
    with pytest.raises(PackError, match=r"minifasnet: liveness .* is not what it must be"):
        load_liveness(packs, "minifasnet")


def another_live_class(spec: dict[str, Any]) -> None:
    spec["live"] = spec["classes"][0]


def classes_exchanged(spec: dict[str, Any]) -> None:
    spec["classes"] = spec["classes"][::-1]
    spec["live"] = spec["classes"][2]


def other_input_size(spec: dict[str, Any]) -> None:
    spec["side_px"] = 96


WRITTEN: tuple[tuple[str, str, Change], ...] = (
    ("yunet", "detector", swapped),
    ("yunet", "detector", lambda spec: spec["square"].update(x=0.5)),
    ("yunet", "detector", lambda spec: spec["square"].update(side=1.1)),
    ("minifasnet", "liveness", another_live_class),
    ("minifasnet", "liveness", classes_exchanged),
    ("minifasnet", "liveness", other_input_size),
)


@pytest.mark.parametrize(("name", "role", "fault"), WRITTEN)
def test_a_manifest_that_says_otherwise_is_not_used(
    packs: Path, tmp_path: Path, name: str, role: str, fault: Change
) -> None:
    copied(packs, need_pack(packs, name), tmp_path, fault, role)
    load = load_detector if role == "detector" else load_liveness
    with pytest.raises(PackError, match=r"is not what it must be|cannot compute"):
        load(tmp_path, "mine")
