"""Calls of neighbours: shown, sounded, answered forward, over by themselves, kept over restarts."""

from __future__ import annotations

import pytest

from agent.config.schema.answering import Answering
from agent.core.answers import Answer, CallUnused
from agent.core.clock import ManualClock
from agent.core.decisions import Actuate, Drive, Tell
from agent.incidents.calls import MOST_CALLS, NeighbourCalls
from agent.incidents.reply import may_follow
from contract.words import Status
from tests.support.calls import answered, called, notes, only
from tests.support.samples import at
from tests.support.ways import Life

CONFIG = Answering(areas=["north"], call_outputs=["beacon-1"], call_sound_s=20.0)
ON, OFF = Actuate("beacon-1", Drive.ON, 20.0), Actuate("beacon-1", Drive.OFF)


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([NeighbourCalls(CONFIG)], clock)


def again(life: Life) -> list[object]:
    """The agent is started again."""
    return list(life.begin([NeighbourCalls(CONFIG)]))


def test_a_call_is_shown_and_sounded_with_who_calls(life: Life, clock: ManualClock) -> None:
    decisions = life.hear(called(clock))
    assert only(Actuate, decisions) == [ON]
    assert notes(decisions)[0][0] == "call.shown"
    (item,) = life.ways.items
    assert (item.id, item.way, item.answers) == ("call-1", "call", may_follow(""))
    assert item.text.en == "Help wanted [liya-garden/gate-2 north-gate; called by cancheng]"
    assert item.text.zh == "请求支援【liya-garden/gate-2 north-gate；cancheng 呼叫】"


def test_a_neighbours_call_is_marked_as_not_the_stations(life: Life, clock: ManualClock) -> None:
    (_, note) = life.hear(called(clock, issuer=""))
    assert notes([note])[0][1]["by"] == "neighbour"
    (item,) = life.ways.items
    assert "a neighbour calls, not the station" in item.text.en
    assert "非派出所" in item.text.zh


def test_answers_go_forward_and_each_is_told(life: Life, clock: ManualClock) -> None:
    life.hear(called(clock))
    said = []
    for answer in (Answer.SEEN, Answer.COMING, Answer.SEEN, Answer.ARRIVED, Answer.CANNOT):
        clock.advance(5)
        decisions = life.hear(answered(clock, answer, eta_s=90.0))
        said += [(tell.body["state"], tell.key, tell.area) for tell in only(Tell, decisions)]
    assert said == [
        ("seen", "call-1:seen", "north"),
        ("coming", "call-1:coming", "north"),
        ("arrived", "call-1:arrived", "north"),
    ]
    assert life.ways.items == []


def test_who_cannot_come_may_come_after_all(life: Life, clock: ManualClock) -> None:
    life.hear(called(clock))
    life.hear(answered(clock, Answer.CANNOT, None))
    assert life.hear(answered(clock, Answer.SEEN, None)) == []
    (tell,) = only(Tell, life.hear(answered(clock, Answer.COMING, None, eta_s=60.0)))
    assert dict(tell.body) == {
        "call_id": "call-1",
        "state": "coming",
        "eta_s": 60.0,
        "who": "guard 7",
        "at": at(clock).utc,
    }


def test_the_first_answer_makes_it_quiet_unless_another_call_waits(
    life: Life, clock: ManualClock
) -> None:
    life.hear(called(clock))
    life.hear(called(clock, call_id="call-2"))
    assert only(Actuate, life.hear(answered(clock, Answer.SEEN, "call-1"))) == []
    assert only(Actuate, life.hear(answered(clock, Answer.SEEN, "call-2"))) == [OFF]


def test_answers_to_two_calls_do_not_replace_each_other(life: Life, clock: ManualClock) -> None:
    life.hear(called(clock))
    life.hear(called(clock, call_id="call-2"))
    tells = [only(Tell, life.hear(answered(clock, Answer.SEEN, f"call-{n}"))) for n in (1, 2)]
    assert [tell.key for (tell,) in tells] == ["call-1:seen", "call-2:seen"]


def test_a_call_is_over_by_itself_and_that_nobody_answered_is_told(
    life: Life, clock: ManualClock
) -> None:
    life.hear(called(clock, valid_s=120.0))
    assert life.wait(119.9) == []
    clock.step(-86_400)
    decisions = life.wait(0.1)
    assert only(Actuate, decisions) == [OFF]
    assert notes(decisions) == [
        (
            "call.over",
            {
                "call_id": "call-1",
                "area": "north",
                "caller": "liya-garden/gate-2",
                "by": "cancheng",
                "said": None,
            },
        )
    ]
    assert life.ways.items == []
    assert life.hear(answered(clock, Answer.COMING)) == []


def test_the_same_call_again_is_told_once_also_when_it_is_over(
    life: Life, clock: ManualClock
) -> None:
    life.hear(called(clock, valid_s=60.0))
    assert notes(life.hear(called(clock)))[0][1]["reason"] == "repeated"
    assert life.hear(called(clock)) == []
    life.wait(60)
    assert life.hear(called(clock)) == []
    life.wait(300)
    assert notes(life.hear(called(clock)))[0][0] == "call.shown"


def test_calls_that_are_not_ours_or_too_many_are_told(life: Life, clock: ManualClock) -> None:
    ((kind, told),) = notes(life.hear(called(clock, area="south")))
    assert (kind, told["reason"]) == ("call.refused", "unexpected")
    for number in range(MOST_CALLS):
        life.hear(called(clock, call_id=f"call-{number}"))
    ((kind, told),) = notes(life.hear(called(clock, call_id="one-more")))
    assert (kind, told["reason"]) == ("call.refused", "busy")
    assert len(life.ways.items) == MOST_CALLS


def test_what_came_too_late_is_told(life: Life, clock: ManualClock) -> None:
    unused = CallUnused(at(clock), "north", "call-9", "expired", "over", Status.ACTUAL)
    ((kind, told),) = notes(life.hear(unused))
    assert (kind, told["call_id"], told["reason"]) == ("call.refused", "call-9", "expired")


def test_an_answer_to_an_unknown_call_says_nothing(life: Life, clock: ManualClock) -> None:
    life.hear(called(clock))
    assert life.hear(answered(clock, Answer.COMING, "call-7")) == []


def test_a_call_goes_on_over_a_restart_and_sounds_until_it_was_answered(
    life: Life, clock: ManualClock
) -> None:
    life.hear(called(clock, valid_s=100.0))
    clock.advance(40)
    assert again(life) == [ON]
    life.hear(answered(clock, Answer.COMING))
    assert again(life) == []
    (item,) = life.ways.items
    assert item.said == "coming"
    assert notes(life.wait(60))[0][1]["said"] == "coming"
    assert again(life) == []
    assert life.ways.items == []


def test_a_drills_call_is_one_in_everything_it_says(life: Life, clock: ManualClock) -> None:
    life.hear(called(clock, status=Status.EXERCISE))
    assert life.ways.items[0].status is Status.EXERCISE
    (tell,) = only(Tell, life.hear(answered(clock, Answer.SEEN)))
    assert tell.status is Status.EXERCISE
