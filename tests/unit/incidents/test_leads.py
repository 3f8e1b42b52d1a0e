"""Leads wait for two persons: every step of the table, restarts, late and wrong words."""

from __future__ import annotations

import pytest

from agent.config.schema.answering import LeadsConfig
from agent.core.answers import Answer, GuardAnswered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Actuate
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, Stand
from agent.core.ids import AlertId
from agent.incidents.lead import DECIDED, TRANSITIONS, Standing, Step
from agent.incidents.leads import KEPT_NS, MOST_KEPT, SHOWN_NS, Leads
from contract.words import Kind, Refusal, Stage, Status
from tests.support.calls import notes
from tests.support.leads import alert, decide, leads, shown, way
from tests.support.ways import Life


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([leads(clock)], clock)


def test_the_guard_waits_until_two_persons_confirmed(life: Life) -> None:
    assert alert(life) == []
    wait = ("North camera: possible match. Wait for the station", (Answer.SEEN,))
    assert shown(life) == [wait]
    life.clock.advance(5)
    ((kind, details),) = notes(decide(life, "confirm", "desk-1"))
    assert (kind, details["alert"], details["after_s"]) == ("lead.first", "a-1", 5.0)
    assert (details["by"], details["reason"]) == (["desk-1"], "desk-1 looked")
    assert shown(life) == [wait]
    told = decide(life, "confirm", "desk-1", "desk-2", cmd="c-2")
    assert next(d for d in told if isinstance(d, Actuate)).output == "beacon-1"
    assert notes(told)[0][0] == "lead.confirmed"
    assert shown(life) == [("North camera: Stay near. Call.", (Answer.SEEN, Answer.CANNOT))]


def test_nothing_shown_names_the_entry(life: Life) -> None:
    alert(life)
    for persons in (("desk-1",), ("desk-1", "desk-2")):
        assert "w-17" not in str(shown(life))
        decide(life, "confirm", *persons)
    assert "w-17" not in str(shown(life))


def test_one_person_twice_is_one_whatever_the_spelling(life: Life) -> None:
    alert(life)
    decide(life, "confirm", "desk-1")
    assert decide(life, "confirm", " Desk-1 ", cmd="c-2") == []
    assert way(life).cases["a-1"].standing is Standing.FIRST


def test_the_second_person_alone_is_enough_after_a_restart(life: Life) -> None:
    alert(life)
    decide(life, "confirm", "desk-1")
    life.begin([leads(life.clock)])
    assert way(life).took("c-1")
    assert notes(decide(life, "confirm", "desk-2", cmd="c-2"))[0][1]["by"] == ["desk-1", "desk-2"]


def test_a_rejected_lead_loses_its_entry_and_is_counted(life: Life) -> None:
    alert(life)
    ((kind, details),) = notes(decide(life, "reject", "desk-1"))
    assert (kind, details["by"]) == ("lead.rejected", ["desk-1"])
    assert "w-17" not in str(details)
    assert shown(life) == []
    assert b"w-17" not in life.keeper.cases["leads"]["a-1"][1]


def test_a_confirmed_lead_can_still_be_called_back(life: Life) -> None:
    alert(life)
    decide(life, "confirm", "desk-1", "desk-2")
    assert notes(decide(life, "reject", "desk-3", cmd="c-2"))[0][0] == "lead.rejected"
    assert shown(life) == []


def test_nobody_decides_and_the_lead_expires_over_a_restart(life: Life) -> None:
    alert(life)
    assert life.wait(599) == []
    life.begin([leads(life.clock)])
    ((kind, details),) = notes(life.wait(1))
    assert (kind, details["why"]) == ("lead.expired", "nobody decided within 600 s")
    assert shown(life) == []
    with pytest.raises(RefusedError, match="the lead is expired already"):
        decide(life, "confirm", "desk-1")


def test_what_the_station_decides_of_real_leads_is_told_once(clock: ManualClock) -> None:
    told: list[tuple[Standing, Standing]] = []
    knows = leads(clock).knows
    life = Life([Leads(LeadsConfig(), knows, lambda *moved: told.append(moved))], clock)
    alert(life)
    alert(life, "a-2", status=Status.EXERCISE)
    decide(life, "confirm", "desk-1")
    decide(life, "confirm", "desk-1", "desk-2", cmd="c-2")
    decide(life, "confirm", "desk-3", cmd="c-3")
    decide(life, "reject", "desk-4", cmd="c-4")
    decide(life, "confirm", "desk-1", "desk-2", name="a-2", cmd="c-5", drill=True)
    assert told == [
        (Standing.PENDING, Standing.FIRST),
        (Standing.FIRST, Standing.CONFIRMED),
        (Standing.CONFIRMED, Standing.REJECTED),
    ]


