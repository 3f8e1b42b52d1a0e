"""Makes the int8 form of a pack, and says what it costs and gains.

Here: the pack beside the pack, and both computed on the same faces. Not here: writing integers
(``models.quantize``), how often each errs (``models.evaluate_report``).
The form is a pack with a ``model_id`` and thresholds of its own: templates of both are never
compared.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models import pictures
from models.artefacts import Progress
from models.chips import cut
from models.embedder import Embedder
from models.engine import open_pack
from models.evaluate_groups import People, read_groups
from models.fetch import put_pack
from models.gallery import Entry, Gallery
from models.licences import shipped
from models.manifest import Metric
from models.packs import Pack, load_pack, prove, read_pack
from models.purpose import Purpose
from models.quality import live_gate
from models.quantize import parse_ranges, quantize
from models.selftest import parse_golden
from models.sources import Recipe, quantized_names, recipe
from models.values import Image, Vector

_ROUNDS = 40
_SMALLEST_PX = 45
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """How far the int8 form is from the pack, as scores (higher is more alike).

    ``own``: of one face by both, mean and worst (1 is no change); ``pairs``: how much the score of
    two faces moves, on average, at most, and on average with its sign.
    """

    name: str
    faces: int
    own_mean: float
    own_worst: float
    pairs_mean: float
    pairs_worst: float
    pairs_bias: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What the int8 form costs (``changes``) and gains: processor time a template, bytes."""

    changes: tuple[Change, ...]
    pack_ms: float
    int8_ms: float
    pack_bytes: int
    int8_bytes: int


def int8_recipe(name: str) -> Recipe:
    """The recipe of a pack's int8 form; :class:`PackError` naming the packs that have one."""
    for form, of in quantized_names().items():
        if of == name:
            return recipe(form)
    known = ", ".join(quantized_names().values())
    raise PackError(f"no int8 form of {name!r} is known; there is one of: {known}")


def quantize_pack(name: str, folder: Path, progress: Progress) -> Path:
    """Make the int8 form of the pack *name* in *folder*, proved; returns its folder."""
    made = int8_recipe(name)
    manifest, contents = read_pack(folder, name)
    prove(manifest, contents, folder / name)
    path = manifest.file("embedder").path
    where = f"ranges_{name}.json"
    progress("quantize", 0.0)
    whole = contents | {path: quantize(contents[path], parse_ranges(shipped(where), where))}
    progress("quantize", 1.0)
    return put_pack(made, folder, whole, progress)


def cost(name: str, folder: Path, data: Path | None, stage: Progress) -> Cost:
    """Both forms on the drawn faces of the golden answers, and on photos below *data*, if given."""
    form = int8_recipe(name).name
    one, other = load_pack(folder, name), load_pack(folder, form)
    chips = _drawn(one)
    metric = one.body.embedder.metric
    vectors = [[pack.parts.embedder.embed(chip) for chip in chips] for pack in (one, other)]
    changes = [_change("drawn pictures", vectors[0], vectors[1], metric)]
    if data is not None:
        changes += _photographed(name, form, folder, data, stage)
    pack_ms, int8_ms = _times(one.parts.embedder, other.parts.embedder, chips[0])
    sizes = [pack.manifest.file("embedder").bytes for pack in (one, other)]
    return Cost(tuple(changes), pack_ms, int8_ms, sizes[0], sizes[1])


def _drawn(pack: Pack) -> list[Image]:
    """The chips of the golden answers: drawn pictures that show nobody."""
    golden = parse_golden(recipe(pack.body.name).golden)
    chips = [pictures.picture(sample.picture) for sample in golden.vectors]
    return chips + [
        cut(pictures.picture(face.picture), np.array(face.landmarks), pack.body.embedder.geometry)
        for face in golden.chains
    ]


def _photographed(name: str, form: str, folder: Path, data: Path, stage: Progress) -> list[Change]:
    gate = live_gate(_SMALLEST_PX)
    engines = open_pack(folder, name), open_pack(folder, form)
    before, after = (read_groups(one, data, gate, [People.ALL], stage) for one in engines)
    changes = []
    for group, found in before.items():
        if len(found.samples) > 1:
            vectors = [[sample.vector for sample in one.samples] for one in (found, after[group])]
            changes.append(_change(group, vectors[0], vectors[1], engines[0].metric))
    return changes


def _change(name: str, one: Sequence[Vector], other: Sequence[Vector], metric: Metric) -> Change:
    if len(one) != len(other):
        raise PackError(f"{name}: the forms do not agree which photos are usable")
    own = np.diagonal(_scores(one, other, metric))
    moved = _pairs(other, metric) - _pairs(one, metric)
    return Change(
        name,
        len(one),
        float(own.mean()),
        float(own.min()),
        float(np.abs(moved).mean()),
        float(np.abs(moved).max()),
        float(moved.mean()),
    )


def _scores(one: Sequence[Vector], other: Sequence[Vector], metric: Metric) -> Scores:
    entries = [Entry(str(i), exercise=False, templates=1) for i in range(len(other))]
    gallery = Gallery("", metric, entries, np.stack(other), Purpose.MEASURE)
    return gallery.scores(np.stack(one), Purpose.MEASURE)


def _pairs(vectors: Sequence[Vector], metric: Metric) -> Scores:
    scores: Scores = _scores(vectors, vectors, metric)[np.triu_indices(len(vectors), 1)]
    return scores


def _times(one: Embedder, other: Embedder, chip: Image) -> tuple[float, float]:
    """Milliseconds of this thread's processor time, which does all: the middle of many of each.

    They take turns, so that what else the machine does meets both.
    """
    taken = np.zeros((_ROUNDS, 2))
    for row in taken:
        for column, embedder in enumerate((one, other)):
            began = time.thread_time()
            embedder.embed(chip)
            row[column] = (time.thread_time() - began) * 1e3
    middle = np.median(taken, axis=0)
    return float(middle[0]), float(middle[1])
