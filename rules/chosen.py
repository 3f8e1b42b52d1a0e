"""A rule of a site's own with other limits in some profiles: all of them listen, one speaks.

Each follows what happens from the start, so that a profile finds its limits as if they had always
held. What another one than the speaker found is kept, and said when its profile comes while it
still stands: somebody who loiters since before school is told at once when school begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.config.schema.profiles import RuleLimits
from agent.config.schema.when import Condition
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Details
from agent.core.events import Event
from rules.custom import CustomRule

Current = Callable[[], str | None]


@dataclass(slots=True)
class ByProfile:
    """``usual`` speaks while no profile of ``special`` holds; *current* names the one that does."""

    usual: CustomRule
    special: Mapping[str, CustomRule]
    current: Current
    _speaker: CustomRule | None = field(default=None, init=False)
    _unsaid: dict[int, tuple[int, Sequence[Decision]]] = field(default_factory=dict, init=False)

    @property
    def name(self) -> str:
        """For issues and logs."""
        return self.usual.name

    @property
    def due_ns(self) -> int | None:
        """The next moment that any of them waits for; at once when another one is to speak."""
        if self._speaker is not None and self._meant() is not self._speaker:
            return 0
        return min((due for rule in self.each if (due := rule.due_ns) is not None), default=None)

    def on_event(self, event: Event) -> list[Decision]:
        """What the speaker makes of *event*."""
        return self._ask(event.at, lambda rule: rule.on_event(event))

    def on_time(self, now: Stamp) -> list[Decision]:
        """What the speaker has waited for."""
        return self._ask(now, lambda rule: rule.on_time(now))

    def notes(self) -> list[Details]:
        """What the speaker noted."""
        noted = {id(rule): rule.notes() for rule in self.each}
        return noted[id(self._speaker or self.usual)]

    @property
    def each(self) -> Sequence[CustomRule]:
        """All of them, each with a memory of its own."""
        return (self.usual, *self.special.values())

    def _meant(self) -> CustomRule:
        return self.special.get(self.current() or "", self.usual)

    def _ask(self, now: Stamp, ask: Callable[[CustomRule], list[Decision]]) -> list[Decision]:
        speaker, before = self._meant(), self._speaker
        self._speaker = speaker
        said: list[Decision] = []
        for rule in self.each:
            found = ask(rule)
            if rule is speaker:
                said += found
            elif found:
                self._unsaid[id(rule)] = now.monotonic_ns, found
        if before is not None and speaker is not before:
            said = self._left(speaker, now) or said
        self._unsaid.pop(id(speaker), None)
        return said

    def _left(self, rule: CustomRule, now: Stamp) -> list[Decision]:
        """What *rule* found before it was its turn, while that stands."""
        at_ns, found = self._unsaid.get(id(rule), (0, ()))
        if not found or rule.real is None:
            return []
        stands = rule.real.condition.stands()
        if stands["is"] == "lasts":
            return list(found) if stands["since_ns"] else []
        within_s = stands.get("within_s")
        recent = isinstance(within_s, float) and now.monotonic_ns - at_ns <= within_s * NS_PER_S
        return list(found) if recent else []


def limited(when: Condition, limits: RuleLimits) -> Condition:
    """*when* with the limits of a profile."""
    return when.model_copy(update=limits.given)
