"""Doors: forced, released, held too long."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.devices import Door
from agent.core.clock import ManualClock
from agent.core.decisions import Actuate, Close, Decision, Drive, Note, Raise
from agent.core.events import DoorReleased, InputState
from contract.words import Kind, Severity
from rules.base import Rule
from rules.door import DoorWatch, Leaf
from tests.support.rulebook import PLACE, driven, manner
from tests.support.samples import at, changed

OPEN, CLOSED, PRESSED = InputState.OPEN, InputState.CLOSED, InputState.PRESSED


def watch(**fields: Any) -> DoorWatch:
    """A door with a lock and an exit button: 10 s after a release, 30 s warning, 60 s alarm."""
    config = Door.model_validate(
        {"contact": "door-1", "relay": "lock-1", "exit": "exit-1", **fields}
    )
    place = {"side": PLACE}
    forced = Rule(manner(Kind.DOOR_FORCED, outputs=("siren-1",)), place)
    held = Rule(manner(Kind.DOOR_HELD), place)
    return DoorWatch("side", config, PLACE, (forced,), (held,))


def raises(decisions: list[Decision]) -> list[tuple[str, str]]:
    return [(d.kind.value, d.severity.value) for d in decisions if isinstance(d, Raise)]


def notes(decisions: list[Decision]) -> list[tuple[str, dict[str, object]]]:
    return [(d.kind, dict(d.details)) for d in decisions if isinstance(d, Note)]


def test_a_door_that_opens_without_a_release_is_forced(clock: ManualClock) -> None:
    decisions = watch().on_event(changed(clock, "door-1", OPEN))
    assert raises(decisions) == [("door.forced", "major")]
    assert notes(decisions) == [("door.opened", {"released": False})]
    assert driven(decisions) == [("siren-1", "on")]


def test_the_exit_button_opens_the_lock_first_and_makes_opening_normal(clock: ManualClock) -> None:
    door = watch()
    decisions = door.on_event(changed(clock, "exit-1", PRESSED))
    assert decisions[0] == Actuate("lock-1", Drive.PULSE)
    assert notes(decisions) == [("door.exit", {})]
    clock.advance(10)
    opened = door.on_event(changed(clock, "door-1", OPEN))
    assert raises(opened) == []
    assert notes(opened) == [("door.opened", {"released": True})]


def test_a_release_ends(clock: ManualClock) -> None:
    door = watch()
    door.on_event(changed(clock, "exit-1", PRESSED))
    clock.advance(10.001)
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) == [("door.forced", "major")]


def test_an_exit_button_found_pressed_at_start_opens_nothing(clock: ManualClock) -> None:
    door = watch()
    assert door.on_event(changed(clock, "exit-1", PRESSED, initial=True)) == []
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) != []


def test_letting_go_of_the_exit_button_does_nothing(clock: ManualClock) -> None:
    assert watch().on_event(changed(clock, "exit-1", InputState.RELEASED)) == []


def test_an_exit_button_without_a_lock_still_releases(clock: ManualClock) -> None:
    door = watch(relay=None)
    assert driven(door.on_event(changed(clock, "exit-1", PRESSED))) == []
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) == []


def test_a_release_on_purpose_counts_for_its_own_door(clock: ManualClock) -> None:
    door = watch()
    door.on_event(DoorReleased(at(clock), "other", "command", 60))
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) != []
    door = watch()
    door.on_event(DoorReleased(at(clock), "side", "command", 60))
    clock.advance(59)
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) == []


def test_a_shorter_release_does_not_shorten_a_longer_one(clock: ManualClock) -> None:
    door = watch()
    door.on_event(DoorReleased(at(clock), "side", "command", 60))
    door.on_event(changed(clock, "exit-1", PRESSED))
    clock.advance(30)
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) == []


def test_a_door_held_open_is_a_warning_then_an_alarm_then_silence(clock: ManualClock) -> None:
    door = watch()
    door.on_event(changed(clock, "exit-1", PRESSED))
    door.on_event(changed(clock, "door-1", OPEN))
    opened_ns = clock.monotonic_ns()
    told = []
    for _ in range(120):
        clock.advance(1)
        for decision in door.on_time(at(clock)):
            assert isinstance(decision, Raise)
            told.append(
                (
                    (clock.monotonic_ns() - opened_ns) // 10**9,
                    decision.severity,
                    decision.details["open_s"],
                )
            )
    assert told == [(30, Severity.MINOR, 30), (60, Severity.MAJOR, 60)]
    assert door.leaf is Leaf.HELD
    assert door.due_ns is None


def test_the_due_time_is_the_limit_from_the_first_edge(clock: ManualClock) -> None:
    door = watch()
    event = changed(clock, "door-1", OPEN)
    clock.advance(0.05)
    dues = [door.due_ns]
    door.on_event(event)
    dues.append(door.due_ns)
    assert dues == [None, event.at.monotonic_ns + 30 * 10**9]
    assert door.on_time(at(clock)) == []


def test_a_loop_that_slept_over_both_limits_tells_both_in_order(clock: ManualClock) -> None:
    door = watch()
    door.on_event(changed(clock, "door-1", OPEN))
    clock.advance(300)
    first, second = door.on_time(at(clock)), door.on_time(at(clock))
    assert raises(first + second) == [("door.held", "minor"), ("door.held", "major")]


def test_closing_ends_the_incidents_and_starts_afresh(clock: ManualClock) -> None:
    door = watch()
    door.on_event(changed(clock, "door-1", OPEN))
    clock.advance(31)
    door.on_time(at(clock))
    decisions = door.on_event(changed(clock, "door-1", CLOSED))
    assert [d.key for d in decisions if isinstance(d, Close)] == [
        "door.forced:side",
        "door.held:side",
    ]
    assert notes(decisions) == [("door.closed", {})]
    assert door.due_ns is None
    clock.advance(1)
    assert raises(door.on_event(changed(clock, "door-1", OPEN))) == [("door.forced", "major")]


def test_a_door_found_open_at_start_is_not_forced_but_is_held(clock: ManualClock) -> None:
    door = watch()
    decisions = door.on_event(changed(clock, "door-1", OPEN, initial=True))
    assert raises(decisions) == []
    clock.advance(30)
    assert raises(door.on_time(at(clock))) == [("door.held", "minor")]


def test_a_door_found_closed_at_start_is_not_worth_a_word(clock: ManualClock) -> None:
    assert watch().on_event(changed(clock, "door-1", CLOSED, initial=True)) == []


def test_a_contact_that_is_told_twice_is_one_opening(clock: ManualClock) -> None:
    door = watch()
    door.on_event(changed(clock, "door-1", OPEN))
    assert door.on_event(changed(clock, "door-1", OPEN)) == []
    door.on_event(changed(clock, "door-1", CLOSED))
    assert door.on_event(changed(clock, "door-1", CLOSED)) == []


def test_a_faulty_contact_neither_opens_nor_closes_a_door(clock: ManualClock) -> None:
    door = watch()
    leaves = []
    for state in (InputState.FAULT, OPEN, InputState.FAULT):
        door.on_event(changed(clock, "door-1", state))
        leaves.append(door.leaf)
    assert leaves == [Leaf.CLOSED, Leaf.OPEN, Leaf.OPEN]
    assert door.on_event(changed(clock, "door-1", InputState.FAULT)) == []


def test_another_doors_contact_is_not_heard(clock: ManualClock) -> None:
    assert watch().on_event(changed(clock, "door-2", OPEN)) == []


@pytest.mark.parametrize(
    ("alarm", "warning"),
    [("critical", "major"), ("major", "minor"), ("minor", "warning"), ("warning", "warning")],
)
def test_the_warning_is_one_step_milder_than_the_alarm(
    clock: ManualClock, alarm: str, warning: str
) -> None:
    door = watch()
    door.held = (Rule(manner(Kind.DOOR_HELD, severity=Severity(alarm)), {"side": PLACE}),)
    door.on_event(changed(clock, "exit-1", PRESSED))
    door.on_event(changed(clock, "door-1", OPEN))
    clock.advance(60)
    told = door.on_time(at(clock)) + door.on_time(at(clock))
    assert [severity for _, severity in raises(told)] == [warning, alarm]


def test_a_door_without_a_rule_for_holding_is_never_due(clock: ManualClock) -> None:
    door = watch()
    door.held = ()
    door.on_event(changed(clock, "door-1", OPEN))
    assert door.due_ns is None


def successor(side: DoorWatch) -> DoorWatch:
    """The same door in the next life of the program."""
    after = watch()
    assert after.recall_kept(side.kept())
    return after


def test_how_long_a_door_has_been_open_goes_on_after_a_restart(clock: ManualClock) -> None:
    side = watch()
    side.on_event(changed(clock, "exit-1", PRESSED))
    side.on_event(changed(clock, "door-1", OPEN))
    clock.advance(25)
    side = successor(side)
    assert side.due_ns is None, "nobody knows yet whether it is open"
    side.on_event(changed(clock, "door-1", OPEN, initial=True))
    clock.advance(5)
    assert len(raises(side.on_time(at(clock)))) == 1
    side = successor(side)
    side.on_event(changed(clock, "door-1", OPEN, initial=True))
    assert side.leaf is Leaf.WARNED, "what was told is not told again"
    assert raises(side.on_time(at(clock))) == []
    clock.advance(30)
    assert len(raises(side.on_time(at(clock)))) == 1


def test_a_door_that_was_shut_meanwhile_begins_anew(clock: ManualClock) -> None:
    side = watch()
    side.on_event(changed(clock, "door-1", OPEN))
    clock.advance(25)
    side = successor(side)
    side.on_event(changed(clock, "door-1", CLOSED, initial=True))
    side.on_event(changed(clock, "door-1", OPEN))
    assert side.due_ns == clock.monotonic_ns() + 30 * 10**9


def test_a_release_goes_on_after_a_restart(clock: ManualClock) -> None:
    side = watch()
    side.on_event(changed(clock, "exit-1", PRESSED))
    side = successor(side)
    clock.advance(5)
    assert raises(side.on_event(changed(clock, "door-1", OPEN))) == []
    side = successor(watch())
    assert len(raises(side.on_event(changed(clock, "door-1", OPEN)))) == 1
