"""What rules of a site's own remember goes on after a restart, or ends with a reason."""

from __future__ import annotations

import dataclasses

from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Note, Raise
from agent.core.events import InputState
from agent.incidents.rule_memory import RuleMemory
from rules.custom import CustomRule
from rules.door import DoorWatch
from rules.engine import Engine
from rules.factory import build_rules, remembering
from tests.support.samples import at, changed
from tests.support.ways import Life
from tests.unit.rules.test_custom import HEAD, HELD_WITH_CAR, PRESSES, config

LONG = HEAD + "    when: {count: device == 'assist-1', at_least: 500, within_s: 3600}\n"


class Gate:
    """Rules of a site's own and their memory, over lives of the program."""

    def __init__(self, rules: str, clock: ManualClock) -> None:
        self.clock = clock
        self.rules: list[CustomRule | DoorWatch] = []
        self.life = Life([], clock)
        self.begin(rules)

    def begin(self, rules: str) -> list[Decision]:
        """A life with these rules; what the memory decides about what was left."""
        built = build_rules(config(rules), lambda *_: None)
        self.rules = remembering(built)
        self.engine = Engine(built, on_failure=lambda *_: None)
        self.memory = RuleMemory("gate-1", lambda: self.rules)
        return self.life.begin([self.memory])

    def press(
        self, device: str = "assist-1", state: InputState = InputState.PRESSED
    ) -> list[Raise]:
        event = changed(self.clock, device, state)
        decisions = self.engine.on_event(event)
        self.life.hear(event)
        return self._own(decisions)

    def wait(self, seconds: float) -> list[Raise]:
        self.clock.advance(seconds)
        decisions = self.engine.on_time(at(self.clock))
        self.life.wait(0)
        return self._own(decisions)

    @property
    def kept(self) -> dict[str, object]:
        return dict(self.life.keeper.cases.get("rules", {}))

    @staticmethod
    def _own(decisions: list[Decision]) -> list[Raise]:
        return [d for d in decisions if isinstance(d, Raise) and d.rule == "own"]


def test_a_count_goes_on_after_a_restart(clock: ManualClock) -> None:
    gate = Gate(PRESSES, clock)
    gate.press()
    gate.wait(5)
    gate.press()
    gate.wait(5)
    assert gate.begin(PRESSES) == []
    (alert,) = gate.press()
    assert [row["device"] for row in alert.details["because"]] == ["assist-1"] * 3  # type: ignore[attr-defined]


def test_what_has_happened_is_counted_anew_after_a_restart_too(clock: ManualClock) -> None:
    gate = Gate(PRESSES, clock)
    assert [len(gate.press()) for _ in range(3)] == [0, 0, 1]
    gate.wait(2)
    assert gate.kept == {}
    gate.begin(PRESSES)
    assert gate.press() == []


def test_a_duration_goes_on_where_the_level_at_start_says_so(clock: ManualClock) -> None:
    for found, alerts in ((InputState.OPEN, 1), (InputState.CLOSED, 0)):
        gate = Gate(HELD_WITH_CAR, clock)
        gate.press("door-1", InputState.OPEN)
        gate.press("lane-1", InputState.PRESENT)
        gate.wait(15)
        gate.press("lane-1", InputState.PRESENT)
        gate.wait(2)
        gate.begin(HELD_WITH_CAR)
        level = changed(clock, "door-1", found, initial=True)
        gate.engine.on_event(level)
        gate.life.hear(level)
        assert len(gate.wait(4)) == alerts


def test_a_condition_that_was_changed_begins_anew_and_says_so(clock: ManualClock) -> None:
    gate = Gate(PRESSES, clock)
    gate.press()
    (told,) = gate.begin(PRESSES.replace("within_s: 60", "within_s: 90"))
    assert isinstance(told, Note)
    assert told.kind == "rule.forgotten"
    assert told.details == {"rule": "own", "reason": "its condition is another one"}
    assert gate.begin(PRESSES) == []


def test_a_rule_that_is_gone_is_forgotten_and_says_so(clock: ManualClock) -> None:
    gate = Gate(PRESSES, clock)
    gate.press()
    (told,) = gate.begin(PRESSES + "    enabled: false\n")
    assert isinstance(told, Note)
    assert told.details["reason"] == "the rule does not run"
    assert gate.kept == {}


def test_many_events_are_few_writes(clock: ManualClock) -> None:
    gate = Gate(LONG, clock)
    writes = 0
    for _ in range(400):
        before = gate.kept
        gate.press()
        gate.wait(0.1)
        writes += gate.kept != before
    assert 10 <= writes <= 35, "40 s: ten, then once a second, and less often when it is much"
    gate.memory.take_all()
    gate.life.ways.keep()
    assert gate.memory.cases["own"].size == 400


def test_what_a_person_does_is_kept_as_it_is_done(clock: ManualClock) -> None:
    gate = Gate(PRESSES, clock)
    gate.press()
    gate.press()
    gate.begin(PRESSES)
    assert len(gate.press()) == 1


def test_a_wall_clock_that_steps_changes_nothing(clock: ManualClock) -> None:
    gate = Gate(PRESSES, clock)
    gate.press()
    gate.press()
    gate.wait(2)
    now = at(clock)
    gate.begin(PRESSES)
    event = changed(clock, "assist-1", InputState.PRESSED)
    stepped = dataclasses.replace(event, at=dataclasses.replace(now, utc_ns=now.utc_ns + 10**18))
    assert len(gate._own(gate.engine.on_event(stepped))) == 1
