"""What is sent next, what again, and when."""

from __future__ import annotations

import pytest

from agent.core.clock import NS_PER_S
from agent.core.ports import Lane
from agent.outbox.delivery import CAPACITY, RESEND_PER_S, UNSTORED_EVENTS, Delivery
from tests.support.delivery import delivery, sent
from tests.support.samples import entry

ALARM, EVENT = Lane.ALARM, Lane.EVENT
S = NS_PER_S


def test_nothing_goes_while_the_link_is_down() -> None:
    made = delivery(up=False, alarms=(1,))
    made.accept(entry(2), stored=True)
    assert sent(made) == []
    assert made.due_ns() is None


def test_a_live_alarm_goes_at_once_and_is_not_replayed() -> None:
    made = delivery()
    made.accept(entry(1), stored=False)
    assert sent(made) == ["alarm-1"]
    assert made.unacked == 1


def test_what_waited_for_the_link_is_replayed() -> None:
    made = delivery(up=False)
    made.accept(entry(1), stored=True)
    made.link_up()
    assert sent(made) == ["alarm-1 replayed"]


def test_the_order_is_live_then_redo_then_backlog_then_overdue_alarms_before_events() -> None:
    made = delivery()
    made.accept(entry(1), stored=True)
    made.accept(entry(1, EVENT), stored=True)
    assert sent(made) == ["alarm-1", "event-1"]
    made.link_lost()
    made.accept(entry(2), stored=True)
    made.accept(entry(2, EVENT), stored=True)
    made.link_up()
    made.accept(entry(3), stored=True)
    assert sent(made) == [
        "alarm-3",
        "alarm-1 replayed",
        "alarm-2 replayed",
        "event-1 replayed",
        "event-2 replayed",
    ]
    made.accept(entry(4), stored=True)
    made.accept(entry(3, EVENT), stored=True)
    assert sent(made, 100 * S) == ["alarm-4", "alarm-2 replayed", "event-3"]


def test_the_backlog_goes_in_its_order() -> None:
    made = delivery(alarms=(4, 7, 9), events=(1, 2))
    assert sent(made) == [
        f"{name} replayed" for name in ("alarm-4", "alarm-7", "alarm-9", "event-1", "event-2")
    ]


def test_events_wait_until_the_alarms_of_the_store_are_known() -> None:
    made = Delivery()
    made.link_up()
    made.accept(entry(1, EVENT), stored=False)
    assert made.next(0) is None
    want = made.want()
    assert want is not None
    made.fetched(*want, [(1, entry(1))], 100)
    assert sent(made) == ["alarm-1 replayed", "event-1"]


def test_a_store_that_cannot_be_read_does_not_hold_up_what_is_in_memory() -> None:
    made = Delivery()
    made.link_up()
    made.accept(entry(1, EVENT), stored=False)
    for _ in range(2):
        want = made.want()
        assert want is not None
        made.fetched(*want, None, 100)
    assert sent(made) == ["event-1"]


def test_one_read_is_asked_for_at_a_time() -> None:
    made = Delivery()
    want = made.want()
    assert want is not None
    assert made.want() is None
    made.fetched(*want, [], 100)
    again = made.want()
    assert again is not None
    assert (want[0], again[0]) == (ALARM, EVENT)


def test_an_unacked_alarm_goes_again_after_10_20_40_and_60_seconds() -> None:
    made = delivery()
    made.accept(entry(1), stored=True)
    at = [second for second in range(260) if sent(made, second * S)]
    assert at == [0, 10, 30, 70, 130, 190, 250]


def test_resendings_are_paced() -> None:
    made = delivery()
    for number in range(1, 21):
        made.accept(entry(number), stored=True)
    sent(made)
    step = S // RESEND_PER_S
    again = [len(sent(made, 10 * S + n * step)) for n in range(20)]
    assert again == [1] * 20
    assert made.due_ns() == max(30 * S, 10 * S + 20 * step)


def test_pacing_never_holds_back_a_live_alarm() -> None:
    made = delivery()
    for number in range(1, 21):
        made.accept(entry(number), stored=True)
    sent(made)
    assert len(sent(made, 10 * S)) == 1
    made.accept(entry(21), stored=True)
    assert sent(made, 10 * S) == ["alarm-21"]


@pytest.mark.parametrize("when", ["live", "outstanding", "backlog", "event"])
def test_an_ack_is_taken_wherever_the_entry_is(when: str) -> None:
    made = delivery(up=when != "backlog")
    lane = EVENT if when == "event" else ALARM
    made.accept(entry(1, lane), stored=True)
    if when == "outstanding":
        sent(made)
    assert made.acked(entry(1, lane).id)
    assert not made.knows(entry(1, lane).id)
    made.link_lost()
    made.link_up()
    assert sent(made, 1000 * S) == []
    assert made.unacked == 0


