"""dlib's landmark predictor (a cascade of regression trees) as dense arrays.

Here: reading ``shape_predictor_5_face_landmarks.dat``, the arrays' form in a pack (``.npz``
without pickle) and its checks. Not here: predicting (``models.aligner``). The method is Kazemi
and Sullivan, One millisecond face alignment with an ensemble of regression trees, CVPR 2014.
Only five landmarks are read: the 68-point predictor's licence excludes commercial use.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.dlibdat import DatReader, Floats

LANDMARKS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """The predictor. C cascades of T full trees with S splits each, F probed pixels a cascade.

    ``start`` (5, 2) the mean shape in the unit square; ``first``, ``second`` (C, T, S) which
    pixels a split compares; ``limit`` (C, T, S) by how much; ``leaf`` (C, T, S + 1, 10) what is
    added to the shape; ``anchor`` (C, F) the landmark a pixel is near; ``delta`` (C, F, 2) where.
    """

    start: Floats
    first: npt.NDArray[np.uint16]
    second: npt.NDArray[np.uint16]
    limit: Floats
    leaf: Floats
    anchor: npt.NDArray[np.uint8]
    delta: Floats

    def __post_init__(self) -> None:
        """Indices within bounds and shapes that agree, else :class:`PackError`."""
        cascades, trees, splits = self.limit.shape
        pixels = self.anchor.shape[1]
        if (splits + 1) & splits or not splits:
            raise PackError(f"the predictor's trees have {splits} splits: not a full tree")
        wanted = {
            "start": (LANDMARKS, 2),
            "first": (cascades, trees, splits),
            "second": (cascades, trees, splits),
            "leaf": (cascades, trees, splits + 1, 2 * LANDMARKS),
            "anchor": (cascades, pixels),
            "delta": (cascades, pixels, 2),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise PackError(f"the predictor's {name} is not of shape {shape}")
        if max(self.first.max(), self.second.max()) >= pixels or self.anchor.max() >= LANDMARKS:
            raise PackError("the predictor points outside its own tables")


_TYPES = {"first": np.uint16, "second": np.uint16, "anchor": np.uint8}


def read_cascade(data: bytes, name: str = "the predictor file") -> Cascade:
    """The predictor in *data*; :class:`PackError` when damaged or not of five landmarks."""
    dat = DatReader(data, name)
    dat.expect(1)
    start = dat.matrix().ravel()
    if start.size != 2 * LANDMARKS:
        raise dat.fault(f"{start.size // 2} landmarks; only the 5-point predictor may be used")

    def split() -> tuple[int, int, float]:
        return dat.integer(), dat.integer(), dat.real()

    def tree() -> tuple[list[tuple[int, int, float]], list[Floats]]:
        return dat.many(split), dat.many(lambda: dat.matrix().ravel())

    forests = dat.many(lambda: dat.many(tree))
    anchor = dat.many(lambda: dat.integers(dat.count()))
    delta = dat.many(lambda: dat.many(lambda: dat.reals(2)))
    dat.finish()
    try:
        splits = np.array([[t[0] for t in forest] for forest in forests], np.float64)
        leaf = np.array([[t[1] for t in forest] for forest in forests], np.float32)
        return Cascade(
            start.reshape(LANDMARKS, 2),
            _small(splits[..., 0], np.uint16),
            _small(splits[..., 1], np.uint16),
            splits[..., 2].astype(np.float32),
            leaf,
            _small(np.array(anchor, np.float64), np.uint8),
            np.array(delta, np.float32),
        )
    except (ValueError, IndexError) as error:
        raise dat.fault(f"the trees do not fit each other ({error})") from error


def _small(values: npt.NDArray[np.float64], kind: type) -> npt.NDArray[np.unsignedinteger]:
    if values.min() < 0 or values.max() > np.iinfo(kind).max:
        raise ValueError(f"an index is outside {kind.__name__}")
    return values.astype(kind)


def dump_cascade(cascade: Cascade) -> bytes:
    """The form a pack stores: an ``.npz`` archive of plain arrays, the same bytes every time."""
    target = io.BytesIO()
    arrays = {field.name: getattr(cascade, field.name) for field in fields(Cascade)}
    np.savez(target, **arrays)
    return target.getvalue()


def load_cascade(data: bytes, name: str = "landmarks.npz") -> Cascade:
    """What :func:`dump_cascade` stored. Never unpickles; :class:`PackError` when damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays: dict[str, Any] = dict(_checked(archive))
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise PackError(f"{name} is damaged ({error}); fetch the models again") from error
    return Cascade(**arrays)


def _checked(archive: np.lib.npyio.NpzFile) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    for field in fields(Cascade):
        array = archive[field.name]
        kind = _TYPES.get(field.name, np.float32)
        if array.dtype != kind or not array.size:
            raise ValueError(f"{field.name} is of {array.dtype}, not {np.dtype(kind)}")
        if kind is np.float32 and not np.isfinite(array).all():
            raise ValueError(f"{field.name} holds a number that is not finite")
        yield field.name, array
