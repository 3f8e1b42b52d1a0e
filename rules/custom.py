"""Rules of a site's own (``type: custom``): a condition over events and time, and its alert.

What a lead of a drill has made happen is an exercise; it has a condition of its own beside the real
one, so that neither counts for the other. A lead whose entry is no longer valid is not heard. One
incident a rule. What a condition remembers goes over to the next life of the program (``kept``,
``recall``), where the rule still has the same condition.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.config.expressions import names_in
from agent.config.schema import when as schema
from agent.config.schema.root import Config
from agent.config.schema.rules import CustomRule as CustomConfig
from agent.core.clock import Stamp
from agent.core.decisions import Decision
from agent.core.events import Event, FaceLead
from agent.core.text import Text
from contract.words import ListName, Status
from rules import combined, temporal
from rules.base import Rule
from rules.expression import Facts, compiled, facts_of
from rules.memory import Kept, Memory
from rules.temporal import Condition, Happening, Moment


@dataclass(slots=True)
class Line:
    """A condition that is given every moment once, in order, however late events come."""

    condition: Condition
    _now_ns: int = 0

    def until(self, now_ns: int) -> list[Happening]:
        """What was waited for by *now_ns*."""
        found = []
        while (due_ns := self.condition.due_ns) is not None and due_ns <= now_ns:
            found.append(self._step(Moment(max(due_ns, self._now_ns))))
        return [happened for happened in found if happened is not None]

    def hear(self, facts: Facts) -> list[Happening]:
        """What *facts* make happen, after what was due before them."""
        found = self.until(facts.at.monotonic_ns)
        happened = self._step(Moment(max(facts.at.monotonic_ns, self._now_ns), facts))
        return [*found, happened] if happened is not None else found

    def _step(self, moment: Moment) -> Happening | None:
        self._now_ns = moment.at_ns
        return self.condition.step(moment)


@dataclass(slots=True)
class CustomRule(Rule):
    """One such rule. ``drill`` is the condition's twin for exercises, where leads can be.

    ``form`` names what the condition is made of; ``stirred``: what it remembers may have changed.
    """

    text: Text = field(default_factory=lambda: Text("", ""))
    real: Line | None = None
    drill: Line | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    node: str = ""
    form: str = ""
    stirred: bool = False
    list_of: Callable[[str, bool], ListName | None] = field(default=lambda *_: None)
    profile: str = ""

    def on_event(self, event: Event) -> list[Decision]:
        """Gives the event to the condition and raises what happened."""
        if isinstance(event, FaceLead) and self.list_of(event.entry_id, event.exercise) is None:
            return []
        facts = facts_of(event, self.types, self.places, self.node)
        if facts is None:
            return []
        self.stirred = True
        decisions: list[Decision] = []
        if self.real is not None and not facts.exercise:
            found = self.real.hear(facts)
            decisions += self._told(found, event.at)
            self._account(facts, found)
        if self.drill is not None:
            decisions += self._told(_exercises(self.drill.hear(facts)), event.at)
        return decisions

    def on_time(self, now: Stamp) -> list[Decision]:
        """What was waited for."""
        self.stirred = True
        decisions: list[Decision] = []
        if self.real is not None:
            found = self.real.until(now.monotonic_ns)
            decisions += self._told(found, now)
            if found:
                self.note({"condition": self.real.condition.stands(), "happened": True})
        if self.drill is not None:
            decisions += self._told(_exercises(self.drill.until(now.monotonic_ns)), now)
        return decisions

    @property
    def due_ns(self) -> int | None:
        """The next moment that either condition waits for."""
        dues = [line.condition.due_ns for line in self._lines if line is not None]
        return min((due for due in dues if due is not None), default=None)

    @property
    def key(self) -> str:
        """What its memory is kept under."""
        return f"{self.name}@{self.profile}" if self.profile else self.name

    def kept(self) -> Kept:
        """What it remembers."""
        real, drill = (
            Memory() if line is None else line.condition.memory() for line in self._lines
        )
        return Kept(self.form, real, drill)

    def recall_kept(self, kept: Kept) -> bool:
        """Go on with *kept*, before the first event; False: it is of another condition."""
        if kept.form != self.form:
            return False
        for line, memory in zip(self._lines, (kept.real, kept.drill), strict=True):
            if line is not None and memory:
                line.condition.recall(memory)
        return True

    @property
    def _lines(self) -> tuple[Line | None, Line | None]:
        return self.real, self.drill

    def _told(self, happenings: list[Happening], now: Stamp) -> list[Decision]:
        decisions: list[Decision] = []
        for happened in happenings:
            last = happened.because[-1]
            exercise = any(facts.exercise for facts in happened.because)
            details: dict[str, object] = {"because": [_row(facts) for facts in happened.because]}
            if any(facts.event == "lead" for facts in happened.because):
                details["confirm"] = "required"
            decisions += self.raised(
                _moved(now, happened.at_ns),
                last.device if last.device in self.places else self.node,
                self.text,
                details=details,
                key=f"{self.name}:{'exercise' if exercise else 'actual'}",
                status=Status.EXERCISE if exercise else Status.ACTUAL,
                where=last.where,
            )
        return decisions

    def _account(self, facts: Facts, found: list[Happening]) -> None:
        if self.real is None:
            return
        stands = self.real.condition.stands()
        if found or _held(stands):
            self.note({"condition": stands, "happened": bool(found), "event": _row(facts)})


def build_custom(
    rule: CustomConfig,
    config: Config,
    base: Rule,
    list_of: Callable[[str, bool], ListName | None],
    profile: str = "",
) -> CustomRule:
    """The rule of *rule*, which was checked; *base* has its manner and the places.

    *profile* is the one whose limits it has, if any.
    """
    types: dict[str, str] = {name: item.type for name, item in config.inputs.items()}
    types |= dict.fromkeys(config.cameras, "camera")
    words = {word for _, text in rule.when.texts() for word in names_in(text)}
    leads = bool(config.cameras) and config.faces.enabled and bool(words & _LEADS)
    return CustomRule(
        base.manner,
        base.places,
        text=Text(rule.text.en, rule.text.zh),
        real=Line(condition_of(rule.when)),
        drill=Line(condition_of(rule.when)) if leads else None,
        types=types,
        node=config.node.node,
        form=hashlib.sha256(repr(rule.when).encode()).hexdigest()[:16],
        list_of=list_of,
        profile=profile,
    )


_LEADS = frozenset({"lead", "exercise", "score", "frames", "quality"})


def condition_of(given: schema.Condition) -> Condition:
    """The condition of the configuration, ready to hear."""
    return _MADE[given.operator](given)


def _all_of(given: Sequence[schema.Condition] | None) -> list[Condition]:
    return [condition_of(part) for part in given or ()]


def _one_of(given: schema.Condition | None) -> Condition:
    if given is None:
        raise ValueError("a condition without its part")
    return condition_of(given)


# The schema has seen to it that what an operator needs is there.
_MADE: Mapping[str, Callable[[schema.Condition], Condition]] = {
    "matches": lambda c: temporal.Matches(c.matches or "", compiled(c.matches or "")),
    "lasts": lambda c: temporal.Lasts(c.lasts or "", compiled(c.lasts or ""), c.for_s or 0),
    "any": lambda c: temporal.AnyOf(_all_of(c.any)),
    "all": lambda c: combined.AllOf(_all_of(c.all), c.within_s or 0),
    "sequence": lambda c: combined.InSequence(_all_of(c.sequence), c.within_s or 0),
    "count": lambda c: combined.Count(_one_of(c.count), c.at_least or 0, c.within_s or 0),
    "without": lambda c: combined.Without(
        _one_of(c.of), _one_of(c.without), c.before_s or 0, c.after_s or 0
    ),
}


def _exercises(found: list[Happening]) -> list[Happening]:
    return [happened for happened in found if any(f.exercise for f in happened.because)]


def _moved(now: Stamp, at_ns: int) -> Stamp:
    """When it happened by the monotonic clock, told by the wall clock of *now*."""
    age_ns = max(now.monotonic_ns - at_ns, 0)
    return dataclasses.replace(
        now, monotonic_ns=now.monotonic_ns - age_ns, utc_ns=now.utc_ns - age_ns
    )


def _row(facts: Facts) -> dict[str, object]:
    return {"at": facts.at.utc, "event": facts.event, "device": facts.device, "state": facts.state}


def _held(stands: Mapping[str, object]) -> bool:
    """Whether any expression in it held for the last event."""
    parts = stands.get("parts")
    below = any(_held(part) for part in parts) if isinstance(parts, list) else False
    return bool(stands.get("held")) or below
