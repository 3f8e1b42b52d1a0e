"""Buttons and lines, as a person at the gate meets them."""

from __future__ import annotations

from datetime import UTC

import pytest

from agent.core.clock import ManualClock
from agent.core.decisions import Actuate, Close, Drive, Note, Raise
from agent.core.events import InputState, LatchReset
from agent.core.ids import DeviceName
from agent.incidents.book import IncidentBook
from contract.words import Kind
from rules.buttons import ButtonRule, TamperRule
from rules.windows import Windows
from tests.support.rulebook import PLACE, driven, manner, the_raise, the_resolve, window
from tests.support.samples import Numbers, at, changed

PRESSED, RELEASED = InputState.PRESSED, InputState.RELEASED
PLACES = {"panic-1": PLACE, "panic-2": PLACE}


@pytest.fixture
def rule() -> ButtonRule:
    return ButtonRule(manner(Kind.PANIC, outputs=("siren-1",)), PLACES, reset_keys=["key-1"])


def reset(clock: ManualClock, device: str | None = None) -> LatchReset:
    return LatchReset(at(clock), None if device is None else DeviceName(device), "guard Li")


def test_a_press_raises_and_sounds_and_a_release_says_nothing(
    rule: ButtonRule, clock: ManualClock
) -> None:
    decisions = rule.on_event(changed(clock, "panic-1", PRESSED))
    told = the_raise(decisions)
    assert driven(decisions) == [("siren-1", "on")]
    assert (told.key, told.details) == ("panic:panic-1", {"presses": 1})
    clock.advance(10)
    assert rule.on_event(changed(clock, "panic-1", RELEASED)) == []


def test_a_press_found_at_start_says_so(rule: ButtonRule, clock: ManualClock) -> None:
    told = the_raise(rule.on_event(changed(clock, "panic-1", PRESSED, initial=True)))
    assert told.details == {"presses": 1, "at_start": True}
    assert told.text.en == "Panic line found open or pressed at start: Guard desk"


def test_a_medical_press_found_at_start_keeps_its_own_sentence(clock: ManualClock) -> None:
    rule = ButtonRule(manner(Kind.MEDICAL), PLACES)
    told = the_raise(rule.on_event(changed(clock, "panic-1", PRESSED, initial=True)))
    assert told.text.en == "Medical help wanted: Guard desk"
    assert told.details["at_start"] is True


def test_what_was_latched_sounds_on_in_the_next_life_for_what_is_left(
    rule: ButtonRule, clock: ManualClock
) -> None:
    first = at(clock)
    clock.advance(20)
    second = at(clock)
    clock.advance(5)
    open_then = {"panic:panic-1": first, "panic:panic-2": second, "tamper:panic-1": at(clock)}
    assert rule.recall(open_then, at(clock)) == [Actuate("siren-1", Drive.ON, spent_s=5.0)]
    decisions = rule.on_event(reset(clock))
    assert [d.key for d in decisions if isinstance(d, Close)] == ["panic:panic-1", "panic:panic-2"]
    assert driven(decisions) == [("siren-1", "off")]


def test_nothing_sounds_for_what_is_no_longer_open(rule: ButtonRule, clock: ManualClock) -> None:
    assert rule.recall({"tamper:panic-1": at(clock), "panic:gone-1": at(clock)}, at(clock)) == []


@pytest.mark.parametrize(("after_s", "presses"), [(0.1, None), (1.999, None), (2.0, 2), (60, 2)])
def test_a_second_press_within_two_seconds_is_the_same_press(
    rule: ButtonRule, clock: ManualClock, after_s: float, presses: int | None
) -> None:
    rule.on_event(changed(clock, "panic-1", PRESSED))
    clock.advance(after_s)
    decisions = rule.on_event(changed(clock, "panic-1", PRESSED))
    if presses is None:
        assert decisions == []
    else:
        assert the_raise(decisions).details == {"presses": presses}
        assert driven(decisions) == [("siren-1", "on")]


def test_hammering_a_button_is_one_press_until_it_pauses(
    rule: ButtonRule, clock: ManualClock
) -> None:
    told = []
    for _ in range(10):
        told += rule.on_event(changed(clock, "panic-1", PRESSED))
        clock.advance(1)
    clock.advance(1)
    told += rule.on_event(changed(clock, "panic-1", PRESSED))
    assert [d.details["presses"] for d in told if hasattr(d, "details")] == [1, 2]


