"""From the noise of a contact to its settled level. Pure: levels and times in, changes out.

Two ways to believe a new level, chosen per input:

* *at once* (``confirm_ns`` 0): the first edge away from a settled level counts. For panic buttons,
  where the loop reads the pin again before it feeds an edge, so that a spike shorter than the
  hand-off is a glitch.
* *confirmed*: the new level must hold for ``confirm_ns``, bounces included. It counts when it
  stands at the end, or stood for most of the time, so a press as long as ``confirm_ns`` is never
  missed because of its bounces.

After a change the contact must be quiet for ``stable_ns`` before the next one counts. One that is
not quiet within ``chatter_ns`` is chattering: a fault of the line, told once.

Believed, held, quiet at another level and restless (which is chattering) are told as changes; not
held is a glitch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MS = 1_000_000


class Phase(StrEnum):
    """Where a contact stands between two settled levels."""

    SETTLED = "settled"
    CONFIRMING = "confirming"
    SETTLING = "settling"
    CHATTERING = "chattering"


class Turn(StrEnum):
    """What a contact goes through."""

    BELIEVED = "other level, at once"
    DOUBTED = "other level, to be confirmed"
    HELD = "held"
    NOT_HELD = "not held"
    QUIET = "quiet"
    RESTLESS = "not quiet for long"


TRANSITIONS = {
    (Phase.SETTLED, Turn.BELIEVED): Phase.SETTLING,
    (Phase.SETTLED, Turn.DOUBTED): Phase.CONFIRMING,
    (Phase.CONFIRMING, Turn.HELD): Phase.SETTLING,
    (Phase.CONFIRMING, Turn.NOT_HELD): Phase.SETTLED,
    (Phase.SETTLING, Turn.QUIET): Phase.SETTLED,
    (Phase.SETTLING, Turn.RESTLESS): Phase.CHATTERING,
    (Phase.CHATTERING, Turn.QUIET): Phase.SETTLED,
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Nanoseconds: see the module's text."""

    stable_ns: int = 50 * MS
    confirm_ns: int = 50 * MS
    chatter_ns: int = 2_000 * MS


@dataclass(frozen=True, slots=True)
class Change:
    """The contact is believed to be at ``level`` (None: chattering) since ``at_ns``."""

    level: bool | None
    at_ns: int


class Debouncer:
    """Follows one contact. Feed it edges and polled levels; ask it again at ``due_ns``."""

    def __init__(self, timing: Timing, *, level: bool, now_ns: int) -> None:
        self._timing = timing
        self._phase = Phase.SETTLED
        self._settled = level
        self._raw = level
        self._raw_since_ns = now_ns
        self._first_ns = now_ns
        self._held_ns = 0
        self.glitches = 0

    @property
    def phase(self) -> Phase:
        """Where the contact stands."""
        return self._phase

    @property
    def due_ns(self) -> int | None:
        """When :meth:`check` has to be called at the latest; None while nothing is open."""
        match self._phase:
            case Phase.SETTLED:
                return None
            case Phase.CONFIRMING:
                return self._first_ns + self._timing.confirm_ns
            case Phase.SETTLING:
                quiet = self._raw_since_ns + self._timing.stable_ns
                return min(quiet, self._first_ns + self._timing.chatter_ns)
            case Phase.CHATTERING:
                return self._raw_since_ns + self._timing.stable_ns

    def feed(self, *, level: bool, at_ns: int) -> list[Change]:
        """An edge to, or a reading of, *level* at *at_ns*; the changes it settles, oldest first."""
        changes = self.check(at_ns)
        if level == self._raw:
            return changes
        if self._phase is Phase.CONFIRMING and self._raw != self._settled:
            self._held_ns += at_ns - self._raw_since_ns
        self._raw, self._raw_since_ns = level, at_ns
        if self._phase is Phase.SETTLED:
            changes += self._leave_settled(at_ns)
        return changes

    def check(self, now_ns: int) -> list[Change]:
        """What the passing of time alone decides; how late it is called makes no difference."""
        changes: list[Change] = []
        while (due_ns := self.due_ns) is not None and due_ns <= now_ns:
            changes += self._decide(due_ns)
        return changes

    def _decide(self, now_ns: int) -> list[Change]:
        match self._phase:
            case Phase.CONFIRMING:
                return self._confirm()
            case Phase.SETTLING if now_ns < self._raw_since_ns + self._timing.stable_ns:
                self._turn(Turn.RESTLESS)
                return [Change(None, self._first_ns)]
            case Phase.SETTLING:
                self._turn(Turn.QUIET)
                return self._settle()
            case _:
                self._turn(Turn.QUIET)
                self._settled = self._raw
                return [Change(self._raw, self._raw_since_ns)]

    def _turn(self, turn: Turn) -> None:
        try:
            self._phase = TRANSITIONS[self._phase, turn]
        except KeyError:
            raise ValueError(f"a contact that is {self._phase} cannot take '{turn}'") from None

    def _leave_settled(self, at_ns: int) -> list[Change]:
        self._first_ns, self._held_ns = at_ns, 0
        if self._timing.confirm_ns == 0:
            self._turn(Turn.BELIEVED)
            self._settled = self._raw
            return [Change(self._raw, at_ns)]
        self._turn(Turn.DOUBTED)
        return []

    def _confirm(self) -> list[Change]:
        standing = self._raw != self._settled
        if standing or self._held_ns * 10 >= self._timing.confirm_ns * 6:
            self._turn(Turn.HELD)
            self._settled = not self._settled
            return [Change(self._settled, self._first_ns)]
        self._turn(Turn.NOT_HELD)
        self.glitches += 1
        return []

    def _settle(self) -> list[Change]:
        if self._raw == self._settled:
            return []
        self._settled = self._raw
        return [Change(self._raw, self._raw_since_ns)]
