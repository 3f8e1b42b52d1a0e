"""Searches in a gallery whose people the probe may or may not belong to (open set).

Here: who is enrolled, who searches, what comes back. FNIR: the share of searches by enrolled
people whose own entry is not first and at or above the threshold. FPIR: the share of searches by
strangers in which any entry reaches it. Names as in NIST's FRTE 1:N.

A group's people are drawn ten times: half of them at most are enrolled, so that strangers of the
same group remain. People of other groups fill the gallery up; they lend strangers only when the
group's own searches are too few to show a rate, and the row says so.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluate import NO_SESSION, Rate, Sample, count, threshold_at
from models.evaluate_pairs import Scores
from models.gallery import Entry, Gallery
from models.manifest import Metric
from models.purpose import Purpose

DRAWS = 10
_MOST_GUESTS = 300
Groups = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """All searches of a group in galleries of one size.

    ``mated`` scores of a person's own entry, minus infinity where another entry was before it;
    ``strangers`` best scores of the group's own people who are not enrolled, ``guests`` those of
    other groups. ``people`` how many different people stand behind each of the three; ``fillers``
    people of other groups in the gallery, on average. ``why`` is not empty when nothing was done.
    """

    mated: Scores
    strangers: Scores
    guests: Scores
    people: tuple[int, int, int]
    fillers: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class OpenRow:
    """FNIR where at most ``fpir`` of the strangers' searches return somebody.

    ``strangers`` different people searched without being enrolled, ``joined`` of them from other
    groups. ``fnir`` is None where ``why`` says what is missing.
    """

    gallery: int
    photos: int
    fpir: float
    threshold: float | None
    fnir: Rate | None
    strangers: int
    joined: int
    searches: int
    fillers: int
    why: str


def search(
    groups: Groups, name: str, metric: Metric, *, gallery: int, photos: int, draws: int = DRAWS
) -> Searches:
    """Draw galleries of *gallery* people with *photos* photos each and search them."""
    found = [
        drawn
        for number in range(draws)
        if (drawn := _draw(groups, name, gallery, photos, number)) is not None
    ]
    if not found:
        return _nothing(_shortage(groups, name, gallery, photos))
    mated, strangers, guests = [], [], []
    for drawn in found:
        enrolled = _enrol(drawn, metric)
        mated.append(_own_scores(enrolled, drawn.probes))
        strangers.append(_best_scores(enrolled, drawn.strangers))
        guests.append(_best_scores(enrolled, drawn.guests))
    return Searches(
        np.concatenate(mated), np.concatenate(strangers), np.concatenate(guests),
        (
            len({s.person for drawn in found for s in drawn.probes}),
            len({s.person for drawn in found for s in drawn.strangers}),
            len({s.person for drawn in found for s in drawn.guests}),
        ),
        round(sum(drawn.fillers for drawn in found) / len(found)),
    )  # fmt: skip


def row_at(found: Searches, gallery: int, photos: int, fpir: float) -> OpenRow:
    """FNIR at *fpir*; strangers of other groups join when the own are too few to show it.

    Then none of the group's own strangers passes either, so joining never makes a threshold laxer.
    """
    own = found.strangers
    joined = 0 if found.why or len(own) * fpir >= 1 else found.people[2]
    scores = np.concatenate([own, found.guests]) if joined else own
    why = found.why
    if not why and len(scores) * fpir < 1:
        why = f"{len(scores)} searches of strangers cannot show a rate of {fpir:g}"
    if not why and not len(found.mated):
        why = "no enrolled person has a further photo to search with"
    threshold = None if why else threshold_at(scores, fpir)
    if threshold is not None and joined and len(own):
        threshold = max(threshold, float(np.nextafter(own.max(), np.inf)))
    fnir = None if threshold is None else missed(found, threshold)
    return OpenRow(
        gallery, photos, fpir, threshold, fnir, found.people[1] + joined, joined, len(scores),
        found.fillers, why,
    )  # fmt: skip


def missed(found: Searches, threshold: float) -> Rate:
    """FNIR at *threshold*."""
    hits = count(found.mated, threshold)
    return Rate(hits.trials - hits.hits, hits.trials)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """One gallery and who searches it."""

    enrolled: dict[str, list[Sample]]
    probes: list[Sample]
    strangers: list[Sample]
    guests: list[Sample]
    fillers: int


def _draw(groups: Groups, name: str, size: int, photos: int, number: int) -> _Drawn | None:
    """The *number*-th draw; None when there are not people enough."""
    seed = hashlib.sha256(f"{name}/{size}/{photos}/{number}".encode()).digest()
    draw = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    own = _by_person(groups[name])
    enrolled: dict[str, list[Sample]] = {}
    probes: list[Sample] = []
    for person in _shuffled(own, draw):
        if len(enrolled) == min(size, len(own) // 2):
            break
        chosen, rest = _parted(own[person], photos, draw)
        if rest:
            enrolled[person] = chosen
            probes += rest
    strangers = [s for person, samples in own.items() if person not in enrolled for s in samples]
    fillers, guests = _others(groups, name, size - len(enrolled), photos, draw)
    if not enrolled or len(enrolled) + len(fillers) < size:
        return None
    return _Drawn(enrolled | fillers, probes, strangers, guests, len(fillers))


def _parted(
    samples: Sequence[Sample], photos: int, draw: random.Random
) -> tuple[list[Sample], list[Sample]]:
    """*photos* of a person's photos to enrol, and those of other sessions to search with."""
    order = draw.sample(list(samples), len(samples))
    chosen = order[:photos]
    if len(chosen) < photos:
        return chosen, []
    used = {sample.session for sample in chosen} - {NO_SESSION}
    return chosen, [sample for sample in order[photos:] if sample.session not in used]


