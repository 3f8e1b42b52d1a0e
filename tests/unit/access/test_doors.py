"""``door.open``: what it asks for, what it moves, what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.access.doors import DoorDeed
from agent.config.schema.devices import Door
from agent.core.clock import ManualClock
from agent.core.commands import Command, Ending
from agent.core.decisions import Drive
from agent.core.errors import DeviceError, RefusedError
from agent.core.events import DoorReleased, Event, InputState
from contract.words import CommandName, Outcome, Refusal
from tests.support.samples import changed
from tests.support.timers import Timers
from tests.support.wires import an_output


class Wiring:
    """Relays that can be stuck and contacts that can be missing."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self.pulses: list[tuple[str, Drive, float | None]] = []
        self.on: set[str] = set()
        self.states: dict[str, InputState] = {"door-1": InputState.CLOSED}
        self.stuck = False

    def drive(self, name: str, drive: Drive, for_s: float | None = None) -> None:
        """Pulse."""
        if self.stuck:
            raise DeviceError(f"output {name} does not obey")
        self.pulses.append((name, drive, for_s))
        self.on.add(name)
        self._timers.later(for_s or 0.0, lambda: self.on.discard(name))

    def driven(self) -> Mapping[str, bool]:
        """Which are on."""
        return dict.fromkeys(self.on, True)

    def state_of(self, name: str) -> InputState | None:
        """The contact's word."""
        return self.states.get(name)