def test_an_ack_during_a_read_is_not_undone_by_what_was_read() -> None:
    made = Delivery()
    made.link_up()
    want = made.want()
    assert want is not None
    assert not made.acked("alarm-1")
    made.fetched(*want, [(1, entry(1)), (2, entry(2))], 100)
    assert sent(made) == ["alarm-2 replayed"]


def test_an_alarm_that_was_live_and_acked_during_a_read_does_not_come_back() -> None:
    made = Delivery()
    made.link_up()
    want = made.want()
    assert want is not None
    made.accept(entry(1), stored=True)
    assert sent(made) == ["alarm-1"]
    assert made.acked("alarm-1")
    made.fetched(*want, [(1, entry(1))], 100)
    assert sent(made) == []


def test_live_alarms_join_the_backlog_in_order_when_the_link_goes() -> None:
    made = delivery()
    for number in (1, 2, 3):
        made.accept(entry(number), stored=True)
    made.link_lost()
    made.link_up()
    assert sent(made) == ["alarm-1 replayed", "alarm-2 replayed", "alarm-3 replayed"]


def test_a_live_alarm_that_was_read_past_is_found_again_when_the_link_goes() -> None:
    made = Delivery()
    made.link_up()
    made.accept(entry(50), stored=True)
    want = made.want()
    assert want is not None
    made.fetched(*want, [(n, entry(n)) for n in (1, 50)], 2)
    made.link_lost()
    held = [1, 50]
    for _ in range(5):
        again = made.want()
        if again is None:
            break
        lane, wanted = again
        found = [(n, entry(n)) for n in held if n > wanted.after] if lane is ALARM else []
        made.fetched(lane, wanted, found, 2)
    made.link_up()
    assert sent(made) == ["alarm-1 replayed", "alarm-50 replayed"]


def test_a_live_alarm_that_is_not_stored_is_never_left_to_the_store() -> None:
    made = Delivery()
    made.link_up()
    made.accept(entry(1), stored=False)
    made.link_lost()
    made.link_up()
    assert sent(made) == ["alarm-1 replayed"]


def test_an_event_that_was_left_to_the_store_is_replayed_when_it_is_read() -> None:
    made = Delivery()
    made.link_up()
    made.accept(entry(1, EVENT), stored=True)
    for found in ([], [(1, entry(1, EVENT))]):
        want = made.want()
        assert want is not None
        made.fetched(*want, found, 100)
    assert sent(made) == ["event-1 replayed"]


def test_an_unstored_alarm_is_kept_in_memory_whatever_happens() -> None:
    made = delivery()
    made.accept(entry(1), stored=False)
    assert made.unstored == 1
    made.link_lost()
    made.link_up()
    assert sent(made) == ["alarm-1 replayed"]
    made.stored("alarm-1")
    assert made.unstored == 0


def test_an_entry_that_is_acked_before_it_is_stored_is_unstored_no_more() -> None:
    made = delivery()
    made.accept(entry(1), stored=False)
    sent(made)
    made.acked("alarm-1")
    assert made.unstored == 0


def test_an_entry_that_is_accepted_twice_is_sent_once() -> None:
    made = delivery()
    made.accept(entry(1), stored=False)
    made.accept(entry(1), stored=True)
    assert sent(made) == ["alarm-1"]
    made.accept(entry(1), stored=True)
    assert sent(made) == []


def test_unstored_events_are_bounded_and_counted_and_alarms_are_not() -> None:
    made = delivery(up=False)
    for number in range(UNSTORED_EVENTS + 3):
        made.accept(entry(number, EVENT), stored=False)
        made.accept(entry(number), stored=False)
    assert made.dropped_events == 3
    assert made.unstored == 2 * UNSTORED_EVENTS + 3
    assert not made.knows(f"event-{UNSTORED_EVENTS}")


@pytest.mark.parametrize("lane", list(Lane))
def test_a_silent_station_bounds_what_is_out(lane: Lane) -> None:
    numbers = tuple(range(1, CAPACITY[lane] + 50))
    made = delivery(alarms=numbers) if lane is ALARM else delivery(events=numbers)
    assert len(sent(made)) == CAPACITY[lane]
    assert made.unacked == CAPACITY[lane]


def test_a_live_alarm_goes_even_when_too_much_is_out() -> None:
    made = delivery(alarms=tuple(range(1, CAPACITY[ALARM] + 50)))
    sent(made)
    made.accept(entry(9999), stored=True)
    assert sent(made) == ["alarm-9999"]


def test_the_next_time_is_known_while_something_is_out() -> None:
    made = delivery()
    assert made.due_ns() is None
    made.accept(entry(1), stored=True)
    sent(made, 5 * S)
    made.accept(entry(1, EVENT), stored=True)
    sent(made, 8 * S)
    assert made.due_ns() == 15 * S
    made.link_lost()
    assert made.due_ns() is None