def test_two_buttons_do_not_lock_each_other(rule: ButtonRule, clock: ManualClock) -> None:
    the_raise(rule.on_event(changed(clock, "panic-1", PRESSED)))
    assert the_raise(rule.on_event(changed(clock, "panic-2", PRESSED))).key == "panic:panic-2"


def test_a_reset_of_all_closes_each_incident_notes_who_and_silences(
    rule: ButtonRule, clock: ManualClock
) -> None:
    rule.on_event(changed(clock, "panic-1", PRESSED))
    rule.on_event(changed(clock, "panic-2", PRESSED))
    decisions = rule.on_event(reset(clock))
    assert [d.key for d in decisions if isinstance(d, Close)] == ["panic:panic-1", "panic:panic-2"]
    notes = [d for d in decisions if isinstance(d, Note)]
    assert [(n.kind, n.device, n.where) for n in notes] == [
        ("latch.reset", "panic-1", "north-gate"),
        ("latch.reset", "panic-2", "north-gate"),
    ]
    assert notes[0].details == {"by": "guard Li", "rule": "panic"}
    assert driven(decisions) == [("siren-1", "off")]


def test_the_siren_goes_on_while_another_button_is_latched(
    rule: ButtonRule, clock: ManualClock
) -> None:
    rule.on_event(changed(clock, "panic-1", PRESSED))
    rule.on_event(changed(clock, "panic-2", PRESSED))
    assert driven(rule.on_event(reset(clock, "panic-1"))) == []
    assert driven(rule.on_event(reset(clock, "panic-2"))) == [("siren-1", "off")]


def test_a_reset_of_what_is_not_latched_says_nothing(rule: ButtonRule, clock: ManualClock) -> None:
    assert rule.on_event(reset(clock)) == []
    rule.on_event(changed(clock, "panic-1", PRESSED))
    assert rule.on_event(reset(clock, "panic-2")) == []


def test_after_a_reset_a_press_counts_at_once_and_from_one(
    rule: ButtonRule, clock: ManualClock
) -> None:
    rule.on_event(changed(clock, "panic-1", PRESSED))
    clock.advance(0.5)
    rule.on_event(reset(clock))
    clock.advance(0.5)
    assert the_raise(rule.on_event(changed(clock, "panic-1", PRESSED))).details == {"presses": 1}


def test_the_key_switch_resets_everything(rule: ButtonRule, clock: ManualClock) -> None:
    rule.on_event(changed(clock, "panic-1", PRESSED))
    decisions = rule.on_event(changed(clock, "key-1", PRESSED))
    assert [d.key for d in decisions if isinstance(d, Close)] == ["panic:panic-1"]
    assert [d.details["by"] for d in decisions if isinstance(d, Note)] == ["key-1"]
    assert driven(decisions) == [("siren-1", "off")]


@pytest.mark.parametrize(("state", "initial"), [(RELEASED, False), (PRESSED, True)])
def test_only_a_turn_of_the_key_resets(
    rule: ButtonRule, clock: ManualClock, state: InputState, initial: bool
) -> None:
    rule.on_event(changed(clock, "panic-1", PRESSED))
    assert rule.on_event(changed(clock, "key-1", state, initial=initial)) == []


@pytest.mark.parametrize("device", ["door-1", "panic-3"])
def test_what_does_not_concern_a_rule_is_not_heard(
    rule: ButtonRule, clock: ManualClock, device: str
) -> None:
    assert rule.on_event(changed(clock, device, PRESSED)) == []


def test_a_rule_for_chosen_buttons_leaves_the_others(clock: ManualClock) -> None:
    rule = ButtonRule(manner(Kind.ASSIST), PLACES, chosen=["panic-2"])
    assert rule.on_event(changed(clock, "panic-1", PRESSED)) == []
    assert the_raise(rule.on_event(changed(clock, "panic-2", PRESSED))).kind is Kind.ASSIST


