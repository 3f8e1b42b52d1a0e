"""Rules of a site's own: what they raise, about what, and what they keep apart."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.root import Config
from agent.core.clock import ManualClock
from agent.core.decisions import Actuate, Decision, Raise
from agent.core.events import AckReceived, Event, FaceLead, InputState, LinkChanged
from agent.core.ids import AlertId, CameraName, EntryId
from contract.words import Kind, ListName, Severity, Status
from rules.engine import Engine
from rules.factory import build_rules
from tests.support.samples import at, changed, gate

RULES = "rules:\n  - {type: panic, outputs: [siren-1]}\n"
HEAD = "  - type: custom\n    name: own\n    alert: assist\n    text: {en: Come, zh: 请来}\n"
PRESSES = HEAD + (
    "    outputs: [beacon-1]\n    severity: critical\n    when:\n"
    "      count: device == 'assist-1' and state == 'pressed'\n"
    "      at_least: 3\n      within_s: 60\n"
)
HELD_WITH_CAR = HEAD + (
    "    when:\n      all:\n"
    "        - {lasts: \"device == 'door-1' and state == 'open'\", for_s: 20}\n"
    "        - device == 'lane-1' and state == 'present'\n"
    "      within_s: 10\n"
)
LEADS = HEAD + (
    "    when: {count: event == 'lead' and score > 0.5, at_least: 2, within_s: 60}\n"
    "faces: {enabled: true}\n"
)


def config(rules: str) -> Config:
    return gate((RULES, f"rules:\n{rules}"))


class Gate:
    """The rules of a gate, and the alerts of its own rule."""

    def __init__(
        self, rules: str, clock: ManualClock, listed: ListName | None = ListName.WANTED
    ) -> None:
        self.clock = clock
        self.engine = Engine(build_rules(config(rules), lambda *_: listed), on_failure=self._fail)
        self.decisions: list[Decision] = []

    @property
    def alerts(self) -> list[Raise]:
        return [d for d in self.decisions if isinstance(d, Raise) and d.rule == "own"]

    def hear(self, event: Event) -> None:
        self.decisions += self.engine.on_event(event)

    def press(self, device: str, state: InputState = InputState.PRESSED) -> None:
        self.hear(changed(self.clock, device, state))

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.decisions += self.engine.on_time(at(self.clock))

    def lead(self, *, exercise: bool) -> None:
        north, entry = CameraName("north"), EntryId("w-1")
        score = {"score": 0.7, "threshold": 0.5, "margin": None, "frames": 3, "quality": 0.9}
        more: dict[str, Any] = {"exercise": exercise, "model_id": "dlib", **score}
        self.hear(FaceLead(at(self.clock), north, 1, entry, **more))

    def _fail(self, failed: object, _: object) -> None:
        raise AssertionError(failed)


def test_three_presses_within_a_minute_are_one_alert(clock: ManualClock) -> None:
    gate_ = Gate(PRESSES, clock)
    for _ in range(4):
        gate_.wait(15)
        gate_.press("assist-1")
    (alert,) = gate_.alerts
    assert (alert.kind, alert.severity, alert.device) == (
        Kind.ASSIST,
        Severity.CRITICAL,
        "assist-1",
    )
    assert (alert.text.en, alert.text.zh, alert.where) == ("Come", "请来", "north-gate")
    assert [row["device"] for row in alert.details["because"]] == ["assist-1"] * 3  # type: ignore[attr-defined]
    assert [d.output for d in gate_.decisions if isinstance(d, Actuate)] == ["beacon-1"]


def test_a_door_held_open_with_a_car_in_the_lane(clock: ManualClock) -> None:
    gate_ = Gate(HELD_WITH_CAR, clock)
    gate_.press("door-1", InputState.OPEN)
    gate_.wait(15)
    gate_.press("lane-1", InputState.PRESENT)
    gate_.wait(4.9)
    assert gate_.alerts == []
    gate_.wait(0.1)
    (alert,) = gate_.alerts
    assert [row["device"] for row in alert.details["because"]] == ["door-1", "lane-1"]  # type: ignore[attr-defined]


def test_what_was_waited_for_is_told_with_its_own_time_however_late_it_is_asked(
    clock: ManualClock,
) -> None:
    gate_ = Gate(HELD_WITH_CAR, clock)
    gate_.press("door-1", InputState.OPEN)
    gate_.press("lane-1", InputState.PRESENT)
    gate_.wait(15)
    gate_.press("lane-1", InputState.PRESENT)
    due_ns = gate_.engine.due_ns
    gate_.clock.advance(9)
    gate_.press("panic-1")
    (alert,) = gate_.alerts
    assert alert.at.monotonic_ns == due_ns


def test_outside_its_windows_it_is_silent_and_says_why(clock: ManualClock) -> None:
    rules = build_rules(
        config(
            HEAD
            + "    windows: [{start: '01:00', end: '01:01', days: [mon]}]\n"
            + "    when: device == 'assist-1'\n"
        ),
        lambda *_: None,
    )
    (own,) = [rule for rule in rules if rule.name == "own"]
    assert own.on_event(changed(clock, "assist-1", InputState.PRESSED)) == []
    assert {"window": "closed"} in own.notes()  # type: ignore[attr-defined]


def test_a_drill_never_counts_for_the_real_thing(clock: ManualClock) -> None:
    gate_ = Gate(LEADS, clock)
    gate_.lead(exercise=True)
    gate_.lead(exercise=False)
    assert [alert.status for alert in gate_.alerts] == [Status.EXERCISE]
    assert not [d for d in gate_.decisions if isinstance(d, Actuate)]
    gate_.lead(exercise=False)
    real = gate_.alerts[-1]
    assert (real.status, real.details["confirm"]) == (Status.ACTUAL, "required")
    assert real.key != gate_.alerts[0].key
    assert "w-1" not in str(real.details)


def test_a_lead_whose_entry_is_no_longer_valid_is_not_heard(clock: ManualClock) -> None:
    gate_ = Gate(LEADS, clock, listed=None)
    gate_.lead(exercise=False)
    gate_.lead(exercise=False)
    assert gate_.alerts == []


@pytest.mark.parametrize(
    ("text", "device"),
    [("event == 'link' and state == 'down'", "link"), ("event == 'ack'", "gate-1")],
)
def test_events_of_no_device_are_about_the_gate(clock: ManualClock, text: str, device: str) -> None:
    gate_ = Gate(HEAD + f"    when: {text}\n", clock)
    gate_.hear(LinkChanged(at(clock), up=False, reason="gone"))
    gate_.hear(AckReceived(at(clock), AlertId("a"), "seen", "hall"))
    (alert,) = gate_.alerts
    assert (alert.device, alert.where) == (device, "gate-1")


def test_a_level_found_at_start_is_no_happening_but_lasts(clock: ManualClock) -> None:
    found = changed(clock, "door-1", InputState.OPEN, initial=True)
    once = Gate(HEAD + "    when: device == 'door-1' and state == 'open'\n", clock)
    once.hear(found)
    assert once.alerts == []
    held = Gate(
        HEAD + "    when: {lasts: device == 'door-1' and state == 'open', for_s: 5}\n", clock
    )
    held.hear(found)
    held.wait(5)
    assert len(held.alerts) == 1


def test_a_rule_switched_off_is_not_built() -> None:
    rules = build_rules(config(PRESSES + "    enabled: false\n"), lambda *_: None)
    assert "own" not in {rule.name for rule in rules}
