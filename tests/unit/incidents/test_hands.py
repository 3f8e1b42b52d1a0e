"""The guard's hands: which answer a press, a card or a code is, and what happens to guessing."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.guard import Person
from agent.core.answers import Answer, BadgeShown, GuardAnswered, Helper
from agent.core.clock import ManualClock, Stamp, stamp
from agent.core.decisions import Answered, Decision, Note
from agent.core.events import InputState
from agent.core.text import Text
from agent.incidents.hands import DIGITS, Hand, Hands
from agent.incidents.way import Item
from tests.support.samples import changed
from tests.support.ways import Life

PEOPLE = {"badge-7": Person(), "badge-9": Person(role=Helper.POLICE)}
READERS = {"reader-1": Hand("gate", (Answer.PRESENT, Answer.ACCEPTED, Answer.ARRIVED))}
BUTTONS = {"seen-1": Hand("desk", (Answer.SEEN,)), "here-1": Hand("desk", (Answer.PRESENT,), "g-1")}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def item(name: str, at: Stamp, *answers: Answer) -> Item:
    return Item(name, "task", Text("", ""), at, answers)


def way(*items: Item) -> Hands:
    return Hands(BUTTONS, READERS, PEOPLE, lambda: items)


def shown(clock: ManualClock, person: str | None, digit: int | None = None) -> BadgeShown:
    return BadgeShown(stamp(clock), "reader-1", "card", person, digit)


def answers(decisions: list[Decision]) -> list[GuardAnswered]:
    return [d.event for d in decisions if isinstance(d, Answered)]


def facts(decisions: list[Decision]) -> dict[str, Any]:
    return {d.kind: dict(d.details) for d in decisions if isinstance(d, Note)}


def test_a_press_answers_what_waited_longest_for_it(clock: ManualClock) -> None:
    at = stamp(clock)
    items = (item("a", at, Answer.DONE), item("b", at, Answer.SEEN), item("c", at, Answer.SEEN))
    life = Life([way(*items)], clock)
    (said,) = answers(life.hear(changed(clock, "seen-1", InputState.PRESSED)))
    assert (said.about, said.answer, said.who, said.by) == ("b", Answer.SEEN, "seen-1", "button")
    assert life.hear(changed(clock, "seen-1", InputState.RELEASED)) == []
    assert life.hear(changed(clock, "seen-1", InputState.PRESSED, initial=True)) == []
    assert life.hear(changed(clock, "panic-1", InputState.PRESSED)) == []


def test_where_nothing_waits_presence_counts_and_the_rest_is_told(clock: ManualClock) -> None:
    life = Life([way()], clock)
    (said,) = answers(life.hear(changed(clock, "here-1", InputState.PRESSED)))
    assert (said.about, said.answer, said.who) == (None, Answer.PRESENT, "g-1")
    told = facts(life.hear(changed(clock, "seen-1", InputState.PRESSED)))
    assert told == {"answer.unused": {"says": ["seen"], "who": "seen-1", "with": "button"}}


def test_a_card_says_the_first_that_fits_and_a_digit_chooses(clock: ManualClock) -> None:
    waits = item("t-1", stamp(clock), Answer.ACCEPTED, Answer.DECLINED)
    life = Life([way(waits)], clock)
    (said,) = answers(life.hear(shown(clock, "badge-7")))
    assert (said.answer, said.who, said.device) == (Answer.ACCEPTED, "badge-7", "reader-1")
    (said,) = answers(life.hear(shown(clock, "badge-7", 7)))
    assert said.answer is Answer.DECLINED
    assert set(DIGITS) == set(range(10))
    assert set(DIGITS.values()) == set(Answer)


@pytest.mark.parametrize("answer", Answer)
def test_every_answer_works_from_a_button_a_card_and_a_code(
    clock: ManualClock, answer: Answer
) -> None:
    waits = item("t-1", stamp(clock), answer)
    buttons, readers = {"b-1": Hand("desk", (answer,))}, {"reader-1": Hand("gate", (answer,))}
    life = Life([Hands(buttons, readers, PEOPLE, lambda: [waits])], clock)
    (digit,) = [digit for digit, said in DIGITS.items() if said is answer]
    for event in (
        changed(clock, "b-1", InputState.PRESSED),
        shown(clock, "badge-7"),
        shown(clock, "badge-7", digit),
    ):
        (said,) = answers(life.hear(event))
        assert (said.about, said.answer) == ("t-1", answer)


def test_police_may_arrive_and_not_stand_in_for_the_guard(clock: ManualClock) -> None:
    waits = item("i-1", stamp(clock), Answer.ARRIVED)
    life = Life([way(waits)], clock)
    (said,) = answers(life.hear(shown(clock, "badge-9")))
    assert (said.answer, said.helper) == (Answer.ARRIVED, Helper.POLICE)
    life = Life([way(item("p-1", stamp(clock), Answer.PRESENT))], clock)
    assert "answer.unused" in facts(life.hear(shown(clock, "badge-9", 8)))


def test_five_wrong_ones_block_a_reader_for_30_s_over_a_restart(clock: ManualClock) -> None:
    life = Life([way()], clock)
    for number in range(1, 5):
        told = facts(life.hear(shown(clock, None)))
        assert told == {"reader.unknown": {"tries": number, "with": "card"}}
    told = facts(life.hear(shown(clock, "left-us")))
    assert told["reader.blocked"] == {"tries": 5, "for_s": 30}
    life.begin([way()])
    assert life.hear(shown(clock, "badge-7")) == []
    assert life.wait(29) == []
    assert facts(life.wait(1)) == {"reader.free": {"ignored": 1}}
    assert answers(life.hear(shown(clock, "badge-7"))) != []


def test_wrong_ones_are_forgotten_by_a_right_one_or_ten_minutes(clock: ManualClock) -> None:
    life = Life([way()], clock)
    for _ in range(4):
        life.hear(shown(clock, None))
    life.hear(shown(clock, "badge-7"))
    assert facts(life.hear(shown(clock, None)))["reader.unknown"]["tries"] == 1
    assert life.wait(600) == []
    assert facts(life.hear(shown(clock, None)))["reader.unknown"]["tries"] == 1
