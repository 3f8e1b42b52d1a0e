"""When the wall clock gains or loses its source, and when it steps."""

from __future__ import annotations

import pytest

from agent.core.clock import ManualClock
from agent.core.events import ClockChanged
from agent.runtime.clock_watch import ClockWatch
from tests.support.samples import at


def test_a_clock_that_is_well_says_nothing(clock: ManualClock) -> None:
    watch = ClockWatch()
    for _ in range(5):
        assert watch.look(at(clock)) is None
        clock.advance(1)


def test_a_clock_that_is_not_disciplined_at_start_says_so_once(clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    watch = ClockWatch()
    assert watch.look(at(clock)) == ClockChanged(at(clock), synced=False)
    clock.advance(1)
    assert watch.look(at(clock)) is None


@pytest.mark.parametrize("synced", [True, False])
def test_gaining_and_losing_the_source_is_told(clock: ManualClock, synced: bool) -> None:
    clock.set_synced(synced=not synced)
    watch = ClockWatch()
    watch.look(at(clock))
    clock.set_synced(synced=synced)
    assert watch.look(at(clock)) == ClockChanged(at(clock), synced=synced)


@pytest.mark.parametrize(
    ("step_s", "told"), [(-86_400, True), (3600, True), (1.0, True), (0.999, False), (-0.5, False)]
)
def test_a_step_of_a_second_or_more_is_told_with_its_size(
    clock: ManualClock, step_s: float, told: bool
) -> None:
    watch = ClockWatch()
    watch.look(at(clock))
    clock.advance(1)
    clock.step(step_s)
    expected = ClockChanged(at(clock), synced=True, step_s=step_s) if told else None
    assert watch.look(at(clock)) == expected
    clock.advance(1)
    assert watch.look(at(clock)) is None


def test_a_long_pause_is_no_step(clock: ManualClock) -> None:
    watch = ClockWatch()
    watch.look(at(clock))
    clock.advance(86_400)
    assert watch.look(at(clock)) is None