def _others(
    groups: Groups, name: str, wanted: int, photos: int, draw: random.Random
) -> tuple[dict[str, list[Sample]], list[Sample]]:
    """People of other groups: as many entries as *wanted*, the rest as strangers' photos.

    Those with enough photos are enrolled first, then those with fewer, with what they have.
    Somebody of the same name is taken for the same person and left out.
    """
    known = {sample.person for sample in groups[name]}
    people: dict[str, list[Sample]] = {}
    for other in sorted(groups):
        for person, samples in _by_person(groups[other]).items():
            if other != name and person not in known:
                people.setdefault(person, []).extend(samples)
    order = sorted(_shuffled(people, draw), key=lambda p: -min(len(people[p]), photos))
    fillers = {p: draw.sample(people[p], min(photos, len(people[p]))) for p in order[:wanted]}
    guests = [sample for person in order[wanted:] for sample in people[person]]
    return fillers, draw.sample(guests, min(_MOST_GUESTS, len(guests)))


def _by_person(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    people: dict[str, list[Sample]] = {}
    for sample in samples:
        people.setdefault(sample.person, []).append(sample)
    return people


def _shuffled(people: Mapping[str, object], draw: random.Random) -> list[str]:
    return draw.sample(sorted(people), len(people))


def _enrol(drawn: _Drawn, metric: Metric) -> Gallery:
    entries = [Entry(p, exercise=False, templates=len(s)) for p, s in drawn.enrolled.items()]
    rows = np.stack([s.vector for samples in drawn.enrolled.values() for s in samples])
    return Gallery("", metric, entries, rows, Purpose.MEASURE)


def _own_scores(gallery: Gallery, probes: Sequence[Sample]) -> Scores:
    """Each probe's score with its own entry, minus infinity when another entry comes first."""
    scores = gallery.scores(np.stack([probe.vector for probe in probes]), Purpose.MEASURE)
    place = {entry.entry_id: column for column, entry in enumerate(gallery.entries)}
    own = scores[np.arange(len(probes)), [place[probe.person] for probe in probes]]
    return np.where(own >= scores.max(1), own, -np.inf)


def _best_scores(gallery: Gallery, probes: Sequence[Sample]) -> Scores:
    if not probes:
        return np.zeros(0)
    best: Scores = gallery.scores(
        np.stack([probe.vector for probe in probes]), Purpose.MEASURE
    ).max(1)
    return best


def _nothing(why: str) -> Searches:
    return Searches(np.zeros(0), np.zeros(0), np.zeros(0), (0, 0, 0), 0, why)


def _shortage(groups: Groups, name: str, size: int, photos: int) -> str:
    people = {sample.person for samples in groups.values() for sample in samples}
    if len(people) - len(_by_person(groups[name])) // 2 < size:
        return f"{len(people)} people of all groups are too few for a gallery of {size}"
    return (
        f"too few people of {name} have {photos} photo(s) and one of another session to search"
        f" with, and other groups too few people to fill a gallery of {size}"
    )