def test_the_station_closes_the_alert_without_a_verdict(life: Life) -> None:
    alert(life)
    closed = AckReceived(stamp(life.clock), AlertId("a-1"), Stage.CLOSED, "desk-1")
    assert notes(life.hear(closed))[0][0] == "lead.closed"
    assert life.hear(closed) == []
    assert notes(decide(life, "reject", "desk-1"))[0][0] == "lead.rejected"


def test_a_confirmed_lead_is_shown_for_an_hour(life: Life) -> None:
    alert(life)
    decide(life, "confirm", "desk-1", "desk-2")
    assert life.wait(SHOWN_NS / 1e9) == []
    assert shown(life) == []
    assert way(life).cases["a-1"].standing is Standing.OVER
    life.wait(KEPT_NS / 1e9)
    assert way(life).cases == {}


def test_words_about_nothing_are_refused_by_name(life: Life) -> None:
    alert(life)
    with pytest.raises(RefusedError, match="no lead of this gate is a-9"):
        decide(life, "confirm", "desk-1", name="a-9")
    with pytest.raises(RefusedError, match="and the command of a drill") as refused:
        decide(life, "confirm", "desk-1", drill=True)
    assert refused.value.reason is Refusal.UNEXPECTED
    decide(life, "reject", "desk-1")
    with pytest.raises(RefusedError, match="the lead is rejected by desk-1 already"):
        decide(life, "confirm", "desk-2")
    assert decide(life, "reject", "desk-1", cmd="c-2") == []


def test_a_drill_and_a_silent_lead_sound_nothing(life: Life) -> None:
    alert(life, status=Status.EXERCISE)
    told = decide(life, "confirm", "desk-1", "desk-2", drill=True)
    assert [d for d in told if isinstance(d, Actuate)] == []
    assert told[0].status is Status.EXERCISE  # type: ignore[union-attr]
    alert(life, "a-2", details={"silent": True})
    assert len(shown(life)) == 1
    told = decide(life, "confirm", "desk-1", "desk-2", name="a-2", cmd="c-2")
    assert [d for d in told if isinstance(d, Actuate)] == []
    assert len(shown(life)) == 1


def test_a_missing_person_is_told_in_words_of_care(life: Life) -> None:
    alert(life, kind=Kind.MISSING_SIGHTING)
    (item,) = life.ways.items
    assert "may need help" in item.text.en
    assert "需要帮助" in item.text.zh


def test_each_sighting_waits_for_itself(life: Life) -> None:
    alert(life)
    decide(life, "confirm", "desk-1", "desk-2")
    alert(life, "a-2", stand=Stand.UPDATED)
    assert way(life).cases["a-2"].standing is Standing.PENDING


def test_the_guards_word_is_kept_and_told(life: Life) -> None:
    alert(life)
    at = stamp(life.clock)
    told = life.hear(GuardAnswered(at, Answer.SEEN, "guard 7", "button", about="a-1"))
    assert notes(told)[0] == (
        "lead.answered",
        {"alert": "a-1", "answer": "seen", "who": "guard 7"},
    )
    assert life.ways.items[0].said == "seen guard 7"


def test_too_many_leads_push_out_what_is_decided_first(life: Life) -> None:
    alert(life, "a-0")
    decide(life, "reject", "desk-1", name="a-0")
    for number in range(1, MOST_KEPT + 1):
        alert(life, f"a-{number}")
    assert len(way(life).cases) == MOST_KEPT
    assert "a-0" not in way(life).cases


def test_no_way_leads_around_the_second_person() -> None:
    """Whatever the path: only two persons make it confirmed, and what is decided stays so."""
    into = {move for move, reached in TRANSITIONS.items() if reached is Standing.CONFIRMED}
    assert {step for standing, step in into if standing is not Standing.CONFIRMED} == {Step.TWO}
    assert {TRANSITIONS[m] for m in TRANSITIONS if m[0] in DECIDED} == {Standing.REJECTED}
