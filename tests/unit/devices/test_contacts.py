"""Inputs on mock pins: every way from an edge, or from its absence, to an event."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from agent.config.schema.devices import Input
from agent.core.clock import ManualClock
from agent.core.events import InputState
from devices.contacts import LOST_EDGES_BEFORE_FAULT, Contacts
from tests.support.timers import Timers
from tests.support.wires import Wires, an_input, started, wire


class DeadPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that can be taken and, once ``dead``, not read."""

    dead = False

    def _get_state(self) -> bool:
        if self.dead:
            raise OSError("no such line")
        return bool(super()._get_state())


def set_closed(wires: Wires, *, closed: bool, pull_up: bool = True) -> None:
    """Close or open a contact between its pin and the other side of its pull."""
    pin = wires.pin()
    pin.drive_low() if closed is pull_up else pin.drive_high()


@pytest.mark.parametrize("pull", ["up", "down"])
@pytest.mark.parametrize("wiring", ["nc", "no"])
def test_a_button_is_understood_however_it_is_wired(
    clock: ManualClock, wiring: str, pull: str
) -> None:
    wires = started({"p": an_input("panic", wiring=wiring, pull=pull)}, clock)
    set_closed(wires, closed=wiring == "no", pull_up=pull == "up")
    wires.timers.wait(1)
    set_closed(wires, closed=wiring == "nc", pull_up=pull == "up")
    wires.timers.wait(1)
    assert wires.told == ["pressed", "released"]


def test_a_press_is_told_at_once_with_the_time_of_its_edge(clock: ManualClock) -> None:
    waiting: list[Callable[[], None]] = []
    wires = wire({"p": an_input("panic")}, clock, post=waiting.append)
    wires.contacts.start()
    pressed_ns = clock.monotonic_ns()
    wires.hands.press("p", for_s=10)
    clock.advance(0.030)
    waiting.pop()()
    assert [e.state for e in wires.events] == [InputState.RELEASED, InputState.PRESSED]
    assert wires.events[-1].at.monotonic_ns == pressed_ns
    assert wires.events[-1].initial is False


def test_a_spike_that_is_over_before_the_loop_looks_is_a_glitch(clock: ManualClock) -> None:
    waiting: list[Callable[[], None]] = []
    wires = wire({"p": an_input("panic")}, clock, post=waiting.append)
    wires.contacts.start()
    wires.events.clear()
    wires.pin().drive_high()
    wires.pin().drive_low()
    for call in waiting:
        call()
    wires.timers.wait(1)
    assert wires.told == []
    assert wires.contacts.glitches == 1


def test_bounces_of_a_press_are_one_press(clock: ManualClock) -> None:
    wires = started({"p": an_input("panic")}, clock)
    for high in (True, False, True, False, True):
        wires.pin().drive_high() if high else wires.pin().drive_low()
        wires.timers.wait(0.002)
    wires.timers.wait(1)
    assert wires.told == ["pressed"]


def test_a_door_is_told_when_it_has_held_still_with_the_time_it_began(clock: ManualClock) -> None:
    wires = started({"d": an_input("door")}, clock)
    opened_ns = clock.monotonic_ns()
    wires.hands.open("d")
    wires.timers.wait(0.049)
    assert wires.told == []
    wires.timers.wait(0.001)
    assert wires.told == ["open"]
    assert wires.events[0].at.monotonic_ns == opened_ns


def test_a_button_held_at_start_is_told_as_initial(clock: ManualClock) -> None:
    wires = wire({"p": an_input("panic"), "d": an_input("door", pin=7)}, clock)
    wires.hands.press("p", for_s=60)
    wires.contacts.start()
    assert [(e.device, e.state.value, e.initial) for e in wires.events] == [
        ("p", "pressed", True),
        ("d", "closed", True),
    ]
    wires.timers.wait(61)
    assert wires.told == ["pressed", "closed", "released"]
    assert wires.events[-1].initial is False


def test_a_cut_panic_line_is_a_press(clock: ManualClock) -> None:
    wires = started({"p": an_input("panic")}, clock)
    wires.hands.cut("p")
    wires.timers.wait(1)
    assert wires.told == ["pressed"]


def test_a_supervised_line_tells_cut_shorted_fault_and_intact(clock: ManualClock) -> None:
    wires = started({"loop": an_input("tamper")}, clock)
    seen = []
    for move in (wires.hands.cut, wires.hands.short, wires.hands.restore):
        move("loop")
        wires.timers.wait(1)
        seen.append(wires.contacts.states["loop"].value)
    wires.pin(5).drive_low()
    wires.pin(6).drive_low()
    wires.timers.wait(1)
    assert seen == ["cut", "shorted", "intact"]
    assert wires.contacts.states["loop"] is InputState.FAULT
    assert wires.told[-1] == "fault"


def test_a_chattering_contact_is_a_fault_told_once_until_it_rests(clock: ManualClock) -> None:
    wires = started({"d": an_input("door")}, clock)
    for _ in range(150):
        wires.hands.open("d")
        wires.timers.wait(0.02)
        wires.hands.close("d")
        wires.timers.wait(0.02)
    wires.timers.wait(1)
    assert wires.told == ["open", "fault", "closed"]


