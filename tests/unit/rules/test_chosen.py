"""Limits of profiles: a door's, and those of rules of the site's own, while they change."""

from __future__ import annotations

import pytest

from agent.core.clock import NS_PER_S, ManualClock
from agent.core.decisions import Decision, Raise
from agent.core.events import InputState
from contract.words import ListName
from rules.engine import Engine
from rules.factory import build_rules
from tests.support.samples import at, changed, gate

RULES = """\
rules:
  - {type: door.forced, enabled: false}
  - type: custom
    name: loiter-1
    alert: loiter
    when: {lasts: device == 'door-1' and state == 'open', for_s: 60}
    text: {en: Somebody stays, zh: 有人逗留}
  - type: custom
    name: crowd-1
    alert: crowd
    when: {count: device == 'assist-1' and state == 'pressed', at_least: 4, within_s: 60}
    text: {en: A crowd, zh: 人员聚集}
answering:
  profiles:
    normal: {name: 平时, rank: 1}
    school-in:
      name: 入校
      rank: 2
      doors: {side: {held_warn_s: 5, held_alarm_s: 15}}
      rules: {loiter-1: {for_s: 10}, crowd-1: {at_least: 2, within_s: 20}}
"""


class Gate:
    """The rules of a gate, a profile that a test chooses, and what was raised."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.profile: str | None = "normal"
        config = gate(("rules:\n  - {type: panic, outputs: [siren-1]}\n", RULES))
        rules = build_rules(config, lambda *_: ListName.WANTED, lambda: self.profile)
        self.engine = Engine(rules, on_failure=self._fail)

    def _fail(self, failed: object, _: object) -> None:
        raise AssertionError(failed)

    def hear(self, device: str, state: InputState) -> list[str]:
        return _raised(self.engine.on_event(changed(self.clock, device, state)))

    def wait(self, seconds: float) -> list[str]:
        """What is raised meanwhile, each at its time; asked as the dispatcher does."""
        found: list[str] = []
        until_ns = self.clock.monotonic_ns() + round(seconds * NS_PER_S)
        while (due_ns := self.engine.due_ns) is not None and due_ns <= until_ns:
            self.clock.advance(max(due_ns - self.clock.monotonic_ns(), 0) / NS_PER_S)
            found += _raised(self.engine.on_time(at(self.clock)))
        self.clock.advance((until_ns - self.clock.monotonic_ns()) / NS_PER_S)
        return found


def _raised(decisions: list[Decision]) -> list[str]:
    """Kinds of alerts, but for what the assist button itself is."""
    return sorted(d.kind.value for d in decisions if isinstance(d, Raise) and d.rule != "assist")


@pytest.fixture
def made(clock: ManualClock) -> Gate:
    return Gate(clock)


def test_a_door_is_held_by_the_limits_of_the_profile(made: Gate) -> None:
    made.hear("door-1", InputState.OPEN)
    assert made.wait(20) == []
    made.profile = "school-in"
    assert sorted(made.wait(0)) == ["door.held", "door.held", "loiter"]
    made.profile = "normal"
    assert made.wait(300) == ["loiter"]


@pytest.mark.parametrize("profile", ["normal", None, "gone"])
def test_without_limits_of_its_own_the_files_hold(made: Gate, profile: str | None) -> None:
    made.profile = profile
    made.hear("door-1", InputState.OPEN)
    assert made.wait(29) == []
    assert made.wait(1) == ["door.held"]
    assert made.wait(30) == ["door.held", "loiter"]


def test_who_loitered_before_is_told_when_the_stricter_profile_comes(made: Gate) -> None:
    made.hear("door-1", InputState.OPEN)
    made.wait(12)
    made.hear("door-1", InputState.CLOSED)
    made.profile = "school-in"
    assert made.wait(0) == []
    made.profile = "normal"
    made.hear("door-1", InputState.OPEN)
    made.wait(12)
    made.profile = "school-in"
    assert made.wait(0) == ["door.held", "loiter"]


def test_a_count_is_that_of_the_profile_and_old_ones_stay_unsaid(made: Gate) -> None:
    for _ in range(2):
        assert made.hear("assist-1", InputState.PRESSED) == []
    made.wait(30)
    made.profile = "school-in"
    assert made.hear("assist-1", InputState.PRESSED) == []
    assert made.hear("assist-1", InputState.PRESSED) == ["crowd"]
    made.profile = "normal"
    assert made.hear("assist-1", InputState.PRESSED) == ["crowd"]


def test_a_crowd_that_gathered_moments_before_is_told_with_the_profile(made: Gate) -> None:
    for _ in range(2):
        made.hear("assist-1", InputState.PRESSED)
    made.wait(15)
    made.profile = "school-in"
    assert made.wait(0) == ["crowd"]
    assert made.wait(60) == []
