"""Measures an engine on labelled photos: how often strangers pass, how often people are missed.

Here: reading a folder of photos (one folder a person), the trials, the counts. Not here: choosing
what to do about them, printing. The photos stay where they are and nothing of them is kept.
A threshold belongs to a model and a population: measure on people like those who pass the gate.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError
from models.engine import FaceEngine
from models.gallery import Entry, Gallery, mean_template
from models.manifest import FEWEST_FRAMES, Metric
from models.matcher import Band, Policy, band_of
from models.purpose import Purpose
from models.quality import Gate, assess
from models.values import Image, Vector

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
NO_SESSION = "."
# A photo cut tight around a face is looked at again with this share of its width added all round.
_TIGHT = 0.5

Advance = Callable[[float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A template with the person's folder it came from, and the session's below it, if any."""

    person: str
    session: str
    vector: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """Usable photos, and of those not used the person's folder and the reason."""

    samples: tuple[Sample, ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def skipped(self) -> Counter[str]:
        """How many photos were not used, by reason."""
        return Counter(why for _, why in self.refused)

    @property
    def images(self) -> int:
        """All photos, usable or not."""
        return len(self.samples) + len(self.refused)

    @property
    def people(self) -> int:
        """People with a photo, usable or not."""
        return len({s.person for s in self.samples} | {person for person, _ in self.refused})

    def of(self, wanted: Callable[[str], bool]) -> Collected:
        """The photos of those people only whom *wanted* says yes to."""
        return Collected(
            tuple(sample for sample in self.samples if wanted(sample.person)),
            tuple(one for one in self.refused if wanted(one[0])),
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """*hits* of *trials*; the bounds hold the true rate with 95 % confidence (Wilson)."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """The share; NaN without a trial."""
        return self.hits / self.trials if self.trials else math.nan

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's interval; (0, 1) without a trial. Few people vary more than it says."""
        if not self.trials:
            return 0.0, 1.0
        z, n, p = 1.959964, self.trials, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = max(middle - reach, 0.0), min(middle + reach, 1.0)
        return min(low, p), max(high, p)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Trials of a policy: of the same person, of two persons, and what they came to."""

    people: int
    true_leads: Rate
    true_reviews: Rate
    false_leads: Rate
    false_reviews: Rate


def collect(engine: FaceEngine, folder: Path, gate: Gate, border_px: int = 0) -> Collected:
    """As :func:`read_people`, of everybody; :class:`PackError` when no photo is usable."""
    found = read_people(engine, people_in(folder), gate, border_px)
    if not found.samples:
        raise PackError(f"{folder} has no usable photo; it needs one folder of photos a person")
    return found


def people_in(folder: Path) -> list[Path]:
    """The persons' folders below *folder*, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir())


def read_people(
    engine: FaceEngine,
    people: Sequence[Path],
    gate: Gate,
    border_px: int = 0,
    advance: Advance = lambda _share: None,
) -> Collected:
    """Templates of all photos in the folders *people*, one a person.

    Photos lie there directly, or in folders for sessions (one camera, one day). The largest face
    of each photo that passes *gate* counts. *border_px* is added all round first; a photo without
    a face is looked at once more with a border of half its width, since some collections are cut
    so tight that no detector finds the face. *advance* hears the share done, 0 to 1.
    """
    photos = [
        (person, path)
        for person in people
        for path in sorted(person.rglob("*"))
        if path.suffix.lower() in _SUFFIXES
    ]
    samples, refused = [], []
    for done, (person, path) in enumerate(photos, 1):
        vector = _vector(engine, path, gate, border_px)
        if isinstance(vector, str):
            refused.append((person.name, vector))
        else:
            session = str(path.parent.relative_to(person))
            samples.append(Sample(person.name, session, vector))
        advance(done / len(photos))
    return Collected(tuple(samples), tuple(refused))


def _vector(engine: FaceEngine, path: Path, gate: Gate, border_px: int) -> Vector | str:
    data = np.fromfile(path, np.uint8)
    raw = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if raw is None:
        return "unreadable"
    picture = _bordered(np.asarray(raw, np.uint8), border_px)
    faces = engine.detect(picture)
    if not faces and not border_px:
        picture = _bordered(picture, round(picture.shape[1] * _TIGHT))
        faces = engine.detect(picture)
    if not faces:
        return "no-face"
    face = max(faces, key=lambda one: one.box.width * one.box.height)
    height, width = picture.shape[:2]
    refusal = gate.refusal(assess(face, width, height), face.score)
    return refusal or engine.embed(picture, face).vector


def _bordered(picture: Image, border_px: int) -> Image:
    """*picture* with its edge repeated outwards."""
    edges = (border_px, border_px)
    return np.pad(picture, (edges, edges, (0, 0)), mode="edge") if border_px else picture


def pairs(
    samples: Sequence[Sample], metric: Metric
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Scores of all pairs of photos: (of the same person, of two persons)."""
    scores = _each_enrolled(samples, metric).scores(
        np.stack([s.vector for s in samples]), Purpose.MEASURE
    )
    people = np.array([sample.person for sample in samples])
    rows, columns = np.triu_indices(len(samples), 1)
    same = people[rows] == people[columns]
    found = scores[rows, columns]
    return found[same], found[~same]


def _each_enrolled(samples: Sequence[Sample], metric: Metric) -> Gallery:
    """A gallery in which every photo is an entry."""
    entries = [Entry(str(i), exercise=False, templates=1) for i in range(len(samples))]
    return Gallery(
        "", metric, entries, np.stack([sample.vector for sample in samples]), Purpose.MEASURE
    )


def threshold_at(impostors: npt.NDArray[np.float64], rate: float) -> float:
    """The lowest score that at most *rate* of the impostors reach; PackError if too few to tell."""
    if len(impostors) * rate < 1:
        raise PackError(
            f"{len(impostors)} pairs of different people cannot show a rate of {rate:g};"
            f" at least {math.ceil(1 / rate)} are needed, better three times as many"
        )
    ranked = np.sort(impostors)[::-1]
    return float(np.nextafter(ranked[math.floor(len(ranked) * rate)], np.inf))


def count(scores: npt.NDArray[np.float64], threshold: float) -> Rate:
    """How many scores reach the threshold."""
    return Rate(int((scores >= threshold).sum()), len(scores))


def passages(
    samples: Sequence[Sample], policy: Policy, metric: Metric, *, seed: int = 0, most_sets: int = 10
) -> Outcome:
    """Simulated passages: ``policy.frames`` photos of a session against every photo, enrolled.

    Photos of the same person's same session are not enrolled against it, unless the person has no
    sessions. At most *most_sets* sets of photos a session, drawn with *seed*. Unrelated photos of
    a person differ more than frames of one passage: both errors are likelier than at a gate.
    """
    gallery = _each_enrolled(samples, metric)
    results = {True: Counter[Band](), False: Counter[Band]()}
    for chosen in _sets(samples, policy.frames, seed, most_sets):
        frames = [samples[i].vector for i in chosen]
        rows = np.stack([mean_template(frames, metric), *frames])
        scores = gallery.scores(rows, Purpose.MEASURE)
        agreeing = (scores[1:] >= policy.frame).sum(0)
        first = samples[chosen[0]]
        for i, enrolled in enumerate(samples):
            same = enrolled.person == first.person
            if i in chosen or (same and enrolled.session == first.session != NO_SESSION):
                continue
            mean = float(scores[0, i])
            results[same][
                band_of(policy, mean, None, frames=len(frames), agreeing=int(agreeing[i]))
            ] += 1
    return _outcome(samples, results)


def _sets(samples: Sequence[Sample], size: int, seed: int, most: int) -> Iterator[tuple[int, ...]]:
    if size < FEWEST_FRAMES:
        raise PackError(f"a passage has at least {FEWEST_FRAMES} frames")
    draw = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    together: dict[tuple[str, str], list[int]] = {}
    for i, sample in enumerate(samples):
        together.setdefault((sample.person, sample.session), []).append(i)
    for members in together.values():
        choices = list(itertools.islice(itertools.combinations(members, size), 5000))
        yield from draw.sample(choices, min(most, len(choices)))


def _outcome(samples: Sequence[Sample], results: dict[bool, Counter[Band]]) -> Outcome:
    true, false = results[True], results[False]
    return Outcome(
        len({sample.person for sample in samples}),
        Rate(true[Band.LEAD], true.total()),
        Rate(true[Band.REVIEW], true.total()),
        Rate(false[Band.LEAD], false.total()),
        Rate(false[Band.REVIEW], false.total()),
    )
