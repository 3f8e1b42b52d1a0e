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

What a condition remembers can be kept and given to its successor (``memory``, ``recall``). What
held when the program ended goes on when the next event about the same thing, as a rule its level
read at start, says that it holds; until then it does not count.

"Within" includes its end. Memory is bounded by what the condition says (``at_least``, parts) and by
the devices of the gate, never by how much happens. ``count``, ``all``, ``sequence`` and ``without``
live in ``rules.combined``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.core.clock import NS_PER_S
from rules.expression import Facts, Predicate
from rules.memory import Memory, Row, stamped

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

    def row(self, place: int = 0, began_ns: int | None = None) -> Row:
        """It as a value that can be kept."""
        last = self.because[-1]
        began = None if began_ns is None else stamped(began_ns, last)
        return Row(stamped(self.at_ns, last), self.because, place, began)


def happened(row: Row) -> Happening:
    """What *row* was made of."""
    return Happening(row.at.monotonic_ns, row.because)


def joined(at_ns: int, parts: Sequence[Happening]) -> Happening:
    """*parts* as one happening at *at_ns*."""
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
        """When a moment without an event is needed; None: never. Its parts need theirs."""
        return earliest(self.inner)

    @abstractmethod
    def stands(self) -> Stands:
        """How it stood after the last moment, in plain values, for whoever asks why."""

    @property
    def inner(self) -> Sequence[Condition]:
        """The conditions that it is made of."""
        return ()

    def rows(self) -> Iterable[Row]:
        """What it remembers itself."""
        return ()

    def remember(self, rows: Sequence[Row]) -> None:  # noqa: B027 - some remember nothing
        """Go on with *rows*, which are of the boot that runs."""

    def memory(self) -> Memory:
        """What it and its parts remember."""
        return Memory(tuple(self.rows()), tuple(part.memory() for part in self.inner))

    def recall(self, memory: Memory) -> None:
        """Go on with the memory of a condition of the same form; before the first moment."""
        self.remember(memory.rows)
        for part, kept in zip(self.inner, memory.parts, strict=True):
            part.recall(kept)


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
    _unsure: dict[tuple[str, str], Row] = field(default_factory=dict)
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
        return joined(moment.at_ns, parts) if parts else None

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

    def rows(self) -> Iterable[Row]:
        """What has held since when; what was kept and not heard of yet stays kept."""
        for subject, (since_ns, facts) in self._since.items():
            yield Row(stamped(since_ns, facts), (facts,), told=subject in self._told)
        yield from self._unsure.values()

    def remember(self, rows: Sequence[Row]) -> None:
        """Whether it holds still, the next event about the same thing says."""
        self._unsure = {row.because[0].subject: row for row in rows}

    def _follow(self, at_ns: int, facts: Facts) -> None:
        subject, self._last = facts.subject, self.holds(facts)
        kept = self._unsure.pop(subject, None)
        if self._last and kept is not None:
            self._since[subject] = kept.at.monotonic_ns, kept.because[0]
            if kept.told:
                self._told.add(subject)
        elif self._last:
            self._since.setdefault(subject, (at_ns, facts))
        else:
            self._since.pop(subject, None)
            self._told.discard(subject)


@dataclass(slots=True)
class OfParts(Condition):
    """A condition over several, all of which hear each moment."""

    parts: Sequence[Condition]

    @property
    def inner(self) -> Sequence[Condition]:
        """Its parts."""
        return self.parts


@dataclass(slots=True)
class AnyOf(OfParts):
    """One of several."""

    def step(self, moment: Moment) -> Happening | None:
        """Happens with the first part that does; all of them hear of it."""
        found = [part.step(moment) for part in self.parts]
        those = [part for part in found if part is not None]
        return joined(moment.at_ns, those) if those else None

    def stands(self) -> Stands:
        """How each part stands."""
        return {"is": "any", "parts": [part.stands() for part in self.parts]}


def earliest(parts: Sequence[Condition]) -> int | None:
    """When the first of *parts* waits for a moment."""
    return min((due for part in parts if (due := part.due_ns) is not None), default=None)
