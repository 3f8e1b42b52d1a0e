"""From the configuration to the rules that run."""

from __future__ import annotations

import pytest

from agent.config.schema.root import Config
from agent.core.clock import NS_PER_S, ManualClock
from agent.core.decisions import Raise
from agent.core.events import (
    CameraChanged,
    CameraState,
    ClockChanged,
    Event,
    FaceLead,
    InputState,
    LinkChanged,
    StorageChanged,
)
from agent.core.ids import CameraName, EntryId
from contract.words import Kind, ListName, Severity, Urgency
from rules.engine import Engine
from rules.factory import build_rules
from tests.support.rulebook import driven
from tests.support.samples import at, changed, gate

RULES = "rules:\n  - {type: panic, outputs: [siren-1]}\n"


def engine(config: Config) -> Engine:
    def fail(failed: object, _: object) -> None:
        raise AssertionError(failed)

    return Engine(build_rules(config, lambda *_: ListName.WANTED), on_failure=fail)


def rules(text: str) -> Config:
    return gate((RULES, f"rules:\n{text}"))


def raised(config: Config, *events: Event, until: ManualClock | None = None) -> list[Raise]:
    made = engine(config)
    decisions = [decision for event in events for decision in made.on_event(event)]
    if until is not None:
        decisions += made.on_time(at(until))
    return [decision for decision in decisions if isinstance(decision, Raise)]


def lead(clock: ManualClock) -> FaceLead:
    north, entry = CameraName("north"), EntryId("w-1")
    return FaceLead(at(clock), north, 1, entry, False, 0.6, 0.5, 0.1, 3, 0.9, "dlib")


def camera(clock: ManualClock, state: CameraState) -> CameraChanged:
    return CameraChanged(at(clock), CameraName("north"), state, "")


def test_a_gate_without_rules_has_them_all_with_their_standards(clock: ManualClock) -> None:
    config = gate((RULES, ""))
    told = raised(
        config,
        changed(clock, "panic-1", InputState.PRESSED),
        changed(clock, "medical-1", InputState.PRESSED),
        changed(clock, "assist-1", InputState.PRESSED),
        changed(clock, "loop-1", InputState.CUT),
        changed(clock, "door-1", InputState.OPEN),
        lead(clock),
        camera(clock, CameraState.LOST),
        camera(clock, CameraState.DARK),
        StorageChanged(at(clock), ok=False, reason=""),
    )
    assert [(r.kind, r.severity, r.urgency, r.cooldown_s) for r in told] == [
        (Kind.PANIC, Severity.CRITICAL, Urgency.IMMEDIATE, 0.0),
        (Kind.MEDICAL, Severity.CRITICAL, Urgency.IMMEDIATE, 0.0),
        (Kind.ASSIST, Severity.MINOR, Urgency.EXPECTED, 0.0),
        (Kind.TAMPER, Severity.MAJOR, Urgency.IMMEDIATE, 60.0),
        (Kind.DOOR_FORCED, Severity.MAJOR, Urgency.IMMEDIATE, 60.0),
        (Kind.WATCHLIST_FACE, Severity.MAJOR, Urgency.EXPECTED, 300.0),
        (Kind.CAMERA_LOST, Severity.MINOR, Urgency.EXPECTED, 60.0),
        (Kind.CAMERA_BLIND, Severity.MINOR, Urgency.EXPECTED, 60.0),
        (Kind.STORAGE_DEGRADED, Severity.MAJOR, Urgency.EXPECTED, 60.0),
    ]
    assert {r.where for r in told} == {"north-gate", "cabinet", "gate-1"}


def test_conditions_last_until_they_are_resolved_and_presses_until_they_are_reset(
    clock: ManualClock,
) -> None:
    told = raised(
        gate(),
        changed(clock, "panic-1", InputState.PRESSED),
        changed(clock, "loop-1", InputState.CUT),
        changed(clock, "door-1", InputState.OPEN),
        lead(clock),
        camera(clock, CameraState.LOST),
        StorageChanged(at(clock), ok=False, reason=""),
    )
    assert {r.kind.value: r.lasting for r in told} == {
        "panic": True,
        "tamper": True,
        "door.forced": False,
        "watchlist.face": False,
        "camera.lost": True,
        "storage.degraded": True,
    }


