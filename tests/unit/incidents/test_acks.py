"""Acks of alerts that were never sent are told; doubled, late and backward ones change nothing."""

from __future__ import annotations

import pytest

from agent.core.clock import ManualClock
from agent.core.events import AckReceived
from agent.core.ids import AlertId
from agent.incidents.acks import MOST, Acks
from tests.support.calls import incident, notes
from tests.support.samples import at
from tests.support.ways import Life


@pytest.fixture
def life(clock: ManualClock) -> Life:
    return Life([Acks()], clock)


def acked(life: Life, alert: str, stage: str = "seen") -> list[tuple[str, object]]:
    return notes(life.hear(AckReceived(at(life.clock), AlertId(alert), stage, "desk-3")))


def test_a_persons_ack_of_an_alert_never_sent_is_told(life: Life) -> None:
    ((kind, details),) = acked(life, "a-9")
    assert kind == "ack.unused"
    assert details == {
        "alert": "a-9",
        "stage": "seen",
        "by": "desk-3",
        "reason": "unexpected",
        "detail": "this gate sent no such alert, or longer ago than it remembers",
    }
    assert acked(life, "a-9", "received") == [], "a copy of an event's ack looks like that"


def test_doubled_backward_and_late_acks_change_nothing_over_a_restart(life: Life) -> None:
    life.hear(incident(life.clock))
    life.begin([Acks()])
    assert [acked(life, "a-1", s) for s in ("seen", "seen", "closed", "handling")] == [[]] * 4
    life.wait(6 * 86_400)
    assert acked(life, "a-1", "closed") == []


def test_what_is_remembered_is_bounded(life: Life) -> None:
    for number in range(MOST + 1):
        life.hear(incident(life.clock, alert=f"a-{number}"))
    assert len(life.keeper.cases["acks"]) == MOST
    assert acked(life, "a-0")
    assert not acked(life, "a-1")


def test_a_flood_is_told_ten_times_a_minute(life: Life) -> None:
    assert sum(len(acked(life, f"x-{n}")) for n in range(50)) == 10
    life.wait(60)
    assert len(acked(life, "x-99")) == 1
