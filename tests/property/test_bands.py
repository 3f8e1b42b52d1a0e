"""Bands over any pack, scores, frames and gallery: no gap, no fall, no lead that is not clear."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.gallery import Entry, Gallery, Hit, mean_template
from models.manifest import Metric, Thresholds
from models.matcher import Band, Matcher, Policy, band_of, policy_for
from models.purpose import Purpose
from models.values import Probe, Quality

Row = npt.NDArray[np.float32]
DIM = 4
MS = 1_000_000
NEAR = 1e-5
SCORES = st.floats(-1, 1)
MARGINS = st.none() | st.floats(0, 2)
FRAMES = st.integers(0, 6)
TEMPLATES = hnp.arrays(np.float32, DIM, elements=st.floats(-1, 1, width=32)).map(
    lambda row: row + np.float32(0.01)
)
QUALITY = Quality(0.8, 1.0, 1.0, 0.8, 120.0, 0.0)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    review, floor, *means = sorted(draw(st.lists(SCORES, min_size=5, max_size=5)))
    found = Thresholds(
        frame=draw(SCORES),
        mean_of_3=means[0],
        mean_of_4=means[1],
        mean_of_5=means[2],
        review=review,
        margin=draw(st.floats(0, 1)),
        floor=floor,
    )
    return policy_for(found, draw(st.integers(3, 5)))


@dataclass(frozen=True)
class Listed:
    """Entries, each with its rows."""

    metric: Metric
    entries: list[tuple[Entry, Row]]

    def gallery(self, *realms: bool) -> Gallery:
        kept = [(entry, rows) for entry, rows in self.entries if entry.exercise in realms]
        rows = np.concatenate([np.zeros((0, DIM), np.float32), *(found for _, found in kept)])
        return Gallery("any", self.metric, [entry for entry, _ in kept], rows, Purpose.WATCHLIST)


@st.composite
def lists(draw: st.DrawFn) -> Listed:
    entries = []
    for number in range(draw(st.integers(1, 6))):
        own, near = draw(st.integers(1, 3)), draw(st.integers(0, 2))
        rows = np.stack([draw(TEMPLATES) for _ in range(own + near)])
        entries.append((Entry(f"w-{number}", draw(st.booleans()), own, near), rows))
    metrics: list[Metric] = ["cosine", "euclidean"]
    return Listed(draw(st.sampled_from(metrics)), entries)


@given(policies(), SCORES, MARGINS, FRAMES, FRAMES)
def test_bands_leave_no_gap(
    policy: Policy, score: float, margin: float | None, frames: int, agreeing: int
) -> None:
    band = band_of(policy, score, margin, frames=frames, agreeing=agreeing)
    if frames < 3 or score < policy.review:
        assert band is Band.UNKNOWN
        return
    clear = margin is None or margin >= policy.margin
    certain = score >= policy.lead and frames >= policy.frames and agreeing >= 2 and clear
    assert band is (Band.LEAD if certain else Band.REVIEW)


@given(policies(), SCORES, MARGINS, FRAMES, FRAMES, st.data())
def test_more_of_anything_is_never_a_lower_band(
    policy: Policy,
    score: float,
    margin: float | None,
    frames: int,
    agreeing: int,
    data: st.DataObject,
) -> None:
    before = band_of(policy, score, margin, frames=frames, agreeing=agreeing)
    after = band_of(
        policy,
        data.draw(st.floats(score, 1)),
        margin if margin is None else data.draw(st.floats(margin, 3)),
        frames=frames + data.draw(st.integers(0, 2)),
        agreeing=agreeing + data.draw(st.integers(0, 2)),
    )
    assert before.rank <= after.rank


@given(lists(), TEMPLATES)
def test_a_hit_is_ahead_of_its_realm_and_of_everybody_it_is_known_not_to_be(
    listed: Listed, row: Row
) -> None:
    gallery = listed.gallery(False, True)
    scores, near = (
        gallery.scores(row[None], Purpose.WATCHLIST)[0],
        gallery.look_alikes(row, Purpose.WATCHLIST),
    )
    hits = gallery.best(scores, near)
    for place, entry in enumerate(gallery.entries):
        hit = next((h for h in hits if h.exercise is entry.exercise), None)
        beaten = place in near and near[place] >= scores[place]
        if hit is None:
            assert beaten
        elif hit.entry_id == entry.entry_id:
            assert not beaten
            assert hit.score == scores[place]
            _check_margin(gallery, hit, scores, near, place)
        else:
            assert beaten or scores[place] <= hit.score


def _check_margin(
    gallery: Gallery,
    hit: Hit,
    scores: npt.NDArray[np.float64],
    near: dict[int, float],
    place: int,
) -> None:
    realm = [n for n, e in enumerate(gallery.entries) if e.exercise is hit.exercise and n != place]
    rivals = [float(scores[n]) for n in realm if near.get(n, -9.0) < scores[n]]
    rivals += [near[place]] if place in near else []
    assert hit.margin == (hit.score - max(rivals) if rivals else None)


@given(policies(), lists(), st.lists(TEMPLATES, min_size=1, max_size=8))
def test_realms_answer_as_if_the_other_were_not_there(
    policy: Policy, listed: Listed, rows: list[Row]
) -> None:
    assume(_clear(policy, listed, rows))
    said = _said(policy, listed.gallery(False, True), rows)
    for realm in (False, True):
        alone = _said(policy, listed.gallery(realm), rows)
        assert [verdict for verdict in said if verdict[1] is realm] == alone


def _clear(policy: Policy, listed: Listed, rows: list[Row]) -> bool:
    """No score so near to another, or to a limit, that a rounding decides.

    The sums of a matrix of another shape are rounded otherwise in the last bit.
    """
    means = [mean_template(some, listed.metric) for some in itertools.combinations(rows, 3)]
    scores = listed.gallery(False, True).scores(np.stack([*rows, *means]), Purpose.WATCHLIST)
    for row in scores:
        apart = np.abs(row[:, None] - row[None])[np.triu_indices(len(row), 1)]
        limits = (policy.lead, policy.frame, policy.review)
        close = min(np.abs(np.subtract.outer(row, limits)).min(), apart.min(initial=1.0))
        if min(close, np.abs(apart - policy.margin).min(initial=1.0)) < NEAR:
            return False
    return True


def _said(policy: Policy, gallery: Gallery, rows: list[Row]) -> list[tuple[str, bool, Band]]:
    matcher = Matcher(policy, gallery)
    verdicts = [
        verdict
        for number, row in enumerate(rows)
        for verdict in matcher.observe(1, Probe(row, QUALITY), number * 200 * MS)
    ]
    return [(v.entry_id, v.exercise, v.band) for v in verdicts]
