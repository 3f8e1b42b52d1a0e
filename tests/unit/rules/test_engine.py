"""All rules together: none harms another, and panic never falls silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from agent.core.clock import ManualClock, Stamp
from agent.core.decisions import Close, Decision
from agent.core.events import Event, InputState
from contract.words import Kind, Severity
from rules.base import Rule
from rules.buttons import ButtonRule
from rules.engine import Engine, RuleFailed
from tests.support.rulebook import PLACE, driven, manner, the_raise
from tests.support.samples import at, changed

PRESSED = InputState.PRESSED


@dataclass
class Scripted:
    """A rule that says its name about everything, and raises when told to."""

    name: str
    due_ns: int | None = None
    broken: bool = False
    heard: list[object] = field(default_factory=list)

    def on_event(self, event: Event) -> list[Decision]:
        return self._say(event)

    def on_time(self, now: Stamp) -> list[Decision]:
        self.due_ns = None
        return self._say(now)

    def _say(self, what: object) -> list[Decision]:
        self.heard.append(what)
        if self.broken:
            raise ZeroDivisionError(self.name)
        return [Close(self.name)]


class Bench:
    """An engine with its rules and what it reported."""

    def __init__(self, *rules: Scripted) -> None:
        self.failures: list[RuleFailed] = []
        self.engine = Engine(
            rules,
            panic_devices=["panic-1"],
            on_failure=lambda failed, _: self.failures.append(failed),
        )


def test_every_rule_hears_every_event_in_order(clock: ManualClock) -> None:
    bench = Bench(Scripted("a"), Scripted("b"))
    assert bench.engine.on_event(changed(clock, "x", PRESSED)) == [Close("a"), Close("b")]


def test_a_rule_that_raises_loses_its_own_decision_only(clock: ManualClock) -> None:
    bench = Bench(Scripted("a"), Scripted("b", broken=True), Scripted("c"))
    assert bench.engine.on_event(changed(clock, "x", PRESSED)) == [Close("a"), Close("c")]
    assert bench.failures == [RuleFailed("b", "ZeroDivisionError: b", off=False)]


class Forgetful(Rule):
    def recall(self, last_seen: Mapping[str, Stamp], now: Stamp) -> list[Decision]:
        raise KeyError(*last_seen, now)


def test_a_rule_that_raises_at_a_restart_does_not_stop_the_start(clock: ManualClock) -> None:
    failures: list[RuleFailed] = []
    siren = manner(Kind.PANIC, outputs=("siren-1",))
    rules = [Forgetful(manner(Kind.TAMPER)), ButtonRule(siren, {"panic-1": PLACE})]
    engine = Engine(rules, on_failure=lambda failed, _: failures.append(failed))
    done = engine.recall({"panic:panic-1": at(clock)}, at(clock))
    assert driven(done) == [("siren-1", "on")]
    assert [failed.rule for failed in failures] == ["tamper"]


def test_the_third_failure_in_an_hour_switches_a_rule_off(clock: ManualClock) -> None:
    rule = Scripted("b", broken=True)
    bench = Bench(rule)
    for _ in range(5):
        bench.engine.on_event(changed(clock, "x", PRESSED))
        clock.advance(1799)
    assert [failed.off for failed in bench.failures] == [False, False, True]
    assert len(rule.heard) == 3


def test_failures_more_than_an_hour_apart_do_not_add_up(clock: ManualClock) -> None:
    bench = Bench(Scripted("b", broken=True))
    for _ in range(6):
        bench.engine.on_event(changed(clock, "x", PRESSED))
        clock.advance(1801)
    assert [failed.off for failed in bench.failures] == [False] * 6


def test_a_rule_that_is_off_is_not_asked_about_time_either(clock: ManualClock) -> None:
    rule = Scripted("b", broken=True)
    bench = Bench(rule)
    for _ in range(3):
        bench.engine.on_event(changed(clock, "x", PRESSED))
    rule.due_ns = clock.monotonic_ns()
    assert bench.engine.due_ns is None
    assert bench.engine.on_time(at(clock)) == []
    assert len(rule.heard) == 3


def test_time_is_told_to_the_rules_that_are_due(clock: ManualClock) -> None:
    now_ns = clock.monotonic_ns()
    late, later, never = Scripted("late", now_ns), Scripted("later", now_ns + 1), Scripted("never")
    bench = Bench(late, later, never)
    assert bench.engine.due_ns == now_ns
    assert bench.engine.on_time(at(clock)) == [Close("late")]
    assert bench.engine.due_ns == now_ns + 1


def test_a_rule_that_raises_on_time_does_not_stop_the_others(clock: ManualClock) -> None:
    now_ns = clock.monotonic_ns()
    bench = Bench(Scripted("bad", now_ns, broken=True), Scripted("good", now_ns))
    assert bench.engine.on_time(at(clock)) == [Close("good")]
    assert [failed.rule for failed in bench.failures] == ["bad"]


def test_a_press_is_a_plain_critical_alert_when_the_panic_rule_fails(clock: ManualClock) -> None:
    bench = Bench(Scripted("panic", broken=True))
    told = the_raise(bench.engine.on_event(changed(clock, "panic-1", PRESSED)))
    assert (told.kind, told.severity, told.rule) == (
        Kind.PANIC,
        Severity.CRITICAL,
        "panic-fallback",
    )
    assert (told.key, told.device) == ("panic:panic-1", "panic-1")
    assert "panic-1" in told.text.en
    assert "panic-1" in told.text.zh
    assert told.cooldown_s == 0.0


def test_the_panic_rule_is_never_switched_off(clock: ManualClock) -> None:
    rule = Scripted("panic", broken=True)
    bench = Bench(rule)
    for _ in range(10):
        the_raise(bench.engine.on_event(changed(clock, "panic-1", PRESSED)))
    assert [failed.off for failed in bench.failures] == [False] * 10
    rule.broken = False
    assert bench.engine.on_event(changed(clock, "panic-1", PRESSED)) == [Close("panic")]


@pytest.mark.parametrize(
    ("device", "state"),
    [("panic-1", InputState.RELEASED), ("panic-1", InputState.FAULT), ("door-1", PRESSED)],
)
def test_only_a_press_of_a_panic_button_is_answered_without_its_rule(
    clock: ManualClock, device: str, state: InputState
) -> None:
    bench = Bench(Scripted("panic", broken=True))
    assert bench.engine.on_event(changed(clock, device, state)) == []


def test_another_rule_that_fails_makes_no_panic(clock: ManualClock) -> None:
    bench = Bench(Scripted("medical", broken=True))
    assert bench.engine.on_event(changed(clock, "panic-1", PRESSED)) == []
