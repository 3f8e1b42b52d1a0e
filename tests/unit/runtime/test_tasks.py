"""Background tasks: restarted when they raise, and the program's end when they are vital."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.events import ComponentState
from agent.core.health import HealthBoard
from agent.runtime.tasks import Tasks
from agent.runtime.version import VERSION


def play(clock: ManualClock, story: Callable[[Tasks], Coroutine[Any, Any, None]]) -> HealthBoard:
    """Run *story* with tasks that are stopped afterwards."""
    health = HealthBoard()

    async def whole() -> None:
        tasks = Tasks(health, clock)
        await story(tasks)
        await tasks.stop()

    asyncio.run(whole())
    return health


async def broken() -> None:
    raise ZeroDivisionError("oops")


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_task_that_raises_is_noted_and_the_program_lives(clock: ManualClock) -> None:
    async def story(tasks: Tasks) -> None:
        tasks.start("heartbeat", broken)
        await turns()
        assert not tasks.fatal.done()

    health = play(clock, story)
    noted = health.components["heartbeat"]
    assert (noted.state, noted.reason) == (ComponentState.DEGRADED, "ZeroDivisionError: oops")
    assert [(i.code, i.component) for i in health.issues] == [("task-failed", "heartbeat")]


def test_a_vital_task_that_raises_is_the_end_of_the_program(clock: ManualClock) -> None:
    async def story(tasks: Tasks) -> None:
        tasks.start("inbox", broken, vital=True)
        tasks.start("time", broken, vital=True)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(tasks.fatal, 5)

    play(clock, story)


def test_a_task_that_is_done_is_not_started_again(clock: ManualClock) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)

    async def story(tasks: Tasks) -> None:
        tasks.start("once", work)
        await turns()

    assert play(clock, story).healthy
    assert runs == [1]


def test_a_stop_cancels_every_task_the_last_started_first(clock: ManualClock) -> None:
    ended: list[str] = []

    def work(name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(name)

        return wait

    async def story(tasks: Tasks) -> None:
        for name in ("a", "b", "c"):
            tasks.start(name, work(name), vital=name == "a")
        await turns()

    assert play(clock, story).healthy
    assert ended == ["c", "b", "a"]


def test_the_version_is_the_installed_one() -> None:
    assert VERSION[0].isdigit()
