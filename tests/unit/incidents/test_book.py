"""One incident, one id: opened, gone on with, held back, ended."""

from __future__ import annotations

import pytest

from agent.core.clock import ManualClock
from agent.core.ids import AlertId
from agent.incidents.book import IncidentBook
from contract.words import Kind, MsgType, Severity, Stage, Status
from tests.support.book import cause, end, sent
from tests.support.samples import Numbers, at

ALERT, UPDATE, CANCEL = MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL


@pytest.fixture
def book() -> IncidentBook:
    return IncidentBook(Numbers().new)


def test_the_first_cause_opens_an_incident(book: IncidentBook, clock: ManualClock) -> None:
    told = sent(book.raised(cause(clock)))
    assert (told.incident, told.msgtype, told.severity) == ("id-1", ALERT, Severity.MAJOR)
    assert told.details == {"line": "cut"}
    assert book.open_incidents == {"tamper:loop-1": "id-1"}


@pytest.mark.parametrize(("after_s", "passes"), [(0, False), (59.9, False), (60, True), (61, True)])
def test_a_repeat_is_held_back_until_the_cooldown_is_over(
    book: IncidentBook, clock: ManualClock, after_s: float, passes: bool
) -> None:
    book.raised(cause(clock))
    clock.advance(after_s)
    told = book.raised(cause(clock))
    assert (told is not None) is passes
    if told is not None:
        assert (told.msgtype, told.incident) == (UPDATE, "id-1")


def test_without_a_cooldown_every_repeat_is_told(book: IncidentBook, clock: ManualClock) -> None:
    for msgtype in (ALERT, UPDATE, UPDATE):
        assert sent(book.raised(cause(clock, cooldown_s=0.0))).msgtype is msgtype


def test_a_rise_in_severity_passes_every_cooldown(book: IncidentBook, clock: ManualClock) -> None:
    book.raised(cause(clock, severity=Severity.WARNING, cooldown_s=86_400))
    seen = []
    for severity in (Severity.MINOR, Severity.MAJOR, Severity.CRITICAL, Severity.CRITICAL):
        told = book.raised(cause(clock, severity=severity, cooldown_s=86_400))
        seen.append(told and told.severity.value)
    assert seen == ["minor", "major", "critical", None]


def test_a_milder_repeat_does_not_lower_the_incident(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock, severity=Severity.CRITICAL))
    clock.advance(61)
    told = sent(book.raised(cause(clock, severity=Severity.WARNING)))
    assert told.severity is Severity.CRITICAL
    assert book.raised(cause(clock, severity=Severity.MAJOR)) is None


def test_what_was_held_back_is_counted_in_the_next_update(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock))
    for _ in range(7):
        clock.advance(5)
        assert book.raised(cause(clock)) is None
    clock.advance(60)
    assert sent(book.raised(cause(clock))).details == {"line": "cut", "held_back": 7}
    clock.advance(60)
    assert sent(book.raised(cause(clock))).details == {"line": "cut"}


def test_the_cooldown_is_counted_from_what_was_sent_not_from_what_was_held_back(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock))
    passed = []
    for _ in range(12):
        clock.advance(10)
        passed.append(book.raised(cause(clock)) is not None)
    assert [n for n, told in enumerate(passed, 1) if told] == [6, 12]


def test_the_end_is_a_cancel_that_tells_the_beginning(
    book: IncidentBook, clock: ManualClock
) -> None:
    began = at(clock)
    book.raised(cause(clock))
    clock.advance(61)
    book.raised(cause(clock, severity=Severity.CRITICAL))
    clock.advance(1)
    book.raised(cause(clock))
    clock.advance(10)
    told = sent(book.resolved(end(clock)))
    assert (told.msgtype, told.incident, told.severity) == (CANCEL, "id-1", Severity.CRITICAL)
    assert told.details == {"opened_at": began.utc, "held_back": 1}
    assert (told.cause.text.en, told.cause.device) == ("Line intact again", "loop-1")
    assert told.cause.at == at(clock)
    assert book.open_count == 0


def test_only_what_began_ends_and_it_ends_once(book: IncidentBook, clock: ManualClock) -> None:
    assert book.resolved(end(clock)) is None
    book.raised(cause(clock))
    sent(book.resolved(end(clock)))
    assert book.resolved(end(clock)) is None


def test_after_its_end_the_next_cause_opens_a_new_incident(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock))
    book.resolved(end(clock))
    told = sent(book.raised(cause(clock)))
    assert (told.msgtype, told.incident) == (ALERT, "id-2")


def test_after_a_close_the_next_cause_opens_a_new_one(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.raised(cause(clock))
    for _ in range(2):
        book.close("tamper:loop-1")
    assert sent(book.raised(cause(clock))).msgtype is ALERT


def test_two_keys_are_two_incidents(book: IncidentBook, clock: ManualClock) -> None:
    for key in "ab":
        book.raised(cause(clock, key))
    assert book.open_incidents == {"a": "id-1", "b": "id-2"}
    assert sent(book.resolved(end(clock, "a"))).incident == "id-1"
    assert book.open_incidents == {"b": "id-2"}


def test_a_drills_cancel_is_a_drills(book: IncidentBook, clock: ManualClock) -> None:
    book.raised(cause(clock, status=Status.EXERCISE))
    assert sent(book.resolved(end(clock))).cause.status is Status.EXERCISE


@pytest.mark.parametrize("stage", list(Stage))
def test_only_the_stations_closing_ends_an_incident(
    book: IncidentBook, clock: ManualClock, stage: Stage
) -> None:
    book.sent_as(sent(book.raised(cause(clock))), AlertId("alert-1"))
    book.acked(AlertId("alert-1"), stage)
    assert book.open_count == (0 if stage is Stage.CLOSED else 1)


def test_any_alert_of_an_incident_can_close_it(book: IncidentBook, clock: ManualClock) -> None:
    for number in (1, 2, 3):
        told = sent(book.raised(cause(clock, cooldown_s=0.0)))
        book.sent_as(told, AlertId(f"alert-{number}"))
    book.acked(AlertId("alert-2"), Stage.CLOSED)
    assert book.open_count == 0


def test_a_late_word_on_an_old_alert_does_not_close_a_newer_incident(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.sent_as(sent(book.raised(cause(clock))), AlertId("alert-1"))
    book.sent_as(sent(book.resolved(end(clock))), AlertId("alert-2"))
    book.sent_as(sent(book.raised(cause(clock))), AlertId("alert-3"))
    for late in ("alert-1", "alert-2", "unknown"):
        book.acked(AlertId(late), Stage.CLOSED)
    assert book.open_count == 1
    book.acked(AlertId("alert-3"), Stage.CLOSED)
    assert book.open_count == 0


def test_a_late_word_on_an_incident_that_was_forgotten_does_not_close_a_newer_one(
    book: IncidentBook, clock: ManualClock
) -> None:
    book.sent_as(sent(book.raised(cause(clock))), AlertId("alert-1"))
    clock.advance(3601)
    book.raised(cause(clock))
    book.acked(AlertId("alert-1"), Stage.CLOSED)
    assert book.open_count == 1


def test_what_shows_at_the_gate_names_no_entry(book: IncidentBook, clock: ManualClock) -> None:
    book.raised(cause(clock))
    book.raised(cause(clock, "watchlist.face:w-17", kind=Kind.WATCHLIST_FACE))
    assert dict(book.shown_incidents) == {"tamper:loop-1": "id-1", "watchlist.face:id-2": "id-2"}
