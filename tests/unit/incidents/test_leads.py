"""Leads wait for two persons: every step of the table, restarts, late and wrong words."""

from __future__ import annotations

from typing import Any

import pytest

from agent.config.schema.answering import LeadsConfig
from agent.config.schema.base import Label
from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Actuate, Decision, Note
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, FaceLead, FaceReview, IncidentChanged, Stand
from agent.core.ids import AlertId, CameraName, EntryId, IncidentId
from agent.core.text import Text
from agent.incidents.lead import DECIDED, TRANSITIONS, Standing, Step
from agent.incidents.leads import KEPT_NS, MOST_KEPT, SHOWN_NS, Knows, Leads
from contract.words import CommandName, Kind, Refusal, Severity, Stage, Status
from tests.support.samples import Numbers
from tests.support.ways import Life

TELL = Text("Stay near. Call.", "保持距离，立即报告。")
OUTPUTS = {"watchlist.face": ("beacon-1",)}


def leads(clock: ManualClock, hushed: set[str] | None = None) -> Leads:
    known = Knows(
        instruction=lambda entry, _: TELL if entry.startswith("w-") else None,
        hushed=lambda entry, _: entry in (hushed or set()),
        taken=lambda review: review.lead.entry_id in (hushed or set()),
        labels={"north": Label(en="North camera", zh="北门摄像机")},
        outputs=OUTPUTS,
        new_id=Numbers().new,
    )
    return Leads(LeadsConfig(wait_s=600.0), known)


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([leads(clock)], clock)


def way(life: Life) -> Leads:
    (found,) = life.ways._ways
    assert isinstance(found, Leads)
    return found


def alert(life: Life, name: str = "a-1", **fields: Any) -> list[Decision]:
    """A lead went to the station."""
    details = {"entry_id": "w-17", "confirm": "required", **fields.pop("details", {})}
    values: dict[str, Any] = {
        "at": stamp(life.clock),
        "incident": IncidentId("i-1"),
        "stand": Stand.OPENED,
        "kind": Kind.WATCHLIST_FACE,
        "severity": Severity.MAJOR,
        "status": Status.ACTUAL,
        "device": "north",
        "where": "north-gate",
        "alert": AlertId(name),
        "rule": "watchlist.face",
        "details": details,
    }
    return life.hear(IncidentChanged(**{**values, **fields}))


def order(
    life: Life,
    verdict: str,
    *persons: str,
    name: str = "a-1",
    cmd: str = "c-1",
    drill: bool = False,
) -> Ordered:
    said = [{"by": p, "reason": f"{p} looked", "at": "2026-11-21T08:00:00Z"} for p in persons]
    args = {"alert_id": name, "verdict": verdict, "decisions": said}
    at = stamp(life.clock)
    return Ordered(at, CommandName.LEAD_VERDICT, cmd, "cancheng", args, exercise=drill)


def decide(life: Life, verdict: str, *persons: str, **fields: Any) -> list[Decision]:
    """As the command gate does: asked first, then done."""
    told = order(life, verdict, *persons, **fields)
    way(life).permit(told)
    return life.hear(told)


def shown(life: Life) -> list[tuple[str, tuple[Answer, ...]]]:
    return [(item.text.en, item.answers) for item in life.ways.items]


def notes(decisions: list[Decision]) -> list[tuple[str, dict[str, object]]]:
    return [(d.kind, dict(d.details)) for d in decisions if isinstance(d, Note)]


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


def review(life: Life, entry: str = "w-17", camera: str = "north") -> list[Decision]:
    at = stamp(life.clock)
    seen = FaceLead(
        at, CameraName(camera), 7, EntryId(entry), False, 0.6, 0.5, 0.1, 3, 0.8, "dlib"
    )  # fmt: skip
    return life.hear(FaceReview(at, seen, held=True))


def test_a_likeness_for_review_is_the_guards_and_stays_at_the_gate(life: Life) -> None:
    assert review(life) == []
    assert review(life) == [], "one at a time"
    (item,) = life.ways.items
    assert item.answers == (Answer.CONFIRM, Answer.REJECT)
    life.begin([leads(life.clock)])
    assert review(life) == [], "also after a restart"
    at = stamp(life.clock)
    told = life.hear(GuardAnswered(at, Answer.CONFIRM, "guard 7", "command", about=item.id))
    assert notes(told) == [("review.confirmed", {"who": "guard 7"})]
    assert life.ways.items == []
    with pytest.raises(RefusedError):
        decide(life, "confirm", "desk-1", name=item.id)


def test_a_review_that_nobody_answers_goes_without_a_word(life: Life) -> None:
    review(life)
    review(life, "gone-3")
    assert len(life.ways.items) == 1, "an entry that is not valid is nobody's"
    assert life.wait(600) == []
    assert life.ways.items == []


def test_a_site_may_do_without_reviews(clock: ManualClock) -> None:
    made = leads(clock)
    life = Life([Leads(LeadsConfig(reviews=False), made.knows)], clock)
    review(life)
    assert life.ways.items == []


def test_what_is_hushed_is_not_shown(clock: ManualClock) -> None:
    life = Life([leads(clock, {"w-17"})], clock)
    review(life)
    alert(life)
    assert life.ways.items == []


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