@pytest.mark.parametrize(("event", "grace_s"), [("link", 90), ("clock", 900)])
def test_link_and_clock_have_their_standard_grace(
    clock: ManualClock, event: str, grace_s: int
) -> None:
    made = engine(gate())
    bad: Event = (
        LinkChanged(at(clock), up=False, reason="") if event == "link"
        else ClockChanged(at(clock), synced=False)
    )  # fmt: skip
    assert made.on_event(bad) == []
    assert made.due_ns == clock.monotonic_ns() + grace_s * NS_PER_S


def test_a_rule_speaks_as_the_file_says(clock: ManualClock) -> None:
    config = rules(
        "  - {type: assist, name: help, severity: critical, cooldown_s: 5, outputs: [beacon-1]}\n"
    )
    made = engine(config)
    decisions = made.on_event(changed(clock, "assist-1", InputState.PRESSED))
    (told,) = [d for d in decisions if isinstance(d, Raise)]
    assert (told.rule, told.severity, told.cooldown_s) == ("help", Severity.CRITICAL, 5.0)
    assert told.key == "help:assist-1"
    assert driven(decisions) == [("beacon-1", "on")]


def test_a_cooldown_of_zero_is_not_the_standard(clock: ManualClock) -> None:
    config = rules("  - {type: tamper, cooldown_s: 0}\n")
    (told,) = raised(config, changed(clock, "loop-1", InputState.CUT))
    assert told.cooldown_s == 0.0


def test_a_rule_that_is_switched_off_does_not_run_and_panic_cannot_be(clock: ManualClock) -> None:
    kinds = ("medical", "tamper", "door.forced", "door.held", "camera.lost", "storage.degraded")
    config = rules("".join(f"  - {{type: {kind}, enabled: false}}\n" for kind in kinds))
    told = raised(
        config,
        changed(clock, "medical-1", InputState.PRESSED),
        changed(clock, "loop-1", InputState.CUT),
        changed(clock, "door-1", InputState.OPEN),
        camera(clock, CameraState.LOST),
        StorageChanged(at(clock), ok=False, reason=""),
        changed(clock, "panic-1", InputState.PRESSED),
        until=clock,
    )
    assert [r.kind for r in told] == [Kind.PANIC]


def test_two_rules_of_one_type_both_speak(clock: ManualClock) -> None:
    config = rules("  - {type: tamper}\n  - {type: tamper, name: loud, severity: critical}\n")
    told = raised(config, changed(clock, "loop-1", InputState.CUT))
    assert [(r.key, r.severity.value) for r in told] == [
        ("tamper:loop-1", "major"),
        ("loud:loop-1", "critical"),
    ]


def test_a_door_has_its_own_rules_by_name(clock: ManualClock) -> None:
    config = rules("  - {type: door.forced, doors: [side], severity: critical}\n")
    (told,) = raised(config, changed(clock, "door-1", InputState.OPEN))
    assert (told.key, told.severity, told.device) == (
        "door.forced:side",
        Severity.CRITICAL,
        "side",
    )
    assert told.text.en == "Forced open: Side door"


def test_a_chattering_button_is_told_as_a_faulty_line(clock: ManualClock) -> None:
    (told,) = raised(gate(), changed(clock, "panic-1", InputState.FAULT))
    assert (told.kind, told.key) == (Kind.TAMPER, "tamper:panic-1")


def test_the_key_switch_of_the_file_resets_the_siren_of_the_file(clock: ManualClock) -> None:
    made = engine(gate())
    pressed = made.on_event(changed(clock, "panic-1", InputState.PRESSED))
    reset = made.on_event(changed(clock, "reset-1", InputState.PRESSED))
    assert driven(pressed) == [("siren-1", "on")]
    assert driven(reset) == [("siren-1", "off")]


def test_a_self_rule_takes_its_grace_from_the_file(clock: ManualClock) -> None:
    config = rules("  - {type: storage.degraded, grace_s: 30}\n")
    made = engine(config)
    assert made.on_event(StorageChanged(at(clock), ok=False, reason="full")) == []
    assert made.due_ns == clock.monotonic_ns() + 30 * NS_PER_S
    clock.advance(30)
    assert [type(d) for d in made.on_time(at(clock))] == [Raise]


def test_an_entry_on_no_list_is_no_lead(clock: ManualClock) -> None:
    made = Engine(build_rules(gate(), lambda *_: None), on_failure=lambda *_: None)
    assert made.on_event(lead(clock)) == []
