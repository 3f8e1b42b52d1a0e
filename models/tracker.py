"""Which face of this picture is which face of the last: tracks over time. Pure, boxes only.

A track's next place is predicted from its speed; found boxes are given to tracks nearest first.
Nothing is remembered of how anybody looks. Correct when pictures are skipped: all distances and
gaps are in time, passed in as monotonic nanoseconds, never in pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.values import Box

_NS = 1_000_000_000
# In widths of the face: how far a box may lie from where it was expected, at once and a second
# later. A person walking across at 1.5 m/s moves nine widths a second.
_NEAR = 0.8
_NEAR_PER_S_NEW = 9.0
_NEAR_PER_S_KNOWN = 4.0
_LARGEST_GROWTH = 1.8
_SPEED_MEMORY = 0.5
_SIZE_WEIGHT = 0.5
_OVERLAP_WEIGHT = 0.25
_LONGEST_LEAP_S = 0.6


@dataclass(frozen=True, slots=True)
class Track:
    """A face followed. ``speed`` px a second (None until seen twice); ``seen`` how often."""

    number: int
    box: Box
    since_ns: int
    last_ns: int
    seen: int
    speed: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one picture changed: the track of each box, in order, and the tracks that ended."""

    tracks: tuple[Track, ...]
    ended: tuple[int, ...]


class Tracker:
    """Follows the faces of one camera."""

    def __init__(self, gap_s: float = 1.0) -> None:
        """A track ends when it was not seen for *gap_s* seconds."""
        self._gap_ns = round(gap_s * _NS)
        self._tracks: dict[int, Track] = {}
        self._next = 1

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Tracks that have not ended."""
        return tuple(self._tracks.values())

    def update(self, boxes: Sequence[Box], now_ns: int) -> Step:
        """Take the boxes found in a picture taken at *now_ns*, which never goes back.

        ValueError when it does.
        """
        if any(track.last_ns > now_ns for track in self._tracks.values()):
            raise ValueError("time passes forward only")
        ended = self._end_old(now_ns)
        owners = self._assign(boxes, now_ns)
        tracks = tuple(
            self._moved(self._tracks[owners[i]], box, now_ns)
            if i in owners
            else self._started(box, now_ns)
            for i, box in enumerate(boxes)
        )
        for track in tracks:
            self._tracks[track.number] = track
        return Step(tracks, ended)

    def clear(self) -> tuple[int, ...]:
        """End all tracks, when a camera was lost for instance; returns their numbers."""
        ended = tuple(self._tracks)
        self._tracks.clear()
        return ended

    def _end_old(self, now_ns: int) -> tuple[int, ...]:
        old = tuple(n for n, t in self._tracks.items() if now_ns - t.last_ns > self._gap_ns)
        for number in old:
            del self._tracks[number]
        return old

    def _assign(self, boxes: Sequence[Box], now_ns: int) -> dict[int, int]:
        """Box index -> track number, nearest pairs first."""
        pairs = sorted(
            (distance, number, i)
            for number, track in self._tracks.items()
            for i, box in enumerate(boxes)
            if (distance := _distance(track, box, now_ns)) is not None
        )
        owners: dict[int, int] = {}
        for _, number, i in pairs:
            if i not in owners and number not in owners.values():
                owners[i] = number
        return owners

    def _started(self, box: Box, now_ns: int) -> Track:
        number, self._next = self._next, self._next + 1
        return Track(number, box, now_ns, now_ns, 1)

    def _moved(self, track: Track, box: Box, now_ns: int) -> Track:
        return replace(
            track, box=box, last_ns=now_ns, seen=track.seen + 1, speed=_speed(track, box, now_ns)
        )


def predict(track: Track, now_ns: int) -> Box:
    """Where the track's face should be at *now_ns*; its speed is trusted for 0.6 s."""
    if track.speed is None:
        return track.box
    ahead = min((now_ns - track.last_ns) / _NS, _LONGEST_LEAP_S)
    x, y = track.speed[0] * ahead, track.speed[1] * ahead
    box = track.box
    return Box(box.left + x, box.top + y, box.right + x, box.bottom + y)


def _distance(track: Track, box: Box, now_ns: int) -> float | None:
    """How unlikely it is that *box* continues *track*, in widths; None when it cannot."""
    width = max((track.box.width + box.width) / 2, 1.0)
    growth = max(box.width, 1.0) / max(track.box.width, 1.0)
    if not 1 / _LARGEST_GROWTH <= growth <= _LARGEST_GROWTH:
        return None
    expected = predict(track, now_ns)
    apart = math.dist(expected.centre, box.centre) / width
    per_s = _NEAR_PER_S_NEW if track.speed is None else _NEAR_PER_S_KNOWN
    if apart > _NEAR + per_s * (now_ns - track.last_ns) / _NS:
        return None
    return apart + _SIZE_WEIGHT * abs(math.log(growth)) - _OVERLAP_WEIGHT * expected.overlap(box)


def _speed(track: Track, box: Box, now_ns: int) -> tuple[float, float] | None:
    passed = (now_ns - track.last_ns) / _NS
    if passed <= 0:
        return track.speed
    (x0, y0), (x1, y1) = track.box.centre, box.centre
    fresh = (x1 - x0) / passed, (y1 - y0) / passed
    if track.speed is None:
        return fresh
    keep = _SPEED_MEMORY
    return (
        keep * track.speed[0] + (1 - keep) * fresh[0],
        keep * track.speed[1] + (1 - keep) * fresh[1],
    )
