"""What rules remember, kept over a restart: counts, sequences, durations, how long a door is open.

Here: when it is kept, and that it ends with a stated reason (fact ``rule.forgotten``) where the
rule is gone or has another condition now. Not here: what a condition remembers (``rules.memory``),
how it is written (``agent.incidents.keeper``).

Events may be many: of one rule about ``AT_ONCE`` changes in a row are kept at once, further ones
once in ``EVERY_S``, and a long memory less often still. So what people do is kept as they do it,
and what comes in streams costs the disk little; a kill forgets at most the last moments of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Note
from agent.core.events import Event
from agent.incidents.way import Way
from rules.memory import Kept

EVERY_S = 1
AT_ONCE = 10
ROWS_A_SECOND = 50


class Remembers(Protocol):
    """A rule with a memory: ``rules.custom.CustomRule``, ``rules.door.DoorWatch``."""

    stirred: bool

    @property
    def key(self) -> str:
        """What it is kept under, which is its own."""

    def kept(self) -> Kept:
        """What it remembers."""

    def recall_kept(self, kept: Kept) -> bool:
        """Go on with it; False where it is of another condition."""


@dataclass(slots=True)
class RuleMemory(Way[Kept]):
    """The memories by rule; ``rules`` gives those that run."""

    NAME: ClassVar[str] = "rules"
    CASE: ClassVar[type] = Kept

    node: str
    rules: Callable[[], Sequence[Remembers]]
    _paid_until_ns: dict[str, int] = field(default_factory=dict, init=False)

    def resume(self, cases: Mapping[str, Kept], now: Stamp) -> list[Decision]:
        """Every rule goes on; what no rule goes on with ends."""
        by_name = {rule.key: rule for rule in self.rules()}
        decisions: list[Decision] = []
        for name, kept in cases.items():
            rule = by_name.get(name)
            if rule is not None and rule.recall_kept(kept):
                self.cases[name] = kept
                continue
            self.end(name)
            why = "its condition is another one" if rule else "the rule does not run"
            details = {"rule": name, "reason": why}
            decisions.append(Note(now, "rule.forgotten", self.node, self.node, details))
        return decisions

    @property
    def due_ns(self) -> int | None:
        """When a memory that may have changed is to be kept."""
        return min((self._may_ns(r.key) for r in self.rules() if r.stirred), default=None)

    def on_event(self, event: Event) -> list[Decision]:
        """The rules have heard it before."""
        return self.on_time(event.at)

    def on_time(self, now: Stamp) -> list[Decision]:
        """Keep what changed, but not more often than it should be."""
        for rule in self.rules():
            if rule.stirred and self._may_ns(rule.key) <= now.monotonic_ns:
                self._take(rule, now.monotonic_ns)
        return []

    def take_all(self) -> None:
        """The program ends: keep everything now."""
        for rule in self.rules():
            self._take(rule, 0)

    def _take(self, rule: Remembers, now_ns: int) -> None:
        rule.stirred = False
        kept, was = rule.kept(), self.cases.get(rule.key)
        if kept == was or not (kept or was):
            return
        if kept:
            self.keep(rule.key, kept)
        else:
            self.end(rule.key)
        pause_s = max(EVERY_S, kept.size // ROWS_A_SECOND)
        paid_ns = max(self._paid_until_ns.get(rule.key, 0), now_ns)
        self._paid_until_ns[rule.key] = paid_ns + pause_s * NS_PER_S

    def _may_ns(self, key: str) -> int:
        """From when the memory of that rule may be written: each writing pays for a pause."""
        return self._paid_until_ns.get(key, 0) - AT_ONCE * EVERY_S * NS_PER_S
