"""A call for assistance that nobody answers becomes graver by itself, once."""

from __future__ import annotations

import pytest

from agent.config.schema.escalation import AssistConfig
from agent.core.answers import Answer, GuardAnswered
from agent.core.clock import ManualClock
from agent.core.decisions import Raise
from agent.core.events import AckReceived, Stand
from agent.core.ids import AlertId
from agent.incidents.assist import Assist
from agent.incidents.book import IncidentBook
from contract.words import Kind, MsgType, Severity
from tests.support.calls import answered, incident, notes, only
from tests.support.panic import raised
from tests.support.samples import Numbers, at
from tests.support.ways import Life

ABOUT = "assist-i-1"


class Bench:
    """A book with one call for assistance in it."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.book = IncidentBook(Numbers().new)
        self.book.raised(raised(clock, kind=Kind.ASSIST, rule="assist", severity=Severity.MINOR))
        self.life = Life([self.way()], clock)
        self.life.hear(incident(clock, Kind.ASSIST, severity=Severity.MINOR))

    def way(self) -> Assist:
        return Assist(AssistConfig(), lambda _: self.book.standing("id-1"))

    def again(self) -> None:
        """The agent is started again."""
        self.life.begin([self.way()])


@pytest.fixture
def bench(clock: ManualClock) -> Bench:
    return Bench(clock)


def answer(clock: ManualClock, said: Answer) -> GuardAnswered:
    return answered(clock, said, ABOUT)


def test_nobody_answers_and_it_becomes_graver_once(bench: Bench, clock: ManualClock) -> None:
    clock.step(3600)
    assert bench.life.wait(119.9) == []
    (update,) = only(Raise, bench.life.wait(0.1))
    message = bench.book.raised(update)
    assert message is not None
    assert (message.msgtype, message.incident) == (MsgType.UPDATE, "id-1")
    assert message.severity is Severity.MAJOR
    assert message.cause.text.zh == "120 秒无人应答：请求支援"
    assert message.details == {"unanswered_s": 120.0}
    assert bench.life.wait(9000) == []


@pytest.mark.parametrize("said", [Answer.SEEN, Answer.COMING, Answer.ARRIVED])
def test_the_guards_answer_holds_it(bench: Bench, clock: ManualClock, said: Answer) -> None:
    (item,) = bench.life.ways.items
    assert item.id == ABOUT
    ((kind, told),) = notes(bench.life.hear(answer(clock, said)))
    assert (kind, told["said"], told["who"]) == ("assist.answered", said.value, "guard 7")
    assert bench.life.wait(9000) == []


def test_who_cannot_come_holds_nothing(bench: Bench, clock: ManualClock) -> None:
    assert len(notes(bench.life.hear(answer(clock, Answer.CANNOT)))) == 1
    assert bench.life.hear(answer(clock, Answer.SEEN)) == []
    assert len(only(Raise, bench.life.wait(120))) == 1


@pytest.mark.parametrize(("stage", "graver"), [("received", 1), ("seen", 0), ("closed", 0)])
def test_a_person_at_the_station_holds_it_and_its_program_does_not(
    bench: Bench, clock: ManualClock, stage: str, graver: int
) -> None:
    bench.life.hear(AckReceived(at(clock), AlertId("a-1"), stage, "desk 3"))
    assert len(only(Raise, bench.life.wait(120))) == graver


def test_answers_to_something_else_hold_nothing(bench: Bench, clock: ManualClock) -> None:
    assert bench.life.hear(answered(clock, Answer.COMING, "i-1")) == []
    bench.life.hear(AckReceived(at(clock), AlertId("a-9"), "closed", "desk 3"))
    assert len(only(Raise, bench.life.wait(120))) == 1


def test_a_reset_ends_it(bench: Bench, clock: ManualClock) -> None:
    bench.life.hear(incident(clock, Kind.ASSIST, Stand.ENDED, alert=None))
    assert bench.life.ways.items == []
    assert bench.life.wait(9000) == []


def test_it_goes_on_over_a_restart(bench: Bench, clock: ManualClock) -> None:
    bench.life.wait(100)
    bench.again()
    assert len(only(Raise, bench.life.wait(20))) == 1
    bench.again()
    assert bench.life.wait(9000) == []
    bench.life.hear(answer(clock, Answer.ARRIVED))
    assert bench.life.ways.items == []
