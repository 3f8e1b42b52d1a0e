"""One lane: what waits in memory or in the store, what is out, what is due again."""

from __future__ import annotations

import pytest

from agent.core.clock import NS_PER_S
from agent.core.ports import Entry
from agent.outbox.lane import READ_BELOW, WAITING_IN_MEMORY, LaneState, Want, resend_after_s
from tests.support.samples import entry

Found = list[tuple[int, Entry]]


def rows(*numbers: int) -> Found:
    return [(number, entry(number)) for number in numbers]


def drained(capacity: int = 1000) -> LaneState:
    """A lane whose store is known to be empty."""
    lane = LaneState(capacity)
    lane.fetched(Want(0, 0), [], 100)
    return lane


def waiting(lane: LaneState) -> list[int]:
    """Take everything that waits in memory, in its order."""
    taken = []
    while (found := lane.first()) is not None:
        taken.append(found.seq)
    return taken


@pytest.mark.parametrize(
    ("sendings", "after_s"), [(1, 10), (2, 20), (3, 40), (4, 60), (5, 60), (1000, 60)]
)
def test_an_entry_goes_again_after_10_20_40_and_then_every_60_seconds(
    sendings: int, after_s: int
) -> None:
    assert resend_after_s(sendings) == after_s


def test_at_start_the_store_has_to_be_read_before_anything_is_known() -> None:
    lane = LaneState(10)
    assert lane.reading
    assert lane.want() == Want(after=0, drops=0)
    lane.fetched(Want(0, 0), rows(3, 4), 100)
    assert waiting(lane) == [3, 4]


def test_a_full_page_means_there_may_be_more() -> None:
    lane = LaneState(10)
    lane.fetched(Want(0, 0), rows(3, 4), 2)
    assert lane.want() == Want(after=4, drops=0)
    lane.fetched(Want(4, 0), rows(9), 2)
    assert lane.want() is None


def test_a_store_that_cannot_be_read_is_asked_again_but_holds_up_nobody() -> None:
    lane = LaneState(10)
    lane.fetched(Want(0, 0), None, 100)
    assert not lane.reading
    assert lane.want() == Want(0, 0)


def test_stored_entries_wait_in_memory_while_there_is_room_then_in_the_store() -> None:
    lane = drained()
    kept = [lane.wait(entry(n), stored=True) for n in range(1, WAITING_IN_MEMORY + 2)]
    assert kept == [True] * WAITING_IN_MEMORY + [False]
    assert lane.want() is None
    for _ in range(WAITING_IN_MEMORY - READ_BELOW + 1):
        lane.first()
    assert lane.want() == Want(after=0, drops=1)


def test_once_something_is_left_to_the_store_everything_newer_is_too() -> None:
    lane = LaneState(10)
    assert not lane.wait(entry(1), stored=True)
    assert lane.wait(entry(2), stored=False)
    assert [found.seq for found in lane._waiting] == [2]


def test_an_entry_left_to_the_store_during_a_read_is_read_again() -> None:
    lane = LaneState(10)
    want = lane.want()
    assert want is not None
    lane.wait(entry(5), stored=True)
    lane.fetched(want, rows(1), 100)
    assert lane.want() == Want(after=1, drops=1)


def test_what_is_known_already_or_on_its_way_is_not_taken_twice() -> None:
    lane = LaneState(10)
    lane.wait(entry(1), stored=False)
    lane.sent(entry(2), 0, replayed=False)
    lane.fetched(Want(0, 0), rows(1, 2, 3, 4), 100, skip={"alarm-4"})
    assert waiting(lane) == [1, 3]


def test_an_answer_to_an_older_question_is_not_used() -> None:
    lane = LaneState(10)
    lane.fetched(Want(0, 0), rows(5), 1)
    lane.read_again()
    lane.fetched(Want(5, 0), rows(7), 100)
    assert lane.want() == Want(after=0, drops=0)
    lane.fetched(Want(0, 0), rows(3, 5, 7), 100)
    assert waiting(lane) == [5, 3, 7]


def test_the_number_of_outstanding_entries_bounds_first_sendings_and_reading() -> None:
    lane = LaneState(2)
    lane.fetched(Want(0, 0), rows(1, 2, 3), 3)
    for _ in range(2):
        found = lane.first()
        assert found is not None
        lane.sent(found, 0, replayed=True)
    assert lane.first() is None
    assert lane.want() is None
    assert lane.acked("alarm-1")
    found = lane.first()
    assert found is not None
    assert found.seq == 3


def test_each_resending_makes_the_next_one_later() -> None:
    lane = drained()
    lane.sent(entry(1), 0, replayed=False)
    sent_at = []
    for second in range(200):
        again = lane.overdue(second * NS_PER_S)
        if again is not None:
            sent_at.append(second)
            assert again.sendings == len(sent_at) + 1
    assert sent_at == [10, 30, 70, 130, 190]


def test_an_acked_entry_is_not_due_any_more() -> None:
    lane = drained()
    lane.sent(entry(1), 0, replayed=False)
    lane.sent(entry(2), NS_PER_S, replayed=False)
    lane.acked("alarm-1")
    assert lane.overdue(10 * NS_PER_S) is None
    assert lane.due_ns() == 11 * NS_PER_S
    again = lane.overdue(11 * NS_PER_S)
    assert again is not None
    assert again.entry.seq == 2


def test_after_a_lost_link_all_that_was_out_goes_again_in_order_marked_as_replayed() -> None:
    lane = drained()
    for number in (3, 1, 2):
        lane.sent(entry(number), 0, replayed=False)
    lane.acked("alarm-2")
    lane.link_up()
    again = [lane.redo(NS_PER_S), lane.redo(NS_PER_S), lane.redo(NS_PER_S)]
    assert [item and (item.entry.seq, item.replayed) for item in again] == [
        (1, True),
        (3, True),
        None,
    ]


def test_a_redone_entry_waits_for_its_next_turn_from_then() -> None:
    lane = drained()
    lane.sent(entry(1), 0, replayed=False)
    lane.link_up()
    assert lane.redo(5 * NS_PER_S) is not None
    assert lane.overdue(24 * NS_PER_S) is None
    assert lane.overdue(25 * NS_PER_S) is not None


@pytest.mark.parametrize("state", ["waiting", "outstanding"])
def test_an_ack_is_taken_wherever_the_entry_is(state: str) -> None:
    lane = drained()
    lane.wait(entry(1), stored=True)
    lane.wait(entry(2), stored=True)
    if state == "outstanding":
        found = lane.first()
        assert found is not None
        lane.sent(found, 0, replayed=False)
    assert lane.acked("alarm-1")
    assert not lane.acked("alarm-1")
    assert waiting(lane) == [2]
    assert lane.outstanding == 0


def test_an_ack_of_an_unknown_entry_is_said_to_be() -> None:
    assert not drained().acked("unknown")
