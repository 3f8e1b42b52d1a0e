"""The guard of the gate relays: told of pulses, it sets them safe when the agent cannot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from agent.core.clock import ManualClock
from agent.core.decisions import Drive
from devices import guard_child
from devices.guard_child import GRACE_S, Watch, keep
from devices.outputs import Outputs
from tests.support.timers import Timers
from tests.support.wires import an_output

Told = list[tuple[str, ...]]


class Notes:
    """A guard that writes down what it is told."""

    def __init__(self, level: Callable[[], bool]) -> None:
        self.told: Told = []
        self._level = level

    def arm(self, name: str, pin: int, *, level: bool, for_s: float) -> None:
        """Told before the relay moves."""
        at_rest = self._level() is level
        self.told.append(("arm", name, f"{pin} {level} {for_s:g} {at_rest}"))

    def disarm(self, name: str) -> None:
        """Told after it is back."""
        self.told.append(("disarm", name))


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, False),
        ({"active": "low"}, True),
        ({"safe_state": "on"}, True),
        ({"safe_state": "on", "active": "low"}, False),
    ],
)
def test_a_pulse_is_told_before_it_begins_and_after_it_ended(
    clock: ManualClock, fields: dict[str, str], level: bool
) -> None:
    factory, timers = MockFactory(), Timers(clock)
    notes = Notes(lambda: bool(factory.pin(21).state))
    relay = an_output("gate", pulse_s=2.0, **fields)
    outputs = Outputs({"lock": relay}, factory, later=timers.later, guard=notes)
    outputs.open()
    outputs.drive("lock", Drive.PULSE, 1.5)
    assert notes.told == [("arm", "lock", f"21 {level} 1.5 True")]
    timers.wait(1.5)
    assert notes.told[1:] == [("disarm", "lock")]


def test_an_end_before_its_time_is_told(clock: ManualClock) -> None:
    factory, timers = MockFactory(), Timers(clock)
    notes = Notes(lambda: True)
    outputs = Outputs({"lock": an_output("gate")}, factory, later=timers.later, guard=notes)
    outputs.open()
    outputs.drive("lock", Drive.PULSE)
    outputs.drive("lock", Drive.OFF)
    outputs.drive("lock", Drive.PULSE)
    outputs.close()
    assert [word[0] for word in notes.told] == ["arm", "disarm", "arm", "disarm"]


def test_a_siren_is_nothing_for_the_guard(clock: ManualClock) -> None:
    notes = Notes(lambda: True)
    siren = an_output("siren")
    outputs = Outputs({"s": siren}, MockFactory(), later=Timers(clock).later, guard=notes)
    outputs.open()
    outputs.drive("s", Drive.ON)
    assert notes.told == []


def word(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


ARM = word(arm="lock", pin=21, level=False, for_s=2.0)


def test_what_is_armed_stays_until_it_is_disarmed() -> None:
    watch = Watch()
    watch.feed(ARM[:10], 0.0)
    assert watch.armed == {}
    watch.feed(ARM[10:], 5.0)
    assert watch.due_s == 7.0 + GRACE_S
    assert [(a.name, a.pin, a.level) for a in watch.armed.values()] == [("lock", 21, False)]
    watch.feed(ARM, 6.0)
    assert watch.due_s == 8.0 + GRACE_S
    watch.feed(word(disarm="other") + word(disarm="lock"), 7.0)
    assert watch.armed == {}


@pytest.mark.parametrize("said", [ARM, ARM + word(disarm="lock"), b""])
def test_the_end_of_the_story_ends_the_watch(said: bytes) -> None:
    source, agent = os.pipe()
    os.write(agent, said)
    os.close(agent)
    watch, killed = Watch(), list[str]()
    keep(source, watch, lambda: killed.append("x"))
    os.close(source)
    assert killed == []
    assert list(watch.armed) == (["lock"] if said == ARM else [])


def test_a_pulse_that_is_not_ended_in_time_kills() -> None:
    source, agent = os.pipe()
    os.write(agent, word(arm="lock", pin=21, level=False, for_s=0.05))
    watch, killed = Watch(grace_s=0.0), list[str]()

    def kill() -> None:
        killed.append("x")
        os.close(agent)

    keep(source, watch, kill)
    os.close(source)
    assert killed == ["x"]
    assert list(watch.armed) == ["lock"]


@pytest.mark.parametrize("level", [False, True])
def test_a_line_that_was_driven_is_at_its_safe_level_afterwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, level: bool
) -> None:
    factory = MockFactory()
    pin = factory.pin(21)
    pin.function = "output"
    pin.state = not level
    monkeypatch.setattr("devices.pins.open_pins", lambda *_: factory)
    guard_child._set_safe(guard_child.Armed("lock", 21, level, 0.0), "mock", tmp_path)
    assert bool(pin.state) is level
    assert [bool(was.state) for was in pin.states][-2:] == [not level, level]
