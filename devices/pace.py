"""Rates: the frame budget, the speed of a file, never a backlog, nobody who shouts. Pure.

A live stream is grabbed as fast as it comes. Whether more is waiting than the newest frame shows in
the grab itself: one that had to wait is at the live edge. Until the edge is reached again, frames
are grabbed and not looked at, so the frame that is looked at is the newest.
"""

from __future__ import annotations

import math

BEHIND_S = 0.3  # not at the edge for longer: catch up first
BLIND_S = 2.0  # but look at least this often, for a capture that never catches up
IDLE_FPS = 2.0
_EARLY = 0.25  # share of the period by which a frame may come early and still be looked at


class Budget:
    """At most so many looks a second, evenly spread; half as many while nothing moves.

    For that the first look at something that moves may come one period later, and an empty scene,
    which most hours are, costs half. Two looks a second and fewer are never halved.
    """

    def __init__(self, fps: float) -> None:
        self._awake_s = 1.0 / fps
        self._idle_s = 1.0 / max(fps / 2, min(fps, IDLE_FPS))
        self._looked_s = -math.inf  # as planned: a frame a little late does not shift the next

    def due(self, now_s: float, *, awake: bool) -> bool:
        """Whether a frame taken *now_s* (monotonic) is within the budget."""
        period_s = self._awake_s if awake else self._idle_s
        return now_s >= self._looked_s + period_s * (1 - _EARLY)

    def spend(self, now_s: float, *, awake: bool) -> None:
        """A frame taken *now_s* was looked at."""
        period_s = self._awake_s if awake else self._idle_s
        planned_s = self._looked_s + period_s
        self._looked_s = planned_s if now_s - planned_s < period_s else now_s


class Edge:
    """Is a live capture up to date with its camera?"""

    def __init__(self, now_s: float) -> None:
        self._edge_s = now_s
        self._looked_s = -math.inf

    def grabbed(self, now_s: float, *, waited: bool) -> None:
        """A grab ended *now_s*; *waited*: no frame had been ready."""
        if waited:
            self._edge_s = now_s

    def behind_s(self, now_s: float) -> float:
        """Seconds since the capture was up to date."""
        return now_s - self._edge_s

    def may_look(self, now_s: float) -> bool:
        """Up to date, or blind for too long."""
        return self.behind_s(now_s) <= BEHIND_S or now_s - self._looked_s >= BLIND_S

    def looked(self, now_s: float) -> None:
        """A frame was looked at."""
        self._looked_s = now_s


class Chatter:
    """How much somebody may say: *most_a_s* messages a second, twice as many in a burst.

    Silence, as of a listener who was busy, allows three times as many more.
    """

    def __init__(self, most_a_s: float) -> None:
        self._most_a_s = most_a_s
        self._said = 0.0
        self._last_s = 0.0

    def too_much(self, messages: int, now_s: float) -> bool:
        """Count *messages* heard *now_s* (monotonic); whether they are more than allowed."""
        faded = (now_s - self._last_s) * self._most_a_s
        self._said = max(self._said - faded, -3 * self._most_a_s) + messages
        self._last_s = now_s
        return self._said > 2 * self._most_a_s


class FileTempo:
    """Plays a file at its own speed; one that is too slow to decode slips, and never hurries."""

    def __init__(self, fps: float) -> None:
        """*fps* as the file declares it; nonsense counts as 25."""
        self._frame_s = 1.0 / fps if 0.1 <= fps <= 240 else 1.0 / 25
        self._start_s: float | None = None
        self._last_s = 0.0

    def due_s(self, position_s: float, now_s: float) -> float:
        """When the frame at *position_s* of the file is to be shown, on the clock of *now_s*.

        Positions that stand or run backwards advance by one frame.
        """
        if self._start_s is None:
            self._start_s = now_s - position_s
        elif not self._last_s < position_s <= self._last_s + 10:
            self._start_s += self._last_s + self._frame_s - position_s
        self._last_s = position_s
        due_s = self._start_s + position_s
        if now_s > due_s + BEHIND_S:
            self._start_s += now_s - due_s
            due_s = now_s
        return due_s
