"""Chores at a time of day: none starves the others, and a stepping clock plans anew."""

from __future__ import annotations

import asyncio
import datetime as dt

from agent.runtime.chores import Chores


def due_now(chores: Chores) -> None:
    """Make every planned job due."""
    for job in chores._scheduler.jobs:
        job.next_run = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - schedule's own kind


def times(chores: Chores) -> list[dt.datetime]:
    return [job.next_run for job in chores._scheduler.jobs if job.next_run is not None]


def turn(chores: Chores) -> None:
    async def once() -> None:
        task = asyncio.create_task(chores.run())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(once())


def test_a_chore_that_raises_does_not_starve_the_next() -> None:
    done: list[str] = []

    def broken() -> None:
        done.append("broken")
        raise ZeroDivisionError

    chores = Chores()
    chores.daily("03:30", "broken", broken)
    chores.daily("03:30", "good", lambda: done.append("good"))
    due_now(chores)
    turn(chores)
    assert done == ["broken", "good"]
    turn(chores)
    assert done == ["broken", "good"]


def test_a_chore_runs_at_its_time_of_day() -> None:
    chores = Chores()
    chores.daily("03:30", "expire", lambda: None)
    (planned,) = times(chores)
    assert (planned.hour, planned.minute) == (3, 30)


def test_a_step_of_the_clock_plans_every_chore_anew_and_none_twice() -> None:
    chores = Chores()
    chores.daily("03:30", "a", lambda: None)
    chores.daily("04:00", "b", lambda: None)
    for job in chores._scheduler.jobs:
        job.next_run = dt.datetime(2099, 1, 1)  # noqa: DTZ001 - schedule's own kind
    chores.clock_stepped()
    assert len(chores._scheduler.jobs) == 2
    tomorrow = dt.datetime.now() + dt.timedelta(days=1)  # noqa: DTZ005 - local time
    assert all(planned <= tomorrow for planned in times(chores))
