"""One incident, one id: opened, gone on with, held back, ended."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.decisions import Raise, Resolve
from agent.core.ids import AlertId
from agent.core.text import Text
from agent.incidents.book import MAX_OPEN, IncidentBook, Message
from contract.words import Kind, MsgType, Severity, Stage, Status, Urgency
from tests.support.samples import Numbers, at

ALERT, UPDATE, CANCEL = MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL


@pytest.fixture
def book() -> IncidentBook:
    return IncidentBook(Numbers().new)


def cause(clock: ManualClock, key: str = "tamper:loop-1", **fields: Any) -> Raise:
    values: dict[str, Any] = {
        "at": at(clock),
        "rule": "tamper",
        "kind": Kind.TAMPER,
        "key": key,
        "severity": Severity.MAJOR,
        "urgency": Urgency.IMMEDIATE,
        "text": Text("Line cut", "线路被剪断"),
        "device": "loop-1",
        "where": "cabinet",
        "details": {"line": "cut"},
        "cooldown_s": 60.0,
    }
    return Raise(**{**values, **fields})


def end(clock: ManualClock, key: str = "tamper:loop-1") -> Resolve:
    return Resolve(at(clock), key, Text("Line intact again", "线路恢复正常"))


def sent(message: Message | None) -> Message:
    assert message is not None
    return message


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


def test_what_shows_at_the_gate_names_no_entry(book: IncidentBook, clock: ManualClock) -> None:
    book.raised(cause(clock))
    book.raised(cause(clock, "watchlist.face:w-17", kind=Kind.WATCHLIST_FACE))
    assert dict(book.shown_incidents) == {"tamper:loop-1": "id-1", "watchlist.face:id-2": "id-2"}
