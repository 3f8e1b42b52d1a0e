"""Happenings over time: counts, sequences, durations and absences. Pure, in bounded memory.

A condition *happens* at moments. Moments are ordered: by the monotonic clock, and at one time what
was waited for comes before events, which come in their order. What waited for the same time happens
in one moment.

=========  ========================================================================================
matches    at an event for which the expression holds; not at a level that was found at start
any        whenever one of its parts happens
count      when its part has happened ``at_least`` times within ``within_s``; then counts anew
all        when each of its parts has happened within ``within_s``, in any order; then begins anew
sequence   when its parts have happened one after the other within ``within_s``; then begins anew.
           Each part needs a moment of its own
lasts      ``for_s`` after an event for which the expression holds, unless a later event about the
           same thing, for which it does not, came before; once each time. A level found at start
           counts
without    ``after_s`` after its part ``of`` happened, unless ``without`` happened from ``before_s``
           before that until then. One waits at a time: meanwhile another ``of`` changes nothing
=========  ========================================================================================

"Within" includes its end. Memory is bounded by what the condition says (``at_least``, parts) and by
the devices of the gate, never by how much happens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.core.clock import NS_PER_S
from rules.expression import Facts, Predicate

MOST_EVIDENCE = 8
Stands = dict[str, object]


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and the event that makes it; None when only time has passed."""

    at_ns: int
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """A condition happened: the events that made it so, the newest last and never all too many."""

    at_ns: int
    because: tuple[Facts, ...]


def _joined(at_ns: int, parts: Sequence[Happening]) -> Happening:
    because = dict.fromkeys(fact for part in parts for fact in part.because)
    ordered = sorted(because, key=lambda fact: fact.at.monotonic_ns)
    return Happening(at_ns, tuple(ordered[-MOST_EVIDENCE:]))


class Condition(ABC):
    """What may happen. Each moment is given once, in order, and none that is due is left out."""

    @abstractmethod
    def step(self, moment: Moment) -> Happening | None:
        """What happens at *moment*."""

    @property
    def due_ns(self) -> int | None:
        """When a moment without an event is needed; None: never."""
        return None

    @abstractmethod
    def stands(self) -> Stands:
        """How it stood after the last moment, in plain values, for whoever asks why."""


@dataclass(slots=True)
class Matches(Condition):
    """An expression over one event."""

    text: str
    holds: Predicate
    _last: bool | None = None

    def step(self, moment: Moment) -> Happening | None:
        """Happens at the event itself."""
        facts, self._last = moment.facts, None
        if facts is None:
            return None
        self._last = self.holds(facts) and not facts.initial
        return Happening(moment.at_ns, (facts,)) if self._last else None

    def stands(self) -> Stands:
        """Whether it held for the last event."""
        return {"is": "matches", "text": self.text, "held": bool(self._last)}


@dataclass(slots=True)
class Lasts(Condition):
    """An expression that goes on holding for something."""

    text: str
    holds: Predicate
    for_s: float
    _since: dict[tuple[str, str], tuple[int, Facts]] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _last: bool = False

    def step(self, moment: Moment) -> Happening | None:
        """Happens when it has held for long enough."""
        over = [
            subject
            for subject, (since_ns, _) in self._since.items()
            if subject not in self._told and since_ns + self._for_ns <= moment.at_ns
        ]
        self._told.update(over)
        parts = [Happening(moment.at_ns, (self._since[subject][1],)) for subject in over]
        if moment.facts is not None:
            self._follow(moment.at_ns, moment.facts)
        return _joined(moment.at_ns, parts) if parts else None

    @property
    def due_ns(self) -> int | None:
        """When the first of those that hold has held for long enough."""
        waiting = [ns for subject, (ns, _) in self._since.items() if subject not in self._told]
        return min(waiting) + self._for_ns if waiting else None

    def stands(self) -> Stands:
        """What holds, and since when."""
        since = {device: ns for (_, device), (ns, _) in self._since.items()}
        return {
            "is": "lasts",
            "text": self.text,
            "held": self._last,
            "for_s": self.for_s,
            "since_ns": since,
        }

    @property
    def _for_ns(self) -> int:
        return round(self.for_s * NS_PER_S)

    def _follow(self, at_ns: int, facts: Facts) -> None:
        subject, self._last = facts.subject, self.holds(facts)
        if self._last:
            self._since.setdefault(subject, (at_ns, facts))
        else:
            self._since.pop(subject, None)
            self._told.discard(subject)


@dataclass(slots=True)
class AnyOf(Condition):
    """One of several."""

    parts: Sequence[Condition]

    def step(self, moment: Moment) -> Happening | None:
        """Happens with the first part that does; all of them hear of it."""
        found = [part.step(moment) for part in self.parts]
        happened = [part for part in found if part is not None]
        return _joined(moment.at_ns, happened) if happened else None

    @property
    def due_ns(self) -> int | None:
        """The earliest of the parts."""
        return _earliest(self.parts)

    def stands(self) -> Stands:
        """How each part stands."""
        return {"is": "any", "parts": [part.stands() for part in self.parts]}


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
        whole = _joined(moment.at_ns, self._seen)
        self._seen.clear()
        return whole

    @property
    def due_ns(self) -> int | None:
        """That of its part."""
        return self.part.due_ns

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
class AllOf(Condition):
    """Several, in any order."""

    parts: Sequence[Condition]
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
        whole = _joined(moment.at_ns, list(self._seen.values()))
        self._seen.clear()
        return whole

    @property
    def due_ns(self) -> int | None:
        """The earliest of the parts."""
        return _earliest(self.parts)

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
class InSequence(Condition):
    """One after the other. Of each beginning of the sequence the one that began last is kept."""

    parts: Sequence[Condition]
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
                self._begun[index] = began_ns, _joined(moment.at_ns, [before, happened])
        late = [i for i, b in self._begun.items() if _passed(b[0], moment.at_ns, self.within_s)]
        for index in late:
            del self._begun[index]
        whole = self._begun.get(len(self.parts) - 1)
        if whole is None:
            return None
        self._begun.clear()
        return whole[1]

    @property
    def due_ns(self) -> int | None:
        """The earliest of the parts."""
        return _earliest(self.parts)

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
    _last_none_ns: int | None = None
    _waiting: Happening | None = None

    def step(self, moment: Moment) -> Happening | None:
        """Happens when the time after it has passed."""
        happened, spoilt = self.part.step(moment), self.none.step(moment)
        if spoilt is not None:
            self._last_none_ns, self._waiting = moment.at_ns, None
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
        dues = (own, self.part.due_ns, self.none.due_ns)
        return min((due for due in dues if due is not None), default=None)

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
        last_ns = self._last_none_ns
        free = last_ns is None or _passed(last_ns, happened.at_ns, self.before_s)
        return happened if free else None


def _passed(then_ns: int, now_ns: int, within_s: float) -> bool:
    return now_ns - then_ns > round(within_s * NS_PER_S)


def _forget(seen: deque[Happening], now_ns: int, within_s: float) -> None:
    while seen and _passed(seen[0].at_ns, now_ns, within_s):
        seen.popleft()


def _earliest(parts: Sequence[Condition]) -> int | None:
    return min((due for part in parts if (due := part.due_ns) is not None), default=None)