def test_an_edge_that_was_never_reported_is_found_by_polling(clock: ManualClock) -> None:
    wires = started({"p": an_input("panic")}, clock)
    wires.contacts.poll()
    wires.pin().when_changed = None
    wires.hands.press("p", for_s=60)
    wires.contacts.poll()
    assert wires.told == ["pressed"]
    assert wires.contacts.lost_edges == 0
    clock.advance(0.25)
    wires.contacts.poll()
    assert wires.contacts.lost_edges == 1
    clock.advance(0.25)
    wires.contacts.poll()
    assert wires.contacts.lost_edges == 1
    assert wires.told == ["pressed"]


def test_edges_that_are_lost_again_and_again_are_not_trusted(clock: ManualClock) -> None:
    wires = started({"d": an_input("door")}, clock)
    wires.pin().when_changed = None
    for number in range(LOST_EDGES_BEFORE_FAULT):
        trusted = wires.contacts.edges_trusted
        assert trusted, number
        wires.hands.open("d") if number % 2 == 0 else wires.hands.close("d")
        for _ in range(3):
            wires.contacts.poll()
            wires.timers.wait(0.25)
    assert not wires.contacts.edges_trusted
    assert wires.told == ["open", "closed", "open"]


def test_polling_a_quiet_gate_says_nothing(clock: ManualClock) -> None:
    wires = started({"p": an_input("panic"), "loop": an_input("tamper", cut_pin=7)}, clock)
    for _ in range(100):
        wires.contacts.poll()
        wires.timers.wait(0.25)
    assert wires.told == []
    assert wires.contacts.lost_edges == 0


def test_the_pin_librarys_callback_only_takes_the_time_and_hands_over(clock: ManualClock) -> None:
    waiting: list[Callable[[], None]] = []
    wires = wire({"p": an_input("panic")}, clock, post=waiting.append)
    wires.contacts.start()

    def fail(event: object) -> None:
        raise RuntimeError(event)

    wires.contacts._emit = fail
    pressed_ns = clock.monotonic_ns()
    wires.hands.press("p", for_s=60)
    clock.advance(0.5)
    assert len(waiting) == 1
    with pytest.raises(RuntimeError) as caught:
        waiting[0]()
    (event,) = caught.value.args
    assert event.at.monotonic_ns == pressed_ns


def broken(inputs: dict[str, Input], clock: ManualClock) -> tuple[Wires, DeadPin]:
    """A gate whose pin 9 is a DeadPin, still alive."""
    factory, timers = MockFactory(), Timers(clock)
    pin = factory.pin(9, pin_class=DeadPin)
    wires = wire({}, clock)
    contacts = Contacts(
        inputs,
        factory,
        clock=clock,
        post=lambda call: call(),
        later=timers.later,
        emit=wires.events.append,
    )
    return Wires(factory, timers, contacts, wires.hands, wires.events), pin


def test_a_pin_that_does_not_exist_does_not_stop_the_others(clock: ManualClock) -> None:
    wires, _ = broken({"bad": an_input("door", pin=60), "p": an_input("panic")}, clock)
    failed = wires.contacts.open()
    wires.contacts.start()
    assert list(failed) == ["bad"]
    assert failed["bad"].startswith("pin 60: ")
    assert [event.device for event in wires.events] == ["p"]


def test_half_a_loop_is_no_loop_and_gives_its_first_pin_back(clock: ManualClock) -> None:
    wires, _ = broken({"loop": an_input("tamper", cut_pin=7, short_pin=60)}, clock)
    assert wires.contacts.open()["loop"].startswith("pin 60: ")
    assert wires.contacts.open()["loop"].startswith("pin 60: ")
    wires.contacts.start()
    assert wires.events == []


def test_a_pin_that_cannot_be_read_is_not_taken_until_it_can(clock: ManualClock) -> None:
    wires, pin = broken({"bad": an_input("panic", pin=9, wiring="no")}, clock)
    pin.dead = True
    assert wires.contacts.open() == {"bad": "pin 9: no such line"}
    pin.dead = False
    assert wires.contacts.open() == {}
    wires.contacts.start()
    assert wires.told == ["released"]


def test_a_pin_that_dies_later_does_not_stop_the_others(clock: ManualClock) -> None:
    wires, pin = broken(
        {"bad": an_input("door", pin=9, wiring="no"), "p": an_input("panic", wiring="no")}, clock
    )
    wires.contacts.open()
    wires.contacts.start()
    wires.events.clear()
    pin.dead = True
    wires.pin(5).when_changed = None
    wires.pin(5).drive_low()
    wires.contacts.poll()
    assert [(e.device, e.state.value) for e in wires.events] == [("p", "pressed")]
    pin.dead = False
    pin.drive_low()
    wires.contacts.poll()
    wires.timers.wait(1)
    assert wires.events[-1].device == "bad"


def test_an_edge_that_arrives_after_the_end_is_nothing(clock: ManualClock) -> None:
    waiting: list[Callable[[], None]] = []
    wires = wire({"p": an_input("panic"), "d": an_input("door", pin=7)}, clock, post=waiting.append)
    wires.contacts.start()
    wires.events.clear()
    wires.hands.press("p", for_s=1)
    wires.hands.open("d")
    wires.contacts.close()
    for call in waiting:
        call()
    wires.contacts.poll()
    wires.timers.wait(5)
    assert wires.told == []
