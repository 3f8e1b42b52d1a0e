"""Drills: begun by command, measured like the real thing, ended by themselves, told in a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent.border.orders import DrillStart, DrillStop
from agent.config.schema.base import Label
from agent.config.schema.sla import SlaConfig
from agent.core.answers import Answer, GuardAnswered, Helper, Ordered
from agent.core.clock import ManualClock
from agent.core.decisions import Actuate, Decision, Drive, Note, Raise, Resolve, Tell
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, IncidentChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.incidents.drill import Spot, Stage
from agent.incidents.drills import KEPT_ENDED, Drills
from contract.words import CommandName, Kind, Refusal, Severity, Status
from tests.support.samples import at
from tests.support.ways import Life

START, STOP = CommandName.DRILL_START, CommandName.DRILL_STOP
LABEL = Label(en="North gate", zh="北门")
SPOTS = {
    "panic-1": Spot("panic", "north-gate", LABEL),
    "panic-2": Spot("panic", "south-gate", Label(en="South gate", zh="南门")),
}
DRILL = IncidentId("incident-of-the-drill")


class Gate:
    """One gate with drills; ``real`` is whether something real goes on."""

    def __init__(self, clock: ManualClock, calls: Sequence[str] = ("north",)) -> None:
        self.clock, self.calls = clock, calls
        self.real = False
        self.way = self._way()
        self.life = Life([self.way], clock)
        self._numbers = iter(range(1000))

    def restart(self) -> list[Decision]:
        self.way = self._way()
        return self.life.begin([self.way])

    def order(self, name: CommandName, **args: Any) -> list[Decision]:
        """As the deed of a command does it: checked, permitted, handed over."""
        model = DrillStart if name is START else DrillStop
        whole = model.model_validate(args).model_dump(mode="json")
        cmd_id = f"cmd-{next(self._numbers)}"
        ordered = Ordered(at(self.clock), name, cmd_id, "cancheng", whole, exercise=True)
        self.way.permit(ordered)
        decisions = self.life.hear(ordered)
        assert self.way.took(cmd_id)
        return decisions

    def start(self, drill_id: str = "d-1", **args: Any) -> list[Decision]:
        decisions = self.order(START, drill_id=drill_id, scenario="panic", **args)
        self.tells(Stand.OPENED)
        return decisions

    def tells(self, stand: Stand, **fields: Any) -> list[Decision]:
        """The dispatcher tells of an alert, by default the drill's own."""
        values: dict[str, Any] = {
            "at": at(self.clock),
            "incident": DRILL,
            "stand": stand,
            "kind": Kind.PANIC,
            "severity": Severity.CRITICAL,
            "status": Status.EXERCISE,
            "device": "panic-1",
            "where": "north-gate",
            "alert": AlertId("alert-1"),
        }
        return self.life.hear(IncidentChanged(**{**values, **fields}))

    def says(self, answer: Answer, who: str, **fields: Any) -> None:
        self.life.hear(GuardAnswered(at(self.clock), answer, who, "command", **fields))

    def _way(self) -> Drills:
        stage = Stage("gate-1", LABEL, SPOTS, ["beacon-1"], lambda: self.real, self.calls)
        return Drills(stage, SlaConfig())


@pytest.fixture
def gate(clock: ManualClock) -> Gate:
    return Gate(clock)


def one(decisions: Sequence[Decision], kind: type[Any]) -> Any:
    (found,) = [d for d in decisions if isinstance(d, kind)]
    return found


