"""Conditions over several happenings: counts, sequences, all of them, one without another.

What each means is written in ``rules.temporal``, which also has what all conditions share. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.core.clock import NS_PER_S
from rules.memory import Row
from rules.temporal import Condition, Happening, Moment, OfParts, Stands, earliest, joined
from rules.temporal import happened as made_of


@dataclass(slots=True)
class Count(Condition):
    """So many of the same."""

    part: Condition
    at_least: int
    within_s: float
    _seen: deque[Happening] = field(default_factory=deque)

    def step(self, moment: Moment) -> Happening | None:
        """Happens at the last of them."""
        happened = self.part.step(moment)
        if happened is None:
            return None
        self._seen.append(happened)
        _forget(self._seen, moment.at_ns, self.within_s)
        if len(self._seen) < self.at_least:
            return None
        whole = joined(moment.at_ns, self._seen)
        self._seen.clear()
        return whole

    @property
    def inner(self) -> Sequence[Condition]:
        """Its part."""
        return (self.part,)

    def rows(self) -> Iterable[Row]:
        """What was counted."""
        return [seen.row() for seen in self._seen]

    def remember(self, rows: Sequence[Row]) -> None:
        """Count on."""
        self._seen = deque(map(made_of, rows))

    def stands(self) -> Stands:
        """How many there are."""
        return {
            "is": "count",
            "have": len(self._seen),
            "at_least": self.at_least,
            "within_s": self.within_s,
            "parts": [self.part.stands()],
        }


@dataclass(slots=True)
class AllOf(OfParts):
    """Several, in any order."""

    within_s: float
    _seen: dict[int, Happening] = field(default_factory=dict)

    def step(self, moment: Moment) -> Happening | None:
        """Happens at the last of them."""
        for index, happened in enumerate([part.step(moment) for part in self.parts]):
            if happened is not None:
                self._seen[index] = happened
        late = [i for i, h in self._seen.items() if _passed(h.at_ns, moment.at_ns, self.within_s)]
        for index in late:
            del self._seen[index]
        if len(self._seen) < len(self.parts):
            return None
        whole = joined(moment.at_ns, list(self._seen.values()))
        self._seen.clear()
        return whole

    def rows(self) -> Iterable[Row]:
        """Which have happened."""
        return [seen.row(place) for place, seen in self._seen.items()]

    def remember(self, rows: Sequence[Row]) -> None:
        """Wait for the others."""
        self._seen = {row.place: made_of(row) for row in rows}

    def stands(self) -> Stands:
        """Which have happened."""
        return {
            "is": "all",
            "have": len(self._seen),
            "at_least": len(self.parts),
            "within_s": self.within_s,
            "parts": [part.stands() for part in self.parts],
        }


@dataclass(slots=True)
class InSequence(OfParts):
    """One after the other. Of each beginning of the sequence the one that began last is kept."""

    within_s: float
    _begun: dict[int, tuple[int, Happening]] = field(default_factory=dict)

    def step(self, moment: Moment) -> Happening | None:
        """Happens with the last part."""
        found = [part.step(moment) for part in self.parts]
        for index in reversed(range(len(found))):
            happened = found[index]
            if happened is None:
                continue
            if index == 0:
                self._begun[0] = moment.at_ns, happened
            elif index - 1 in self._begun:
                began_ns, before = self._begun[index - 1]
                self._begun[index] = began_ns, joined(moment.at_ns, [before, happened])
        late = [i for i, b in self._begun.items() if _passed(b[0], moment.at_ns, self.within_s)]
        for index in late:
            del self._begun[index]
        whole = self._begun.get(len(self.parts) - 1)
        if whole is None:
            return None
        self._begun.clear()
        return whole[1]

    def rows(self) -> Iterable[Row]:
        """Each beginning."""
        return [seen.row(place, began_ns) for place, (began_ns, seen) in self._begun.items()]

    def remember(self, rows: Sequence[Row]) -> None:
        """Wait for the next."""
        self._begun = {
            row.place: ((row.began or row.at).monotonic_ns, made_of(row)) for row in rows
        }

    def stands(self) -> Stands:
        """How far it is."""
        return {
            "is": "sequence",
            "have": max(self._begun, default=-1) + 1,
            "at_least": len(self.parts),
            "within_s": self.within_s,
            "parts": [part.stands() for part in self.parts],
        }


@dataclass(slots=True)
class Without(Condition):
    """Something, and nothing of another sort around it."""

    part: Condition
    none: Condition
    before_s: float
    after_s: float
    _last_none: Happening | None = None
    _waiting: Happening | None = None

    def step(self, moment: Moment) -> Happening | None:
        """Happens when the time after it has passed."""
        happened, spoilt = self.part.step(moment), self.none.step(moment)
        if spoilt is not None:
            self._last_none, self._waiting = spoilt, None
        elif self._waiting is not None and self._ends_ns(self._waiting) <= moment.at_ns:
            done, self._waiting = self._waiting, None
            if happened is not None:
                self._waiting = self._begin(happened)
            return Happening(moment.at_ns, done.because)
        if happened is None or self._waiting is not None:
            return None
        begun = self._begin(happened)
        if begun is not None and self.after_s == 0:
            return begun
        self._waiting = begun
        return None

    @property
    def due_ns(self) -> int | None:
        """When nothing has come after it, or the earliest of the parts."""
        own = None if self._waiting is None else self._ends_ns(self._waiting)
        dues = (own, earliest(self.inner))
        return min((due for due in dues if due is not None), default=None)

    @property
    def inner(self) -> Sequence[Condition]:
        """What it waits after, and for."""
        return self.part, self.none

    def rows(self) -> Iterable[Row]:
        """What it waits after, and what spoils it."""
        kept = (self._waiting, self._last_none)
        return [seen.row(place) for place, seen in enumerate(kept) if seen is not None]

    def remember(self, rows: Sequence[Row]) -> None:
        """Wait on. What came while nobody listened is not known."""
        seen = {row.place: made_of(row) for row in rows}
        self._waiting, self._last_none = seen.get(0), seen.get(1)

    def stands(self) -> Stands:
        """Whether it waits, and when the other was last there."""
        return {
            "is": "without",
            "waiting": self._waiting is not None,
            "before_s": self.before_s,
            "after_s": self.after_s,
            "parts": [self.part.stands(), self.none.stands()],
        }

    def _ends_ns(self, happened: Happening) -> int:
        return happened.at_ns + round(self.after_s * NS_PER_S)

    def _begin(self, happened: Happening) -> Happening | None:
        """*happened*, unless the other was there shortly before."""
        last = self._last_none
        free = last is None or _passed(last.at_ns, happened.at_ns, self.before_s)
        return happened if free else None


def _passed(then_ns: int, now_ns: int, within_s: float) -> bool:
    return now_ns - then_ns > round(within_s * NS_PER_S)


def _forget(seen: deque[Happening], now_ns: int, within_s: float) -> None:
    while seen and _passed(seen[0].at_ns, now_ns, within_s):
        seen.popleft()
