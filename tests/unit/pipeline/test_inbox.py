"""The one way in: critical events at once, the others in order and in slices."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from agent.core.clock import ManualClock
from agent.core.events import Event, InputState, Probe
from agent.pipeline.inbox import CAPACITY, SLICE, Inbox
from tests.support.samples import at, changed

PRESSED = InputState.PRESSED


def probe(clock: ManualClock, number: int) -> Probe:
    return Probe(at(clock), number)


def numbers(events: list[Event]) -> list[int]:
    return [event.number for event in events if isinstance(event, Probe)]


def run(inbox: Inbox, done: Callable[[], bool]) -> None:
    """Run the inbox until *done*, at most a thousand turns of the loop."""

    async def turns() -> None:
        task = asyncio.create_task(inbox.run())
        for _ in range(1000):
            if done():
                break
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(turns())


def test_a_panic_press_is_dispatched_before_put_returns(clock: ManualClock) -> None:
    heard: list[Event] = []
    inbox = Inbox(heard.append, ["panic-1"])
    inbox.put(probe(clock, 1))
    pressed = changed(clock, "panic-1", PRESSED)
    inbox.put(pressed)
    assert heard == [pressed]


@pytest.mark.parametrize(
    ("device", "state"), [("panic-1", InputState.RELEASED), ("door-1", PRESSED)]
)
def test_anything_else_waits_its_turn(clock: ManualClock, device: str, state: InputState) -> None:
    heard: list[Event] = []
    inbox = Inbox(heard.append, ["panic-1"])
    inbox.put(changed(clock, device, state))
    assert heard == []
    run(inbox, lambda: bool(heard))
    assert len(heard) == 1


def test_ordinary_events_are_dispatched_in_their_order(clock: ManualClock) -> None:
    heard: list[Event] = []
    inbox = Inbox(heard.append, [])
    for number in range(3 * SLICE):
        inbox.put(probe(clock, number))
    run(inbox, lambda: len(heard) == 3 * SLICE)
    assert numbers(heard) == list(range(3 * SLICE))
    assert not inbox._wake.is_set()


def test_under_a_flood_the_oldest_ordinary_events_give_way_and_are_counted(
    clock: ManualClock,
) -> None:
    heard: list[Event] = []
    inbox = Inbox(heard.append, ["panic-1"])
    for number in range(CAPACITY + 3):
        inbox.put(probe(clock, number))
    inbox.put(changed(clock, "panic-1", PRESSED))
    assert inbox.dropped == 3
    assert len(heard) == 1
    run(inbox, lambda: len(heard) == CAPACITY + 1)
    assert numbers(heard) == list(range(3, CAPACITY + 3))


def test_a_press_overtakes_a_flood_that_is_being_worked_off(clock: ManualClock) -> None:
    heard: list[Event] = []
    inbox = Inbox(heard.append, ["panic-1"])

    async def story() -> int:
        task = asyncio.create_task(inbox.run())
        for number in range(10 * SLICE):
            inbox.put(probe(clock, number))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = len(heard)
        inbox.put(changed(clock, "panic-1", PRESSED))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return before

    before = asyncio.run(story())
    assert 0 < before < 10 * SLICE
    assert isinstance(heard[before], type(changed(clock, "panic-1", PRESSED)))


def test_the_loop_gets_its_turn_after_every_slice(clock: ManualClock) -> None:
    heard: list[Event] = []
    inbox = Inbox(heard.append, [])
    seen: list[int] = []

    async def story() -> None:
        task = asyncio.create_task(inbox.run())
        for number in range(4 * SLICE):
            inbox.put(probe(clock, number))
        while len(heard) < 4 * SLICE:
            await asyncio.sleep(0)
            seen.append(len(heard))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert max(b - a for a, b in itertools.pairwise(seen)) <= SLICE


@pytest.mark.parametrize("device", ["panic-1", "door-1"])
def test_a_dispatcher_that_raises_ends_the_inbox_so_that_the_program_ends(
    clock: ManualClock, device: str
) -> None:
    def dispatch(event: Event) -> None:
        raise RuntimeError(event)

    inbox = Inbox(dispatch, ["panic-1"])
    inbox.put(changed(clock, device, PRESSED))
    with pytest.raises(RuntimeError):
        asyncio.run(asyncio.wait_for(inbox.run(), 5))