def test_assistance_outside_its_hours_is_not_raised(clock: ManualClock) -> None:
    night = Windows([window("22:00", "06:00")], UTC)
    rule = ButtonRule(manner(Kind.ASSIST, windows=night), PLACES)
    assert rule.on_event(changed(clock, "panic-1", PRESSED)) == []


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (InputState.CUT, "Line cut: Guard desk"),
        (InputState.SHORTED, "Line shorted: Guard desk"),
        (InputState.FAULT, "Line faulty: Guard desk"),
    ],
)
@pytest.mark.parametrize("initial", [False, True])
def test_a_bad_line_is_told_also_when_found_so_at_start(
    clock: ManualClock, state: InputState, sentence: str, initial: bool
) -> None:
    rule = TamperRule(manner(Kind.TAMPER, outputs=("siren-1",)), PLACES)
    decisions = rule.on_event(changed(clock, "panic-1", state, initial=initial))
    told = the_raise(decisions)
    assert (told.text.en, told.details) == (sentence, {"line": state.value})
    assert driven(decisions) == [("siren-1", "on")]


def test_a_line_that_is_intact_again_ends_the_incident_once(clock: ManualClock) -> None:
    rule = TamperRule(manner(Kind.TAMPER), PLACES)
    cut = the_raise(rule.on_event(changed(clock, "panic-1", InputState.CUT)))
    end = the_resolve(rule.on_event(changed(clock, "panic-1", InputState.INTACT)))
    assert end.key == cut.key
    assert end.text.en == "Line intact again: Guard desk"
    assert rule.on_event(changed(clock, "panic-1", InputState.INTACT)) == []


def test_a_line_that_gets_worse_stays_the_same_incident(clock: ManualClock) -> None:
    rule = TamperRule(manner(Kind.TAMPER), PLACES)
    first = the_raise(rule.on_event(changed(clock, "panic-1", InputState.CUT)))
    second = the_raise(rule.on_event(changed(clock, "panic-1", InputState.SHORTED)))
    assert first.key == second.key


def test_a_chattering_button_is_a_faulty_line_until_it_has_rested(clock: ManualClock) -> None:
    rule = TamperRule(manner(Kind.TAMPER), PLACES)
    the_raise(rule.on_event(changed(clock, "panic-1", InputState.FAULT)))
    assert rule.on_event(changed(clock, "panic-1", RELEASED)) == []
    clock.advance(29)
    assert rule.on_time(at(clock)) == []
    clock.advance(1)
    assert rule.due_ns == clock.monotonic_ns()
    the_resolve(rule.on_time(at(clock)))
    assert rule.due_ns is None


def test_a_line_that_chatters_now_and_then_is_one_incident(clock: ManualClock) -> None:
    """A day of it: two seconds of chatter, five of quiet."""
    rule = TamperRule(manner(Kind.TAMPER, cooldown_s=60.0), PLACES)
    book = IncidentBook(Numbers().new)
    said = []
    for _ in range(86_400 // 7):
        for state, lasts_s in ((InputState.FAULT, 2), (RELEASED, 5)):
            for decision in rule.on_event(changed(clock, "panic-1", state)):
                assert isinstance(decision, Raise)
                said.append(book.raised(decision))
            assert rule.due_ns is None or rule.due_ns > clock.monotonic_ns()
            clock.advance(lasts_s)
    told = [message for message in said if message is not None]
    assert len({message.incident for message in told}) == 1
    assert len(told) <= 86_400 / 60 + 1


@pytest.mark.parametrize("every_s", [0.1, 1.9, 2.0, 2.1, 10])
def test_a_stuck_button_is_told_at_most_once_a_minute_in_the_end(
    rule: ButtonRule, clock: ManualClock, every_s: float
) -> None:
    """A day of presses; nobody resets. The siren is switched on with every telling and more."""
    book = IncidentBook(Numbers().new)
    said = []
    for _ in range(round(86_400 / max(every_s, 1))):
        decisions = rule.on_event(changed(clock, "panic-1", PRESSED))
        said += [book.raised(each) for each in decisions if isinstance(each, Raise)]
        clock.advance(every_s)
    told = [message for message in said if message is not None]
    assert 1 <= len(told) <= 10 + 86_400 / 60 + 1
    if every_s >= 2:
        told_presses = told[-1].details["presses"]
        assert isinstance(told_presses, int)
        assert told_presses >= len(said) - 60 / every_s - 1
        assert len(told) >= 10
