"""The gate's wiring as one, opened from the configuration."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from agent.config.load import parse
from agent.config.schema.root import Config
from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.core.decisions import Drive
from agent.core.errors import DeviceError
from agent.core.events import InputChanged
from devices.panel import Panel
from tests.support.audit import Recorder
from tests.support.samples import gate, gate_text
from tests.support.timers import Timers


class Desk:
    """A panel with its timers and everything it told."""

    def __init__(self, config: Config, clock: ManualClock) -> None:
        self.timers = Timers(clock)
        self.events: list[InputChanged] = []
        self.audit = Recorder()
        self.panel = Panel(
            config,
            work_dir=Path("/nonexistent"),
            clock=clock,
            post=lambda call: call(),
            later=self.timers.later,
            emit=self.events.append,
            audit=self.audit,
        )
        self.panel.open()

    @property
    def told(self) -> list[tuple[str, str, bool]]:
        """Device, state, initial."""
        return [(e.device, e.state.value, e.initial) for e in self.events]


def test_a_gate_at_rest_tells_every_input_once_as_initial(clock: ManualClock) -> None:
    desk = Desk(gate(), clock)
    assert desk.panel.failed == {}
    assert desk.told == [
        ("panic-1", "released", True),
        ("medical-1", "released", True),
        ("assist-1", "released", True),
        ("reset-1", "released", True),
        ("exit-1", "released", True),
        ("door-1", "closed", True),
        ("loop-1", "intact", True),
        ("lane-1", "absent", True),
    ]
    desk.panel.open()
    assert len(desk.events) == 8


def test_a_press_comes_through_and_a_siren_goes_out(clock: ManualClock) -> None:
    desk = Desk(gate(), clock)
    desk.events.clear()
    assert desk.panel.simulated is not None
    desk.panel.simulated.press("panic-1", for_s=1)
    desk.panel.drive("siren-1", Drive.ON)
    assert desk.told == [("panic-1", "pressed", False)]
    assert desk.panel.driven() == {"siren-1": True, "beacon-1": False, "lock-1": False}


def test_a_relay_that_releases_is_written_down_and_a_siren_is_not(clock: ManualClock) -> None:
    desk = Desk(gate(), clock)
    desk.panel.drive("siren-1", Drive.ON)
    desk.panel.drive("lock-1", Drive.PULSE)
    desk.panel.drive("lock-1", Drive.OFF)
    with pytest.raises(DeviceError):
        desk.panel.drive("lock-9", Drive.PULSE)
    assert desk.audit.notes == [(AuditKind.UNLOCK, "gate", {"output": "lock-1"})]


def test_bad_pins_are_named_and_the_others_work(clock: ManualClock) -> None:
    desk = Desk(gate(("pin: 17", "pin: 60"), ("pin: 21", "pin: 61")), clock)
    assert set(desk.panel.failed) == {"input.door-1", "output.siren-1"}
    assert ("panic-1", "released", True) in desk.told
    assert "door-1" not in {device for device, _, _ in desk.told}
    desk.panel.drive("beacon-1", Drive.ON)
    with pytest.raises(DeviceError):
        desk.panel.drive("siren-1", Drive.ON)


def test_an_input_that_opens_late_starts_at_rest_and_is_told_as_initial(clock: ManualClock) -> None:
    desk = Desk(gate(), clock)
    contacts = desk.panel.contacts
    assert contacts is not None
    for item in contacts._items.pop("panic-1"):
        item.pin.close()
    del contacts._states["panic-1"]
    desk.events.clear()
    desk.panel.open()
    assert desk.told == [("panic-1", "released", True)]


def test_closing_leaves_outputs_safe_and_everything_closed(clock: ManualClock) -> None:
    desk = Desk(gate(), clock)
    contacts = desk.panel.contacts
    assert contacts is not None
    pins = [item.pin for item in contacts._watched()]
    desk.panel.drive("siren-1", Drive.ON)
    desk.panel.close()
    assert all(pin.closed for pin in pins)
    assert desk.panel.driven() == {}
    assert desk.panel.contacts is None
    assert desk.timers.open == 0
    with pytest.raises(DeviceError, match="the pins of this gate are not open"):
        desk.panel.drive("siren-1", Drive.ON)
    desk.panel.poll()
    desk.panel.close()


def test_polling_reaches_the_inputs(clock: ManualClock) -> None:
    desk = Desk(gate(), clock)
    contacts = desk.panel.contacts
    assert contacts is not None
    pin = contacts._items["panic-1"][0].pin.pin
    pin.when_changed = None
    pin.drive_high()
    desk.panel.poll()
    assert desk.told[-1] == ("panic-1", "pressed", False)


def test_a_gate_with_outputs_only_opens_them(clock: ManualClock) -> None:
    head, rest = gate_text().split("inputs:")
    outputs = rest[rest.index("outputs:") : rest.index("cameras:")]
    desk = Desk(parse((head + outputs).encode(), "gate.yaml"), clock)
    desk.panel.drive("siren-1", Drive.ON)
    assert desk.panel.driven()["siren-1"] is True


@pytest.mark.skipif(find_spec("lgpio") is not None, reason="this machine may have real pins")
def test_pins_that_are_not_there_at_all_are_an_error_that_says_what_to_do(
    clock: ManualClock,
) -> None:
    desk = Desk(gate(("pin_factory: mock", "pin_factory: lgpio")), clock)
    assert list(desk.panel.failed) == ["gpio"]
    assert "set node.pin_factory to 'mock'" in desk.panel.failed["gpio"]
    assert desk.panel.simulated is None
    desk.panel.poll()
    with pytest.raises(DeviceError, match="output siren-1"):
        desk.panel.drive("siren-1", Drive.ON)


def test_a_gate_without_wires_opens_no_pins(clock: ManualClock) -> None:
    head = gate_text().split("inputs:")[0]
    desk = Desk(parse(head.encode(), "gate.yaml"), clock)
    assert desk.panel.failed == {}
    assert desk.panel.contacts is None
