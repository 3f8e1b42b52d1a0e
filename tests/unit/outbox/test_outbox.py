"""The outbox as the rest of the agent sees it: real writer, real store, a link that records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import StoreFullError
from agent.core.ports import Lane, Limits
from agent.outbox.delivery import UNSTORED_EVENTS
from agent.outbox.outbox import HOLD_S
from tests.support.outbox import Life
from tests.support.samples import entry

FULL = StoreFullError("disk full")


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Life]:
    bench = Life(tmp_path, clock)
    yield bench
    bench.store.may_write.set()
    bench.outbox.close()


def test_a_critical_alarm_is_published_before_it_is_stored(bench: Life) -> None:
    bench.outbox.open()
    bench.up()
    bench.store.may_write.clear()
    bench.outbox.offer(entry(1), critical=True)
    assert bench.sent == ["1"]
    bench.store.may_write.set()
    bench.settle()
    assert bench.sent == ["1"]
    assert bench.store.batches == [(["alarm-1"], [])]


def test_any_other_entry_is_stored_before_it_is_published(bench: Life) -> None:
    bench.outbox.open()
    bench.up()
    bench.store.may_write.clear()
    bench.outbox.offer(entry(1), critical=False)
    bench.outbox.offer(entry(1, Lane.EVENT), critical=False)
    assert bench.sent == []
    bench.store.may_write.set()
    bench.settle()
    assert bench.sent == ["1", "1"]


def test_what_waited_for_the_link_is_marked_and_in_order(bench: Life) -> None:
    bench.outbox.open()
    bench.offer(1, 2, 3)
    assert bench.link.sent == []
    bench.up()
    assert bench.sent == ["1*", "2*", "3*"]
    assert {topic for topic, _ in bench.link.sent} == {entry(1).topic}


def test_what_comes_while_the_link_is_lost_is_marked_when_it_is_back(bench: Life) -> None:
    bench.outbox.open()
    bench.up()
    bench.outbox.link_lost()
    bench.offer(1, critical=True)
    assert bench.sent == []
    bench.up()
    assert bench.sent == ["1*"]


def test_what_was_not_acked_is_sent_by_the_next_life(
    bench: Life, tmp_path: Path, clock: ManualClock
) -> None:
    bench.outbox.open()
    bench.up()
    bench.offer(1, 2, 3)
    bench.outbox.acked("alarm-2")
    bench.settle()
    after = bench.restarted(tmp_path)
    after.up()
    assert after.sent == ["1*", "3*"]
    after.outbox.close()


def test_a_backlog_larger_than_the_memory_goes_out_whole_and_in_order(
    bench: Life, tmp_path: Path
) -> None:
    bench.outbox.open()
    for number in range(1, 1001):
        bench.outbox.offer(entry(number), critical=False)
    after = bench.restarted(tmp_path)
    after.link.room = 0
    after.up()
    for _ in range(4):
        after.link.room = 250
        after.outbox.pump()
        after.settle()
    for number in range(1, 1001):
        after.outbox.acked(f"alarm-{number}")
    after.settle()
    assert after.sent == [f"{number}*" for number in range(1, 1001)]
    assert after.store.fill().alarms == 0
    after.outbox.close()


def test_the_send_window_is_respected_and_used_when_it_frees(bench: Life) -> None:
    bench.outbox.open()
    bench.link.room = 2
    bench.up()
    bench.offer(1, 2, 3, 4)
    assert bench.sent == ["1", "2"]
    bench.link.room = 1
    bench.outbox.pump()
    assert bench.sent == ["1", "2", "3"]


def test_what_is_held_is_counted_before_anything_else_is_done(bench: Life, tmp_path: Path) -> None:
    bench.outbox.open()
    bench.offer(1, 2)
    after = bench.restarted(tmp_path)
    assert after.outbox.fullness.pending == 2, "nobody may think that nothing waits"
    after.outbox.close()


def test_the_backlog_waits_for_the_station_s_word_or_a_little(bench: Life) -> None:
    bench.outbox.open()
    bench.offer(1, 2)
    bench.outbox.link_up(bench.link)
    bench.settle()
    assert bench.sent == []
    bench.offer(3, critical=True)
    assert bench.sent == ["3"]
    bench.clock.advance(HOLD_S)
    assert (bench.outbox.due_ns() or 0) <= bench.clock.monotonic_ns()
    bench.outbox.pump()
    assert bench.sent == ["3", "1*", "2*"]


def test_a_failed_disk_never_stops_the_sending(bench: Life) -> None:
    bench.outbox.open()
    bench.up()
    bench.store.fault = FULL
    bench.offer(1, critical=True)
    bench.offer(2)
    bench.offer(1, lane=Lane.EVENT)
    assert bench.sent == ["1", "2", "1"]
    assert bench.states[0] == (False, "disk full")


def test_what_the_disk_refused_is_stored_when_it_works_and_not_sent_twice(
    bench: Life, tmp_path: Path
) -> None:
    bench.outbox.open()
    bench.up()
    bench.store.fault = FULL
    bench.offer(1, critical=True)
    bench.offer(2)
    bench.store.fault = None
    bench.settle()
    assert bench.sent == ["1", "2"]
    assert bench.states[-1] == (True, "")
    assert (bench.outbox._unstored, bench.outbox._delivery.unstored) == ({}, 0)
    after = bench.restarted(tmp_path)
    after.up()
    assert after.sent == ["1*", "2*"]
    after.outbox.close()


def test_an_alarm_acked_before_it_is_stored_is_neither_kept_nor_sent_again(
    bench: Life, tmp_path: Path
) -> None:
    bench.outbox.open()
    bench.up()
    bench.store.may_write.clear()
    bench.outbox.offer(entry(1), critical=True)
    assert bench.outbox.acked("alarm-1")
    bench.store.may_write.set()
    bench.settle()
    bench.clock.advance(100)
    bench.outbox.pump()
    assert bench.sent == ["1"]
    after = bench.restarted(tmp_path)
    after.up()
    assert after.sent == []
    after.outbox.close()


def test_an_alarm_acked_while_the_disk_fails_does_not_come_back(
    bench: Life, tmp_path: Path
) -> None:
    bench.outbox.open()
    bench.up()
    bench.offer(1)
    bench.store.fault = FULL
    bench.offer(2, critical=True)
    bench.outbox.acked("alarm-1")
    bench.outbox.acked("alarm-2")
    bench.settle()
    bench.store.fault = None
    bench.settle()
    after = bench.restarted(tmp_path)
    after.up()
    assert after.sent == []
    after.outbox.close()


def test_events_that_found_no_room_while_the_disk_failed_are_not_hoarded(bench: Life) -> None:
    bench.outbox.open()
    bench.settle()
    bench.store.fault = FULL
    for number in range(UNSTORED_EVENTS + 50):
        bench.outbox.offer(entry(number, Lane.EVENT), critical=False)
    bench.settle()
    assert len(bench.outbox._unstored) == UNSTORED_EVENTS


def test_an_unacked_alarm_goes_again_when_it_is_due(bench: Life) -> None:
    bench.outbox.open()
    bench.up()
    bench.offer(1)
    due_ns = bench.outbox.due_ns()
    assert due_ns == bench.clock.monotonic_ns() + 10 * 10**9
    bench.outbox.pump()
    bench.clock.advance(10)
    bench.outbox.pump()
    assert bench.sent == ["1", "1"]


def test_a_disk_that_was_away_at_start_tells_its_numbers_when_it_is_back(
    bench: Life, tmp_path: Path
) -> None:
    bench.outbox.open()
    bench.offer(9)
    bench.outbox.close()
    after = Life(tmp_path, bench.clock)
    after.store.fault = FULL
    assert after.outbox.open() is None
    after.up()
    after.offer(1)
    assert after.sent == ["1"]
    after.store.fault = None
    after.settle()
    assert after.counters[0].alarm_seq == 9
    assert after.sent == ["1", "9*"]
    after.outbox.close()


def test_the_fullness_follows_what_comes_and_goes(bench: Life) -> None:
    bench.outbox.open()
    bench.settle()
    utc_ns = bench.clock.utc_ns()
    bench.outbox.offer(entry(1, accepted_utc_ns=utc_ns), critical=False)
    bench.outbox.offer(entry(2, accepted_utc_ns=utc_ns), critical=False)
    assert bench.outbox.fullness.pending == 2
    bench.clock.advance(30)
    bench.outbox.measure()
    bench.settle()
    assert (bench.outbox.fullness.pending, bench.outbox.fullness.oldest_s) == (2, 30.0)
    bench.up()
    bench.outbox.acked("alarm-1")
    bench.outbox.acked("alarm-2")
    assert (bench.outbox.fullness.pending, bench.outbox.fullness.oldest_s) == (0, 0.0)


def test_an_ack_for_what_is_only_in_the_store_asks_for_a_measurement(bench: Life) -> None:
    """The station may have heard an alarm in an earlier life of the agent."""
    bench.outbox.open()
    assert not bench.outbox.is_stale()
    bench.outbox.acked("alarm-of-an-earlier-life")
    assert bench.outbox.is_stale()
    bench.outbox.measure()
    assert not bench.outbox.is_stale()


def test_an_older_measurement_does_not_hide_what_came_after_it(bench: Life) -> None:
    bench.outbox.open()
    assert bench.store.counted.wait(5)
    bench.outbox.offer(entry(1), critical=False)
    bench.settle()
    assert bench.outbox.fullness.pending == 1


def test_events_do_not_age_while_nobody_knows_the_time(bench: Life) -> None:
    bench.outbox._limits = Limits(100, event_age_ns=10**9)
    bench.clock.set_synced(synced=False)
    bench.outbox.open()
    bench.offer(1, lane=Lane.EVENT)
    bench.outbox.measure()
    bench.settle()
    assert bench.outbox.fullness.pending == 1
    bench.clock.set_synced(synced=True)
    bench.outbox.measure()
    bench.settle()
    assert bench.store.fill().events == 0
