"""Which incidents are forgotten, and when: the idle ones, and the quietest of too many."""

from __future__ import annotations

import dataclasses

import pytest

from agent.core.clock import ManualClock
from agent.core.ids import AlertId
from agent.incidents.book import MAX_OPEN, IncidentBook
from contract.words import Kind, MsgType, Stage, Status
from tests.support.book import cause, end, sent
from tests.support.samples import Numbers, at

ALERT, UPDATE, CANCEL = MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL


@pytest.fixture
def book() -> IncidentBook:
    return IncidentBook(Numbers().new)


def test_it_is_known_when_the_next_incident_is_forgotten(
    book: IncidentBook, clock: ManualClock
) -> None:
    dues = [book.due_ns]
    book.raised(cause(clock, "lasting", lasting=True))
    dues.append(book.due_ns)
    book.raised(cause(clock, "a"))
    due_ns = book.due_ns
    clock.advance(60)
    book.raised(cause(clock, "b"))
    assert (dues, book.due_ns) == ([None, None], due_ns)
    assert due_ns is not None
    clock.advance((due_ns - clock.monotonic_ns() - 1) / 1e9)
    book.time_passed(at(clock))
    assert set(book.open_incidents) == {"lasting", "a", "b"}
    clock.advance(1e-9)
    book.time_passed(at(clock))
    assert set(book.open_incidents) == {"lasting", "b"}


def test_an_incident_that_nobody_spoke_of_for_an_hour_is_forgotten(
    book: IncidentBook, clock: ManualClock
) -> None:
    for key in ("idle", "busy"):
        book.raised(cause(clock, key))
    clock.advance(3599)
    book.raised(cause(clock, "busy"))
    clock.advance(2)
    book.time_passed(at(clock))
    assert list(book.open_incidents) == ["busy"]


def test_a_cause_after_an_idle_hour_opens_a_new_incident_even_before_the_sweep(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock))
    clock.advance(3601)
    told = sent(book.raised(cause(clock)))
    assert (told.msgtype, told.incident) == (ALERT, "id-2")
    assert book.open_count == 1


def test_an_incident_whose_rule_says_when_it_is_over_is_never_forgotten(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock, lasting=True))
    clock.advance(86_400)
    book.time_passed(at(clock))
    assert sent(book.raised(cause(clock, lasting=True))).msgtype is UPDATE
    clock.advance(86_400)
    told = sent(book.resolved(end(clock)))
    assert (told.msgtype, told.incident) == (CANCEL, "id-1")


def test_repeats_that_are_held_back_keep_an_incident_alive(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock, cooldown_s=86_400))
    for _ in range(4):
        clock.advance(3000)
        assert book.raised(cause(clock, cooldown_s=86_400)) is None
    assert book.open_count == 1


def test_a_cause_with_an_older_time_does_not_make_an_incident_older(
    book: IncidentBook, clock: ManualClock
) -> None:
    early = at(clock)
    clock.advance(3000)
    book.raised(cause(clock))
    book.raised(dataclasses.replace(cause(clock), at=early))
    clock.advance(3000)
    book.time_passed(at(clock))
    assert book.open_count == 1


def test_the_number_of_open_incidents_is_bounded_and_the_quietest_goes(clock: ManualClock) -> None:
    book = IncidentBook(Numbers().new)
    for number in range(MAX_OPEN):
        book.raised(cause(clock, f"k-{number}"))
    clock.advance(1)
    book.raised(cause(clock, "k-0"))
    clock.advance(1)
    book.raised(cause(clock, "new"))
    assert book.open_count == MAX_OPEN
    assert {"k-0", "new"} <= set(book.open_incidents)
    assert "k-1" not in book.open_incidents


def test_a_wipe_leaves_real_alarms_and_nothing_about_faces(
    book: IncidentBook, clock: ManualClock
) -> None:
    real = sent(book.raised(cause(clock)))
    book.sent_as(real, AlertId("a-1"))
    book.raised(cause(clock, "drill/d-1", status=Status.EXERCISE))
    book.raised(cause(clock, "track:actual:w-1", kind=Kind.TRACK_SIGHTING))
    book.wipe(at(clock))
    assert list(book.open_incidents) == ["tamper:loop-1"]
    assert book.acked(AlertId("a-1"), Stage.CLOSED) is not None
