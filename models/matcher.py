"""Decides, track by track, whether a face is a lead, worth a person's look, or nobody we look for.

Pure: templates and time come in, verdicts go out. For each track the best few frames of the last
two seconds are held, and their mean template is compared (the mean of 3 to 5 frames beats single
frames and votes; "any frame matches" multiplies false alarms).

Bands, without a gap, for a track with enough frames:
  lead     the mean reaches the lead threshold, two of the frames reach the frame threshold for
           the same entry on their own, and the second entry, and everybody who is known not to be
           this person, is a margin behind
  review   the mean reaches the review threshold, or a lead lacks agreement or margin
  unknown  everything else, which is the normal answer and is never reported; also a face that is
           nearer to a look-alike of the entry than to the entry
A verdict is given once for a track and entry, and again only when its band rises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from agent.core.errors import PackError
from models.gallery import Gallery, Hit, mean_template
from models.liveness import Glance
from models.manifest import FEWEST_FRAMES, MOST_FRAMES, Thresholds
from models.purpose import Purpose
from models.strangers import Strangers
from models.values import Probe, Quality, Vector

_NS = 1_000_000_000
_AGREEING_FRAMES = 2


class Band(StrEnum):
    """What a comparison came to."""

    UNKNOWN = "unknown"
    REVIEW = "review"
    LEAD = "lead"

    @property
    def rank(self) -> int:
        """0 for unknown, 2 for lead."""
        return {"unknown": 0, "review": 1, "lead": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Policy:
    """How strictly to decide.

    ``frames`` how many are averaged for a lead, 3 to 5 (a review needs 3); ``lead`` the mean's
    threshold; ``frame``, ``review`` and ``margin`` as in ``Thresholds``; ``hold_s`` how long a
    template lives; ``spacing_s`` frames closer than that count as one.
    """

    frames: int
    lead: float
    frame: float
    review: float
    margin: float
    hold_s: float = 1.7
    spacing_s: float = 0.1


def policy_for(thresholds: Thresholds, frames: int, lead: float | None = None) -> Policy:
    """The policy of a pack's thresholds; *lead* is what the configuration puts in their place.

    :class:`PackError` when *lead* is laxer than the pack allows or *frames* not 3 to 5.
    """
    if not FEWEST_FRAMES <= frames <= MOST_FRAMES:
        raise PackError(f"{frames} frames: choose {FEWEST_FRAMES} to {MOST_FRAMES}")
    if lead is None:
        lead = thresholds.lead(frames)
    elif lead < thresholds.floor:
        raise PackError(
            f"threshold {lead} is laxer than the pack allows ({thresholds.floor}): it would call"
            " strangers leads; higher is stricter"
        )
    frame = max(thresholds.frame, lead - (thresholds.lead(frames) - thresholds.frame))
    return Policy(frames, lead, frame, thresholds.review, thresholds.margin)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A track looks like an entry. Scores: higher is more alike; ``quality`` 0 to 1, the mean.

    ``glances``: the looks for liveness at the very frames that were compared; none without a check.
    """

    track: int
    entry_id: str
    exercise: bool
    band: Band
    score: float
    threshold: float
    margin: float | None
    frames: int
    quality: float
    at_ns: int
    glances: tuple[Glance, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A frame's template and when it was taken.

    ``since_ns``: when the first of the frames was taken that it is the best of, all within the
    spacing. Counted from the last, somebody who comes nearer would be one frame for ever.
    """

    at_ns: int
    probe: Probe
    since_ns: int


class Matcher:
    """Compares the tracks of one camera with the gallery, which is a watchlist's and no other."""

    def __init__(
        self, policy: Policy, gallery: Gallery, strangers: Strangers | None = None
    ) -> None:
        """*strangers* gathers statistics of who is compared."""
        self._policy = policy
        self._strangers = strangers
        self._best: dict[int, float] = {}
        self._gallery = gallery
        gallery.expect_purpose(Purpose.WATCHLIST)
        self._held: dict[int, list[_Held]] = {}
        self._said: dict[int, dict[tuple[str, bool], Band]] = {}
        self._compared: set[int] = set()
        self._compared_before = 0

    @property
    def compared(self) -> int:
        """How many tracks were compared since the start."""
        return self._compared_before + len(self._compared)

    @property
    def held(self) -> int:
        """Templates of passers-by in memory now."""
        return sum(len(frames) for frames in self._held.values())

    def replace_gallery(self, gallery: Gallery) -> None:
        """Compare with *gallery* from now on; what was said of a track stays said."""
        gallery.expect_purpose(Purpose.WATCHLIST)
        self._gallery = gallery

    def wants(self, track: int, quality: Quality, now_ns: int) -> bool:
        """Whether a frame of this quality would be held: if not, computing its template is idle."""
        self.forget(now_ns)
        if not self._gallery.entries:
            return False
        frames = self._held.get(track, [])
        return self._place(frames, quality.score, now_ns, _seen) is not None

    def observe(self, track: int, probe: Probe, now_ns: int) -> list[Verdict]:
        """Take a frame of *track*; returns what is newly known: at most one verdict a realm.

        The template is copied, and the copy wiped when it is forgotten.
        """
        self.forget(now_ns)
        frames = self._held.setdefault(track, [])
        place = self._place(frames, probe.trust, now_ns, _trust)
        if place is None or not self._gallery.entries:
            return []
        near = place < len(frames) and self._near(frames[place], now_ns)
        since_ns = frames[place].since_ns if near else now_ns
        _wipe(frames[place : place + 1])
        own = replace(probe, vector=probe.vector.copy())
        frames[place : place + 1] = [_Held(now_ns, own, since_ns)]
        if len(frames) < FEWEST_FRAMES:
            return []
        return self._judge(track, frames, now_ns)

    def end(self, tracks: Sequence[int]) -> None:
        """Forget tracks that ended."""
        for track in tracks:
            _wipe(self._held.pop(track, []))
            said, best = self._said.pop(track, {}), self._best.pop(track, None)
            if self._strangers and best is not None and Band.LEAD not in said.values():
                self._strangers.ended(best)
            if track in self._compared:
                self._compared.discard(track)
                self._compared_before += 1

    def forget(self, now_ns: int) -> None:
        """Drop templates older than the holding time. Call it often, seen faces or not."""
        oldest = now_ns - round(self._policy.hold_s * _NS)
        for track in list(self._held):
            kept = [held for held in self._held[track] if held.at_ns > oldest]
            _wipe([held for held in self._held[track] if held.at_ns <= oldest])
            if kept:
                self._held[track] = kept
            else:
                del self._held[track]

    def _place(
        self, frames: list[_Held], worth: float, now_ns: int, worth_of: Callable[[_Held], float]
    ) -> int | None:
        """Where a frame goes: over a neighbour in time, at the end, over the worst, or nowhere."""
        near = [i for i, held in enumerate(frames) if self._near(held, now_ns)]
        if not near and len(frames) < self._policy.frames:
            return len(frames)
        rivals = near or range(len(frames))
        worst = min(rivals, key=lambda i: worth_of(frames[i]))
        return worst if worth > worth_of(frames[worst]) else None

    def _near(self, held: _Held, now_ns: int) -> bool:
        """Whether a frame taken now counts as the same one."""
        return now_ns - held.since_ns < self._policy.spacing_s * _NS

    def _judge(self, track: int, frames: list[_Held], now_ns: int) -> list[Verdict]:
        vectors = [held.probe.vector for held in frames]
        rows = np.stack([mean_template(vectors, self._gallery.metric), *vectors])
        scores = self._gallery.scores(rows, Purpose.WATCHLIST)
        near = [self._gallery.look_alikes(vector, Purpose.WATCHLIST) for vector in rows]
        singles = [self._gallery.best(row, other) for row, other in zip(scores, near, strict=True)]
        self._count(track, rows[0], float(scores[0].max()))
        rows.fill(0)
        verdicts = []
        for hit in singles.pop(0):
            band = self._band(hit, singles)
            said = self._said.setdefault(track, {})
            key = (hit.entry_id, hit.exercise)
            if band.rank <= said.get(key, Band.UNKNOWN).rank:
                continue
            said[key] = band
            verdicts.append(self._verdict(track, hit, band, frames, now_ns))
        return verdicts

    def _count(self, track: int, mean: Vector, best: float) -> None:
        if track not in self._compared and self._strangers is not None:
            self._strangers.add(mean, len(self._gallery.entries))
        self._compared.add(track)
        self._best[track] = max(self._best.get(track, best), best)

    def _band(self, hit: Hit, singles: list[list[Hit]]) -> Band:
        return band_of(
            self._policy,
            hit.score,
            hit.margin,
            frames=len(singles),
            agreeing=self._agreeing(hit, singles),
        )

    def _agreeing(self, hit: Hit, singles: list[list[Hit]]) -> int:
        """Frames that reach the frame threshold on their own, with *hit* best of its realm."""
        own = [one for hits in singles for one in hits if one.exercise is hit.exercise]
        return sum(o.entry_id == hit.entry_id and o.score >= self._policy.frame for o in own)

    def _verdict(
        self, track: int, hit: Hit, band: Band, frames: list[_Held], now_ns: int
    ) -> Verdict:
        threshold = self._policy.lead if band is Band.LEAD else self._policy.review
        quality = sum(held.probe.quality.score for held in frames) / len(frames)
        glances = tuple(h.probe.glance for h in frames if h.probe.glance is not None)
        return Verdict(
            track, hit.entry_id, hit.exercise, band, hit.score, threshold, hit.margin,
            len(frames), quality, now_ns, glances,
        )  # fmt: skip


def _wipe(gone: Sequence[_Held]) -> None:
    """Leave nothing of templates in memory: numpy keeps small arrays as they were let go."""
    for held in gone:
        held.probe.vector.fill(0)


def _seen(held: _Held) -> float:
    """What a frame is worth before its template is made."""
    return held.probe.quality.score


def _trust(held: _Held) -> float:
    """What it is worth once it is."""
    return held.probe.trust


def band_of(
    policy: Policy, score: float, margin: float | None, *, frames: int, agreeing: int
) -> Band:
    """The band of a mean *score* over *frames* frames, *agreeing* of which reach it alone.

    Every score falls into exactly one band; fewer than three frames are unknown.
    """
    if frames < FEWEST_FRAMES or score < policy.review:
        return Band.UNKNOWN
    certain = (
        score >= policy.lead
        and frames >= policy.frames
        and agreeing >= _AGREEING_FRAMES
        and (margin is None or margin >= policy.margin)
    )
    return Band.LEAD if certain else Band.REVIEW
