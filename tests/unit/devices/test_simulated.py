"""Hands for simulated pins: everything above the pin is the real path."""

from __future__ import annotations

import pytest
from gpiozero.pins import Factory

from agent.core.clock import ManualClock
from agent.core.errors import CheckFailedError
from devices.simulated import SimulatedGate
from tests.support.timers import Timers
from tests.support.wires import Wires, an_input, started

INPUTS = {
    "p": an_input("panic", pin=5),
    "m": an_input("medical", pin=6),
    "d": an_input("door", pin=7),
    "v": an_input("vehicle", pin=8),
    "loop": an_input("tamper", cut_pin=9, short_pin=10),
}


@pytest.fixture
def wires(clock: ManualClock) -> Wires:
    return started(INPUTS, clock)


def test_a_gate_that_nobody_touches_is_at_rest(wires: Wires) -> None:
    assert {name: state.value for name, state in wires.contacts.states.items()} == {
        "p": "released",
        "m": "released",
        "d": "closed",
        "v": "absent",
        "loop": "intact",
    }


@pytest.mark.parametrize(
    ("name", "on", "off"), [("p", "pressed", "released"), ("v", "present", "absent")]
)
def test_a_press_lasts_as_long_as_it_was_told(wires: Wires, name: str, on: str, off: str) -> None:
    wires.hands.press(name, for_s=2)
    wires.timers.wait(1.9)
    assert wires.told == [on]
    wires.timers.wait(1)
    assert wires.told == [on, off]


def test_a_door_opens_and_closes(wires: Wires) -> None:
    wires.hands.open("d")
    wires.timers.wait(1)
    wires.hands.close("d")
    wires.timers.wait(1)
    assert wires.told == ["open", "closed"]


@pytest.mark.parametrize(
    ("name", "cut", "shorted"),
    [
        ("p", "pressed", "released"),
        ("m", "released", "pressed"),
        ("d", "open", "closed"),
        ("loop", "cut", "shorted"),
    ],
)
def test_wires_are_cut_shorted_and_repaired(
    wires: Wires, name: str, cut: str, shorted: str
) -> None:
    rest = wires.contacts.states[name]
    seen = []
    for move in (wires.hands.cut, wires.hands.short, wires.hands.restore):
        move(name)
        wires.timers.wait(1)
        seen.append(wires.contacts.states[name])
    assert seen == [cut, shorted, rest]


@pytest.mark.parametrize(("name", "fault"), [("p", "cut"), ("m", "short")])
def test_letting_go_of_a_button_does_not_mend_its_wire(wires: Wires, name: str, fault: str) -> None:
    wires.hands.press(name, for_s=1)
    getattr(wires.hands, fault)(name)
    wires.timers.wait(5)
    assert wires.told == ["pressed"]
    wires.hands.restore(name)
    wires.timers.wait(5)
    wires.hands.press(name, for_s=1)
    wires.timers.wait(5)
    assert wires.told == ["pressed", "released", "pressed", "released"]


@pytest.mark.parametrize(
    ("verb", "name", "told"),
    [
        ("open", "p", "cannot open 'p': it is of type panic"),
        ("close", "v", "cannot close 'v': it is of type vehicle"),
        ("cut", "x", r"there is no input 'x' \(inputs: p, m, d, v, loop\)"),
        ("restore", "", "there is no input ''"),
    ],
)
def test_what_cannot_be_done_is_answered_with_what_can(
    wires: Wires, verb: str, name: str, told: str
) -> None:
    with pytest.raises(CheckFailedError, match=told):
        getattr(wires.hands, verb)(name)


@pytest.mark.parametrize("name", ["d", "loop"])
def test_only_what_has_a_button_can_be_pressed(wires: Wires, name: str) -> None:
    with pytest.raises(CheckFailedError, match=f"cannot press '{name}'"):
        wires.hands.press(name, for_s=1)


def test_real_pins_have_no_hands(clock: ManualClock) -> None:
    with pytest.raises(CheckFailedError, match="this agent runs on real pins"):
        SimulatedGate({}, Factory(), Timers(clock).later)
