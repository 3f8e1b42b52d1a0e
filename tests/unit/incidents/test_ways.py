"""What waits for a person, and which of it an answer without an id means."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.answering import Answering
from agent.config.schema.escalation import AssistConfig
from agent.config.schema.guard import TaskConfig
from agent.config.schema.sla import SlaConfig
from agent.core.answers import Answer, GuardAnswered, Helper, TaskGiven
from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Note, Tell
from agent.core.events import IncidentChanged
from agent.incidents.assist import Assist
from agent.incidents.calls import NeighbourCalls
from agent.incidents.sla import Sla
from agent.incidents.tasks import Tasks
from agent.incidents.way import Way
from contract.words import Kind, Status
from tests.support.calls import called, incident
from tests.support.samples import at
from tests.support.ways import Life


def ways() -> list[Way[Any]]:
    return [
        Tasks(TaskConfig()),
        Assist(AssistConfig(), lambda _: None),
        NeighbourCalls(Answering(areas=["north"])),
        Sla(SlaConfig()),
    ]


@pytest.fixture
def life(clock: ManualClock) -> Life:
    """A task that waits for longest, then assistance, a call, and the panic last; a drill first."""
    made = Life(ways(), clock)
    made.hear(opened(made, "i-drill", Kind.PANIC, Status.EXERCISE))
    made.wait(1)
    made.hear(TaskGiven(at(clock), "t-1", "cancheng", "Look", "查看", "", None, "d"))
    say(made, Answer.ACCEPTED)
    made.wait(1)
    made.hear(opened(made, "i-assist", Kind.ASSIST))
    made.wait(1)
    made.hear(called(clock))
    made.wait(1)
    made.hear(opened(made, "i-panic", Kind.PANIC))
    return made


def opened(life: Life, name: str, kind: Kind, status: Status = Status.ACTUAL) -> IncidentChanged:
    return incident(life.clock, kind, alert=f"a-{name}", name=name, status=status)


def say(life: Life, answer: Answer, helper: Helper = Helper.GUARD) -> list[Decision]:
    return life.hear(GuardAnswered(at(life.clock), answer, "guard 7", "button", helper))


def test_alarms_come_first_then_calls_assistance_tasks_and_what_is_no_drill(life: Life) -> None:
    order = ["i-panic", "call-1", "assist-i-assist", "t-1", "i-drill"]
    assert [item.id for item in life.ways.items] == order


def test_each_arrival_is_for_one_thing_in_that_order_over_a_restart(life: Life) -> None:
    told = []
    for _ in range(5):
        decisions = say(life, Answer.ARRIVED)
        told.append(sorted(d.kind for d in decisions if isinstance(d, Note)))
        life.begin(ways())
    assert told[0] == ["sla.arrived"]
    assert told[1] == ["call.response"]
    assert told[2] == ["assist.answered"]
    assert "sla.arrived" not in told[3]
    assert told[4] == ["sla.arrived"], "the drill is last"
    assert say(life, Answer.ARRIVED) == []


def test_who_can_help_no_clock_any_more_is_heard_by_what_comes_next(life: Life) -> None:
    say(life, Answer.ARRIVED, Helper.POLICE)
    assert "i-panic" not in [item.id for item in life.ways.items]
    (call, *_) = [d for d in say(life, Answer.ARRIVED) if isinstance(d, Tell)]
    assert call.body["call_id"] == "call-1"


def test_a_verdict_is_for_nothing_that_nobody_named(life: Life) -> None:
    assert say(life, Answer.REJECT) == []
    assert say(life, Answer.CONFIRM) == []