class House:
    """Doors, and what came of opening them."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.timers = clock, Timers(clock)
        self.wiring = Wiring(self.timers)
        self.events: list[Event] = []
        self.ends: list[Ending] = []
        doors = {
            "side": Door(contact="door-1", relay="lock-1", release_s=8.0),
            "back": Door(contact="door-2", relay="lock-2"),
            "cellar": Door(contact="door-3"),
        }
        outputs = {"lock-1": an_output("gate", pulse_s=3.0), "lock-2": an_output("gate")}
        self.doors = DoorDeed(
            doors,
            outputs,
            self.wiring,
            clock,
            put=self.events.append,
            later=self.timers.later,
        )

    def plan(self, **args: Any) -> Any:
        """What would be done."""
        return self.doors.plan(self.command(**args))

    def open(self, **args: Any) -> None:
        """Open a door."""
        command = self.command(**args)
        self.doors.do(command, self.doors.plan(command), self.ends.append)

    def contact(self, state: InputState, device: str = "door-1") -> None:
        """A contact changes."""
        self.doors.hear(changed(self.clock, device, state))

    @staticmethod
    def command(**args: Any) -> Command:
        """A checked command."""
        return Command("cmd-00000001", CommandName.DOOR_OPEN, "cancheng", args)


@pytest.fixture
def house(clock: ManualClock) -> House:
    return House(clock)


@pytest.mark.parametrize(
    ("asked", "pulse_s"), [({}, 3.0), ({"pulse_s": 1}, 1), ({"pulse_s": 9.5}, 3.0)]
)
def test_a_pulse_is_as_long_as_asked_and_never_longer_than_the_relays_own(
    house: House, asked: dict[str, Any], pulse_s: float
) -> None:
    assert house.plan(door="side", **asked) == {"door": "side", "pulse_s": pulse_s}


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({}, Refusal.MALFORMED),
        ({"door": "front"}, Refusal.MALFORMED),
        ({"door": ""}, Refusal.MALFORMED),
        ({"door": 5}, Refusal.MALFORMED),
        ({"door": "side", "pulse_s": 0}, Refusal.MALFORMED),
        ({"door": "side", "pulse_s": 11}, Refusal.MALFORMED),
        ({"door": "side", "pulse_s": True}, Refusal.MALFORMED),
        ({"door": "side", "hold": True}, Refusal.MALFORMED),
        ({"door": "side", "reason": "x" * 301}, Refusal.MALFORMED),
        ({"door": "cellar"}, Refusal.UNSUPPORTED),
    ],
)
def test_what_cannot_be_opened_is_refused(
    house: House, args: dict[str, Any], reason: Refusal
) -> None:
    with pytest.raises(RefusedError) as refused:
        house.plan(**args)
    assert refused.value.reason is reason
    assert house.wiring.pulses == []


def test_somebody_goes_through(house: House) -> None:
    house.open(door="side", reason="delivery", by="desk 3")
    assert house.wiring.pulses == [("lock-1", Drive.PULSE, 3.0)]
    (event,) = house.events
    assert isinstance(event, DoorReleased)
    assert (event.door, event.cause, event.for_s) == ("side", "station", 8.0)
    assert event.details == {
        "issuer": "cancheng",
        "cmd_id": "cmd-00000001",
        "by": "desk 3",
        "reason": "delivery",
    }
    house.timers.wait(1.0)
    house.contact(InputState.OPEN)
    house.timers.wait(2.0)
    assert house.ends == []
    house.timers.wait(0.2)
    (ending,) = house.ends
    assert ending.outcome is Outcome.DONE
    assert ending.proof is not None
    assert (ending.proof["contact"], ending.proof["opened_after_s"]) == ("open", 1.0)
    assert ending.proof["relay_back"] is True
    house.timers.wait(20)
    assert len(house.ends) == 1


def test_nobody_goes_through(house: House) -> None:
    house.open(door="side")
    house.contact(InputState.OPEN, "door-2")
    house.contact(InputState.CLOSED)
    house.timers.wait(7.9)
    assert house.ends == []
    house.timers.wait(0.2)
    (ending,) = house.ends
    assert ending.proof is not None
    assert (ending.outcome, ending.proof["contact"]) == (Outcome.DONE, "closed")


def test_a_door_without_a_working_contact_is_opened_and_says_so(house: House) -> None:
    house.open(door="back")
    house.timers.wait(30)
    (ending,) = house.ends
    assert ending.proof is not None
    assert (ending.outcome, ending.proof["contact"]) == (Outcome.DONE, "unknown")


def test_a_relay_that_does_not_obey_is_a_failure_and_releases_nothing(house: House) -> None:
    house.wiring.stuck = True
    house.open(door="side")
    (ending,) = house.ends
    assert (ending.outcome, ending.reason) == (Outcome.FAILED, "output lock-1 does not obey")
    assert house.events == []
    house.timers.wait(30)
    assert len(house.ends) == 1


def test_a_relay_that_does_not_come_back_is_told(house: House) -> None:
    house.open(door="side")
    house.timers.wait(3.05)
    house.wiring.on.add("lock-1")
    house.timers.wait(10)
    (ending,) = house.ends
    assert ending.proof is not None
    assert ending.proof["relay_back"] is False


def test_a_door_that_is_being_opened_is_not_opened_again(house: House) -> None:
    house.open(door="side")
    with pytest.raises(RefusedError) as refused:
        house.plan(door="side")
    assert refused.value.reason is Refusal.BUSY
    house.open(door="back")
    house.timers.wait(3.1)
    house.open(door="side")
    assert len(house.wiring.pulses) == 3
    house.contact(InputState.OPEN)
    house.timers.wait(20)
    assert [ending.outcome for ending in house.ends] == [Outcome.DONE] * 3


def recalled(house: House, **plan: Any) -> Ending:
    """What is said of an opening whose end nobody saw."""
    ends: list[Ending] = []
    house.doors.recall(plan, ends.append)
    (ending,) = ends
    return ending


@pytest.mark.parametrize("state", [InputState.OPEN, InputState.CLOSED, None])
def test_an_opening_of_an_earlier_life_is_looked_at_not_done(
    house: House, state: InputState | None
) -> None:
    house.wiring.states = {} if state is None else {"door-1": state}
    ending = recalled(house, door="side", pulse_s=3.0)
    assert (ending.outcome, house.wiring.pulses) == (Outcome.UNKNOWN, [])
    assert ending.proof == {
        "door": "side",
        "pulse_s": 3.0,
        "contact": "unknown" if state is None else state.value,
        "seen_at": "2026-11-21T08:00:00.000Z",
    }


def test_a_door_that_is_no_more_is_unknown(house: House) -> None:
    ending = recalled(house, door="gone", pulse_s=3.0)
    assert ending.proof is not None
    assert ending.proof["contact"] == "unknown"
