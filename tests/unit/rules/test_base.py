"""What every rule does when it speaks."""

from __future__ import annotations

from datetime import UTC

import pytest

from agent.config.schema.base import Label
from agent.core.clock import ManualClock
from agent.core.events import Probe
from contract.words import Kind, Severity, Status
from rules.base import Rule
from rules.texts import _SENTENCES, sentence
from rules.windows import Windows
from tests.support.rulebook import PLACE, driven, manner, the_raise, window
from tests.support.samples import at

PLACES = {"panic-1": PLACE}


def test_an_alert_says_who_what_where_and_how_bad(clock: ManualClock) -> None:
    rule = Rule(manner(Kind.PANIC, cooldown_s=5.0), PLACES)
    told = the_raise(rule.raised(at(clock), "panic-1", "panic", details={"presses": 1}))
    assert (told.rule, told.kind, told.key) == ("panic", Kind.PANIC, "panic:panic-1")
    assert (told.device, told.where) == ("panic-1", "north-gate")
    assert (told.text.en, told.text.zh) == (
        "Panic button pressed: Guard desk",
        "紧急按钮触发：岗亭",
    )
    assert (told.severity, told.status, told.cooldown_s) == (Severity.MAJOR, Status.ACTUAL, 5.0)
    assert told.details == {"presses": 1}
    assert told.at == at(clock)


def test_sirens_go_on_before_the_alert_is_made(clock: ManualClock) -> None:
    rule = Rule(manner(Kind.PANIC, outputs=("siren-1", "beacon-1")), PLACES)
    decisions = rule.raised(at(clock), "panic-1", "panic")
    assert driven(decisions[:2]) == [("siren-1", "on"), ("beacon-1", "on")]
    assert decisions[2] is the_raise(decisions)


def test_a_drill_sounds_no_siren(clock: ManualClock) -> None:
    rule = Rule(manner(Kind.PANIC, outputs=("siren-1",)), PLACES)
    decisions = rule.raised(at(clock), "panic-1", "panic", status=Status.EXERCISE)
    assert driven(decisions) == []
    assert the_raise(decisions).status is Status.EXERCISE


def test_a_technical_test_does_sound_it(clock: ManualClock) -> None:
    rule = Rule(manner(Kind.PANIC, outputs=("siren-1",)), PLACES)
    assert driven(rule.raised(at(clock), "panic-1", "panic", status=Status.TEST)) == [
        ("siren-1", "on")
    ]


def test_outside_its_windows_a_rule_neither_speaks_nor_sounds(clock: ManualClock) -> None:
    night = Windows([window("22:00", "06:00")], UTC)
    rule = Rule(manner(Kind.DOOR_FORCED, windows=night, outputs=("siren-1",)), PLACES)
    assert rule.raised(at(clock), "panic-1", "door.forced") == []


def test_a_rule_concerns_what_was_chosen_or_all_it_knows() -> None:
    rule = Rule(manner(Kind.PANIC), {"a": PLACE, "b": PLACE})
    assert [rule.concerns(name, ()) for name in "abc"] == [True, True, False]
    assert [rule.concerns(name, ["b", "c"]) for name in "abc"] == [False, True, False]


def test_a_rule_that_waits_for_nothing_is_never_due(clock: ManualClock) -> None:
    rule = Rule(manner(Kind.PANIC), PLACES)
    assert rule.due_ns is None
    assert rule.on_time(at(clock)) == []
    assert rule.on_event(Probe(at(clock), 1)) == []


@pytest.mark.parametrize("name", sorted(_SENTENCES))
def test_every_sentence_names_the_place_in_both_languages(name: str) -> None:
    told = sentence(name, Label(en="North gate {x}", zh="北门{y}"))
    assert told.en.endswith(": North gate {x}")
    assert told.zh.endswith("：北门{y}")
    assert told.en.isascii()
    assert not told.zh.isascii()


def test_a_lead_never_says_that_somebody_is_somebody() -> None:
    told = sentence("watchlist.face", Label(en="x", zh="x"))
    assert "Possible" in told.en
    assert "confirmed by a person" in told.en
    assert "疑似" in told.zh
    assert "人工确认" in told.zh
