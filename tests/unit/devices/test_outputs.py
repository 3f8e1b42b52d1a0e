"""Outputs on mock pins: every ON has an end, and safe is the state nobody has to keep up."""

from __future__ import annotations

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from agent.config.schema.devices import Output
from agent.core.clock import ManualClock
from agent.core.decisions import Drive
from agent.core.errors import DeviceError
from devices.outputs import Outputs, bound_of
from tests.support.timers import Timers
from tests.support.wires import an_output


class StuckPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that stops obeying when told to."""

    stuck = False

    def _set_state(self, value: float) -> None:
        if self.stuck:
            raise OSError("line is busy")
        super()._set_state(value)


class Board:
    """Outputs with their pins and timers."""

    def __init__(self, clock: ManualClock, **outputs: Output) -> None:
        self.factory = MockFactory()
        self.stuck = self.factory.pin(9, pin_class=StuckPin)
        self.timers = Timers(clock)
        self.outputs = Outputs(outputs, self.factory, later=self.timers.later)
        self.failed = self.outputs.open()

    def high(self, pin: int = 21) -> bool:
        """The electrical level of a pin."""
        return bool(self.factory.pin(pin).state)


@pytest.mark.parametrize(
    ("fields", "safe_high"),
    [
        ({}, False),
        ({"active": "low"}, True),
        ({"safe_state": "on"}, True),
        ({"safe_state": "on", "active": "low"}, False),
    ],
)
def test_a_relay_is_safe_at_start_pulses_once_and_is_safe_again(
    clock: ManualClock, fields: dict[str, str], safe_high: bool
) -> None:
    board = Board(clock, lock=an_output("gate", pulse_s=2.0, **fields))
    levels = [board.high()]
    board.outputs.drive("lock", Drive.PULSE)
    levels.append(board.high())
    board.timers.wait(1.99)
    levels.append(board.high())
    board.timers.wait(0.02)
    levels.append(board.high())
    assert levels == [safe_high, not safe_high, not safe_high, safe_high]


def test_a_pulse_is_never_longer_than_the_outputs_bound(clock: ManualClock) -> None:
    board = Board(clock, lock=an_output("gate", pulse_s=2.0))
    board.outputs.drive("lock", Drive.PULSE, for_s=3600)
    board.timers.wait(2)
    assert board.outputs.driven() == {"lock": False}


def test_a_pulse_may_be_shorter_than_the_bound(clock: ManualClock) -> None:
    board = Board(clock, lock=an_output("gate", pulse_s=5.0))
    board.outputs.drive("lock", Drive.PULSE, for_s=0.5)
    assert board.outputs.driven() == {"lock": True}
    board.timers.wait(0.5)
    assert board.outputs.driven() == {"lock": False}


def test_a_siren_ends_by_itself_and_a_new_alarm_starts_its_time_again(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren", max_s=180))
    board.outputs.drive("siren", Drive.ON)
    board.timers.wait(100)
    board.outputs.drive("siren", Drive.ON)
    board.timers.wait(179)
    assert board.high()
    board.timers.wait(1)
    assert not board.high()


def test_a_siren_of_an_earlier_life_has_what_is_left_of_its_time(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren", max_s=180))
    board.outputs.drive("siren", Drive.ON, spent_s=170.5)
    board.timers.wait(9)
    assert board.high()
    board.timers.wait(0.5)
    assert not board.high()


@pytest.mark.parametrize("spent_s", [180.0, 3600.0])
def test_a_siren_whose_time_is_over_stays_silent(clock: ManualClock, spent_s: float) -> None:
    board = Board(clock, siren=an_output("siren", max_s=180))
    board.outputs.drive("siren", Drive.ON, spent_s=spent_s)
    assert not board.high()
    assert board.timers.open == 0


def test_an_earlier_life_does_not_shorten_an_alarm_of_this_one(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren", max_s=180))
    board.outputs.drive("siren", Drive.ON)
    board.outputs.drive("siren", Drive.ON, spent_s=170)
    board.timers.wait(179)
    assert board.high()


def test_off_ends_an_output_and_its_timer(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren"))
    board.outputs.drive("siren", Drive.ON)
    board.outputs.drive("siren", Drive.OFF)
    assert not board.high()
    assert board.timers.open == 0


def test_the_end_of_an_older_pulse_does_not_cut_a_newer_one(clock: ManualClock) -> None:
    board = Board(clock, lock=an_output("gate", pulse_s=2.0))
    board.outputs.drive("lock", Drive.PULSE)
    board.timers.wait(1.5)
    board.outputs.drive("lock", Drive.PULSE)
    board.timers.wait(1.0)
    assert board.high()
    board.timers.wait(1.0)
    assert not board.high()


@pytest.mark.parametrize("fields", [{}, {"active": "low"}, {"safe_state": "on"}])
def test_outputs_are_safe_when_the_agent_ends(clock: ManualClock, fields: dict[str, str]) -> None:
    board = Board(clock, lock=an_output("gate", **fields))
    safe = board.high()
    pin = board.factory.pin(21)
    board.outputs.drive("lock", Drive.PULSE)
    pin.clear_states()
    board.outputs.close()
    assert [bool(state.state) for state in pin.states] == [not safe, safe]
    assert board.timers.open == 0


def test_pins_are_given_back_at_the_end(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren"))
    board.outputs.close()
    assert board.outputs.driven() == {}
    after = Outputs({"siren": an_output("siren")}, board.factory, later=board.timers.later)
    assert after.open() == {}
    after.drive("siren", Drive.ON)
    assert board.high()


def test_a_pin_that_is_not_there_does_not_stop_the_others(clock: ManualClock) -> None:
    board = Board(clock, bad=an_output("siren", pin=60), good=an_output("beacon"))
    assert list(board.failed) == ["bad"]
    assert board.failed["bad"].startswith("pin 60: ")
    board.outputs.drive("good", Drive.ON)
    assert board.high()
    with pytest.raises(DeviceError, match="output bad is not there or could not be opened"):
        board.outputs.drive("bad", Drive.ON)


def test_opening_again_leaves_what_is_open_as_it_is(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren"))
    board.outputs.drive("siren", Drive.ON)
    assert board.outputs.open() == {}
    assert board.high()


def test_an_unknown_output_is_an_error(clock: ManualClock) -> None:
    with pytest.raises(DeviceError, match="output siren-9"):
        Board(clock).outputs.drive("siren-9", Drive.ON)


def test_a_pin_that_does_not_obey_is_an_error_and_still_has_an_end(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren", pin=9))
    board.outputs.drive("siren", Drive.ON)
    board.stuck.stuck = True
    for drive in (Drive.ON, Drive.OFF):
        with pytest.raises(DeviceError, match="output siren does not obey: line is busy"):
            board.outputs.drive("siren", drive)
    board.stuck.stuck = False
    assert board.high(9)
    board.timers.wait(181)
    assert not board.high(9)


def test_a_pin_that_does_not_obey_at_its_end_raises_nowhere(clock: ManualClock) -> None:
    board = Board(clock, siren=an_output("siren", pin=9), lock=an_output("gate"))
    board.outputs.drive("siren", Drive.ON)
    board.outputs.drive("lock", Drive.PULSE)
    board.stuck.stuck = True
    board.timers.wait(181)
    board.outputs.drive("lock", Drive.PULSE)
    board.outputs.close()
    assert not board.high(21)


def test_every_kind_of_output_has_a_bound() -> None:
    bounds = [bound_of(an_output(kind)) for kind in ("siren", "beacon", "gate")]
    assert bounds == [180.0, 3600.0, 2.0]
