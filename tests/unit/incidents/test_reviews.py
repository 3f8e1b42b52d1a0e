"""Likenesses that only the guard looks at; they stay at the gate."""

from __future__ import annotations

import pytest

from agent.config.schema.answering import LeadsConfig
from agent.core.answers import Answer, GuardAnswered
from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Decision
from agent.core.errors import RefusedError
from agent.core.events import FaceLead, FaceReview
from agent.core.ids import CameraName, EntryId
from agent.incidents.leads import Leads
from tests.support.calls import notes
from tests.support.leads import alert, decide, leads
from tests.support.ways import Life


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([leads(clock)], clock)


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
