"""Wall clocks that are wrong by years: nothing is deleted or rejected by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.sure_time import SureTime
from contract.words import ListName
from tests.support.signed import DAY_S, utc
from tests.support.vision import Bench

YEARS_S = 3650 * DAY_S
ENTRY = {"exercise": False}


@pytest.mark.parametrize("years", [YEARS_S, -YEARS_S, -56 * 365 * DAY_S])
@pytest.mark.parametrize("synced_before", [True, False])
def test_a_step_by_years_deletes_nothing_and_is_forgotten(
    tmp_path: Path, years: float, synced_before: bool
) -> None:
    clock = ManualClock(synced=synced_before)
    bench = Bench(tmp_path, clock)
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    clock.set_synced(synced=False)
    clock.step(years)
    assert bench.list.expire() == ()
    clock.step(-years)
    bench.list.expire()
    assert bench.list.list_of("w-1", **ENTRY) is ListName.WANTED
    assert bench.vision.searched == ["w-1"]


def test_while_the_clock_is_ahead_what_it_calls_over_is_not_searched(
    tmp_path: Path, clock: ManualClock
) -> None:
    bench = Bench(tmp_path, clock)
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    clock.set_synced(synced=False)
    clock.step(YEARS_S)
    bench.list.expire()
    assert (bench.vision.searched, bench.list.list_of("w-1", **ENTRY)) == ([], None)
    assert [row.state for row in bench.list.listing()] == ["over"]


def test_a_list_that_comes_while_the_clock_is_ahead_is_not_rejected(
    tmp_path: Path, clock: ManualClock
) -> None:
    bench = Bench(tmp_path, clock)
    entry, issued_at = bench.made(), utc(clock)
    clock.set_synced(synced=False)
    clock.step(YEARS_S)
    bench.apply(entry, issued_at=issued_at)
    assert bench.reported[-1].rejected == ()
    clock.step(-YEARS_S)
    assert bench.list.list_of("w-1", **ENTRY) is ListName.WANTED


def test_without_a_time_source_what_is_over_still_goes(tmp_path: Path) -> None:
    clock = ManualClock(synced=False)
    bench = Bench(tmp_path, clock)
    bench.apply(bench.made(expires_at=utc(clock, DAY_S)))
    clock.advance(DAY_S)
    assert bench.list.expire() == ("w-1",)


def test_it_goes_too_when_the_gate_was_off_when_its_time_came(tmp_path: Path) -> None:
    clock = ManualClock()
    Bench(tmp_path, clock).apply(Bench(tmp_path, clock).made(expires_at=utc(clock, DAY_S)))
    later = ManualClock("2027-05-01T00:00:00Z", synced=False)
    assert Bench(tmp_path, later).list.expire() == ("w-1",)


def test_a_clock_that_starts_ahead_is_believed_when_its_source_says_so(tmp_path: Path) -> None:
    clock = ManualClock()
    Bench(tmp_path, clock).apply(Bench(tmp_path, clock).made())
    ahead = ManualClock("2036-11-21T08:00:00Z", synced=False)
    bench = Bench(tmp_path, ahead)
    assert bench.list.expire() == ()
    ahead.set_synced(synced=True)
    assert bench.list.expire() == ("w-1",)


def test_it_never_runs_backwards_and_never_stands_before_what_was_signed() -> None:
    clock = ManualClock("1970-01-01T00:00:10Z", synced=False)
    sure = SureTime(clock, 0)
    first_ns = sure.now_ns(0)
    clock.advance(5)
    assert sure.now_ns(0) == first_ns + 5 * 10**9
    signed_ns = clock.utc_ns() + 10**18
    assert sure.now_ns(signed_ns) == signed_ns
    clock.step(-DAY_S)
    assert sure.now_ns(signed_ns) == signed_ns
