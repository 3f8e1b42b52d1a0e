"""A move that no table has raises, whoever asks for it."""

from __future__ import annotations

import itertools

import pytest

from agent.config.schema.devices import Door
from agent.core.clock import ManualClock
from agent.core.ids import IncidentId
from agent.incidents import book, challenge, sla_clock
from agent.incidents.book import IncidentBook
from contract.words import Kind, Severity, Status
from devices import debounce
from devices.debounce import Debouncer, Timing
from rules import door
from rules.door import DoorWatch
from tests.support.rulebook import PLACE
from tests.support.samples import Numbers, at

LEAVES = [m for m in itertools.product(door.Leaf, door.Turn) if m not in door.TRANSITIONS]
PHASES = list(itertools.product(debounce.Phase, debounce.Turn))
STEPS = {
    sla_clock.Step.WAITING: {},
    sla_clock.Step.MET: {"met": {1: 5.0}},
    sla_clock.Step.BROKEN: {"broken": (1,)},
    sla_clock.Step.LATE: {"met": {1: 70.0}, "broken": (1,)},
}


@pytest.mark.parametrize(("leaf", "turn"), LEAVES)
def test_of_a_door(leaf: door.Leaf, turn: door.Turn) -> None:
    watch = DoorWatch("side", Door(contact="door-1"), PLACE, (), (), leaf=leaf)
    with pytest.raises(ValueError, match=f"a door that is {leaf} cannot be"):
        watch._turn(turn)


@pytest.mark.parametrize(("phase", "turn"), [m for m in PHASES if m not in debounce.TRANSITIONS])
def test_of_a_contact(phase: debounce.Phase, turn: debounce.Turn) -> None:
    contact = Debouncer(Timing(), level=True, now_ns=0)
    contact._phase = phase
    with pytest.raises(ValueError, match=f"a contact that is {phase} cannot take"):
        contact._turn(turn)


@pytest.mark.parametrize("step", sla_clock.Step)
@pytest.mark.parametrize("sign", sla_clock.Sign)
def test_of_a_stage(clock: ManualClock, step: sla_clock.Step, sign: sla_clock.Sign) -> None:
    about = (IncidentId("i"), Kind.PANIC, Status.ACTUAL, Severity.CRITICAL, "panic-1", "gate")
    case = sla_clock.Clock(*about, at(clock), **STEPS[step])  # type: ignore[arg-type]
    assert case.step(1) is step
    to = sla_clock.TRANSITIONS.get((step, sign))
    if to is None:
        with pytest.raises(ValueError, match=f"a stage that is {step} cannot take"):
            case.went(1, sign)
    else:
        assert case.went(1, sign, 9.0).step(1) is to


@pytest.mark.parametrize(
    ("watch", "turn"),
    [
        move
        for move in itertools.product(challenge.Watch, challenge.Turn)
        if move not in challenge.TRANSITIONS
    ],
)
def test_of_a_challenge(watch: challenge.Watch, turn: challenge.Turn) -> None:
    with pytest.raises(ValueError, match=f"a challenge that is {watch} cannot be"):
        challenge.turned(watch, turn)


@pytest.mark.parametrize(
    "turn", [t for t in book.Turn if (book.Standing.NONE, t) not in book.TRANSITIONS]
)
def test_of_an_incident_that_is_none(turn: book.Turn) -> None:
    with pytest.raises(ValueError, match="an incident that is none cannot be"):
        IncidentBook(Numbers().new)._turn("key", turn, None)
