"""What a condition remembers, as plain values that can be kept over a restart.

Here: the values, and how a happening becomes one and is made of one again. Not here: where they are
kept (``agent.incidents.rule_memory``), what conditions do with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from agent.core.clock import Stamp
from rules.expression import Facts


@dataclass(frozen=True, slots=True)
class Row:
    """Something that happened ``at``, or has held since then.

    ``place``: for which part of the condition; ``began``: when the first of its kind happened;
    ``told``: what was waited for has happened.
    """

    at: Stamp
    because: tuple[Facts, ...]
    place: int = 0
    began: Stamp | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What a condition remembers, and what its parts do, in their order."""

    rows: tuple[Row, ...] = ()
    parts: tuple[Memory, ...] = ()

    def __bool__(self) -> bool:
        """False when there is nothing to keep."""
        return bool(self.rows) or any(self.parts)

    def all_rows(self) -> Iterator[Row]:
        """Every row in it, its parts' included."""
        yield from self.rows
        for part in self.parts:
            yield from part.all_rows()


def stamped(at_ns: int, by: Facts) -> Stamp:
    """The moment *at_ns* of this boot, by the clocks of the event *by*."""
    passed_ns = at_ns - by.at.monotonic_ns
    return dataclasses.replace(by.at, monotonic_ns=at_ns, utc_ns=by.at.utc_ns + passed_ns)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a rule of that ``form`` remembers: its condition's memory, and the drill's."""

    form: str
    real: Memory = Memory()
    drill: Memory = Memory()

    def __bool__(self) -> bool:
        """False when there is nothing to keep."""
        return bool(self.real) or bool(self.drill)

    @property
    def size(self) -> int:
        """How many rows it has."""
        return sum(1 for memory in (self.real, self.drill) for _ in memory.all_rows())