def refused(gate: Gate, name: CommandName, **args: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        gate.order(name, **args)
    return caught.value


def test_a_drill_is_an_exercise_in_everything_it_does(gate: Gate) -> None:
    decisions = gate.start()
    alarm = one(decisions, Raise)
    assert (alarm.status, alarm.kind, alarm.device) == (Status.EXERCISE, Kind.PANIC, "panic-1")
    assert alarm.text.en == "EXERCISE: panic button: North gate"
    assert alarm.text.zh == "演练：北门，紧急按钮报警"
    assert one(decisions, Note).status is Status.EXERCISE
    assert one(decisions, Actuate) == Actuate("beacon-1", Drive.ON, 300.0)
    (item,) = gate.life.ways.items
    assert (item.status, item.id) == (Status.EXERCISE, "d-1")


def test_its_incident_is_not_that_of_a_press_of_the_same_button(gate: Gate) -> None:
    assert one(gate.start(), Raise).key == "drill/d-1"


def test_it_ends_by_itself_and_reports_times_against_1_3_5(gate: Gate) -> None:
    gate.start(for_s=200.0)
    gate.life.wait(5)
    gate.life.hear(AckReceived(at(gate.clock), AlertId("alert-1"), "seen", "duty-officer"))
    gate.life.wait(25)
    gate.says(Answer.ARRIVED, "guard 7", about=DRILL)
    gate.life.wait(160)
    gate.says(Answer.ARRIVED, "patrol 3", about="d-1", helper=Helper.POLICE)
    decisions = gate.life.wait(10)
    told = one(decisions, Tell)
    assert (told.parts, told.status) == (("report", "drill", "d-1"), Status.EXERCISE)
    figures = told.body["figures"]
    assert figures["met_s"] == {"1": 30.0, "3": 190.0, "5": 190.0}
    assert figures["broken"] == [3]
    assert figures["acked_s"] == {"seen": 5.0}
    assert [(a["who"], a["answer"]) for a in figures["answered"]] == [
        ("guard 7", "arrived"),
        ("patrol 3", "arrived"),
    ]
    assert figures["why"] == "its time is over"
    ended = [d.key for d in decisions if isinstance(d, Resolve)]
    assert ended == ["drill/d-1", *(f"sla:{DRILL}:{stage}" for stage in (1, 3, 5))]
    assert Actuate("beacon-1", Drive.OFF) in decisions
    assert gate.life.ways.items == []
    assert gate.life.ways.due_ns is None


def test_a_real_press_meanwhile_is_told_and_its_beacon_left_alone(gate: Gate) -> None:
    gate.start()
    gate.real = True
    actual = {"incident": IncidentId("real"), "status": Status.ACTUAL}
    assert gate.tells(Stand.OPENED, **actual) == []
    gate.says(Answer.ARRIVED, "guard 7")
    decisions = gate.order(STOP)
    assert [d for d in decisions if isinstance(d, Actuate)] == []
    figures = one(decisions, Tell).body["figures"]
    assert figures["real_incidents"] == ["real"]
    assert figures["met_s"] == {}


def test_what_is_said_to_nothing_in_particular_is_the_drills_when_nothing_is_real(
    gate: Gate,
) -> None:
    gate.start()
    gate.life.wait(7)
    gate.says(Answer.COMING, "guard 7")
    gate.says(Answer.ARRIVED, "guard 8", about="another")
    told = one(gate.order(STOP), Tell)
    assert told.body["figures"]["answered"] == [
        {"who": "guard 7", "answer": "coming", "after_s": 7.0}
    ]


def test_nothing_is_lit_while_something_real_goes_on(gate: Gate) -> None:
    gate.real = True
    assert [d for d in gate.start() if isinstance(d, Actuate)] == []


def test_a_drill_of_the_call_needs_an_area_to_call(clock: ManualClock) -> None:
    told = refused(Gate(clock, ()), START, drill_id="d-1", scenario="call")
    assert told.reason is Refusal.UNSUPPORTED


def test_the_areas_that_were_called_stand_in_its_report_over_a_restart(gate: Gate) -> None:
    gate.order(START, drill_id="d-1", scenario="call", for_s=100.0)
    gate.way.called(DRILL, {"north": "too-early"}, at(gate.clock))
    gate.tells(Stand.OPENED)
    gate.life.wait(1)
    gate.way.called(DRILL, {"north": "call-1"}, at(gate.clock))
    gate.way.called("another", {"north": "call-2"}, at(gate.clock))
    gate.life.ways.keep()
    gate.restart()
    told = one(gate.life.wait(99), Tell)
    assert told.body["figures"]["calls"] == {"north": "call-1"}


def test_stopped_twice(gate: Gate) -> None:
    gate.start()
    decisions = gate.order(STOP, drill_id="d-1", by="desk-3")
    assert one(decisions, Tell).body["figures"]["why"] == "stopped by desk-3"
    again = refused(gate, STOP, drill_id="d-1")
    assert again.reason is Refusal.UNEXPECTED
    assert "ended at" in str(again)
    assert "stopped by desk-3" in str(again)
    assert refused(gate, STOP).reason is Refusal.UNEXPECTED
    assert refused(gate, STOP, drill_id="d-9").reason is Refusal.UNEXPECTED


def test_one_at_a_time_and_no_id_twice(gate: Gate) -> None:
    gate.start()
    busy = refused(gate, START, drill_id="d-2", scenario="panic")
    assert (busy.reason, "d-1" in str(busy)) == (Refusal.BUSY, True)
    assert refused(gate, STOP, drill_id="d-2").reason is Refusal.UNEXPECTED
    gate.order(STOP)
    assert refused(gate, START, drill_id="d-1", scenario="panic").reason is Refusal.REPEATED


def test_a_place_that_is_not_here(gate: Gate) -> None:
    unknown = refused(gate, START, drill_id="d-1", scenario="panic", device="panic-9")
    assert unknown.reason is Refusal.MALFORMED


@pytest.mark.parametrize(("seed", "device"), [(0, "panic-1"), (1, "panic-2"), (2, "panic-1")])
def test_the_seed_picks_the_place(gate: Gate, seed: int, device: str) -> None:
    assert one(gate.start(seed=seed), Raise).device == device


def test_without_a_fitting_input_it_is_the_gate_itself(gate: Gate) -> None:
    decisions = gate.order(START, drill_id="d-1", scenario="medical")
    assert (one(decisions, Raise).device, one(decisions, Raise).where) == ("gate-1", "gate-1")


def test_the_station_ends_it_by_closing_its_alert(gate: Gate) -> None:
    gate.start()
    told = one(gate.tells(Stand.ENDED, alert=None), Tell)
    assert told.body["figures"]["why"] == "the station closed its alert"


def test_it_goes_on_over_a_restart(gate: Gate) -> None:
    gate.start(for_s=100.0)
    gate.clock.advance(40)
    assert gate.restart() == []
    gate.clock.step(3600)
    assert gate.life.wait(59) == []
    told = one(gate.life.wait(1), Tell)
    whats = [line["what"] for line in told.body["timeline"]]
    assert whats == ["started", "panic.opened", "agent.restarted", "ended"]


def test_its_time_was_over_while_the_agent_was_down(gate: Gate) -> None:
    gate.start(for_s=100.0)
    gate.clock.advance(500)
    told = one(gate.restart(), Tell)
    assert told.body["figures"]["why"] == "its time was over while the agent was down"
    assert refused(gate, STOP, drill_id="d-1").reason is Refusal.UNEXPECTED


def test_killed_before_its_alarm_it_raises_it_after_the_restart(gate: Gate) -> None:
    gate.order(START, drill_id="d-1", scenario="panic")
    assert one(gate.restart(), Raise).key == "drill/d-1"


def test_only_the_newest_ended_drills_are_remembered(gate: Gate) -> None:
    for number in range(KEPT_ENDED + 5):
        gate.start(f"d-{number}")
        gate.life.wait(1)
        gate.order(STOP)
    assert len(gate.way.cases) == KEPT_ENDED
    assert f"d-{KEPT_ENDED + 4}" in gate.way.cases


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"drill_id": "d-1"},
        {"drill_id": "a/b", "scenario": "panic"},
        {"drill_id": "d-1", "scenario": "flood"},
        {"drill_id": "d-1", "scenario": "panic", "for_s": 1801.0},
        {"drill_id": "d-1", "scenario": "panic", "for_s": 0},
        {"drill_id": "d-1", "scenario": "panic", "open": "door"},
    ],
)
def test_arguments_that_are_none(args: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        DrillStart.model_validate(args)
