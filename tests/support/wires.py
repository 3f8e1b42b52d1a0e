"""Inputs on gpiozero's mock pins, with the hands that move them and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin
from pydantic import TypeAdapter

from agent.config.schema.devices import Input, Output
from agent.core.clock import ManualClock
from agent.core.events import InputChanged
from devices.contacts import Contacts
from devices.simulated import SimulatedGate
from tests.support.timers import Timers

_INPUT: TypeAdapter[Input] = TypeAdapter(Input)
_OUTPUT: TypeAdapter[Output] = TypeAdapter(Output)


def an_input(kind: str, **fields: Any) -> Input:
    """One input; pin 5 (a tamper loop: 5 and 6) unless said otherwise."""
    pins = {"cut_pin": 5, "short_pin": 6} if kind == "tamper" else {"pin": 5}
    value = {"type": kind, "where": "north-gate", "name": "Thing", **pins, **fields}
    return _INPUT.validate_python(value)


def an_output(kind: str, **fields: Any) -> Output:
    """One output on pin 21 unless said otherwise."""
    return _OUTPUT.validate_python({"type": kind, "pin": 21, "name": "Thing", **fields})


@dataclass(slots=True)
class Wires:
    """Everything between a hand and an event."""

    factory: MockFactory
    timers: Timers
    contacts: Contacts
    hands: SimulatedGate
    events: list[InputChanged]

    @property
    def told(self) -> list[str]:
        """The states told so far."""
        return [event.state.value for event in self.events]

    def pin(self, number: int = 5) -> MockPin:
        """A pin by its BCM number."""
        return self.factory.pin(number)


def wire(
    inputs: Mapping[str, Input],
    clock: ManualClock,
    *,
    post: Callable[[Callable[[], None]], None] | None = None,
) -> Wires:
    """Inputs with their pins taken and at rest, not started yet; *post* None runs at once."""
    factory, timers = MockFactory(), Timers(clock)
    events: list[InputChanged] = []
    contacts = Contacts(
        inputs,
        factory,
        clock=clock,
        post=post or (lambda call: call()),
        later=timers.later,
        emit=events.append,
    )
    failed = contacts.open()
    hands = SimulatedGate(inputs, factory, timers.later)
    hands.settle(name for name in inputs if name not in failed)
    return Wires(factory, timers, contacts, hands, events)


def started(inputs: Mapping[str, Input], clock: ManualClock) -> Wires:
    """The same, started, its initial events forgotten."""
    wires = wire(inputs, clock)
    wires.contacts.start()
    wires.events.clear()
    return wires
