"""When a rule holds: by the gate's local time, past midnight, and armed when time is unknown."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from agent.core.clock import ManualClock, Stamp, stamp
from rules.windows import Windows
from tests.support.rulebook import window

BEIJING = ZoneInfo("Asia/Shanghai")


def at(utc: str, *, synced: bool = True) -> Stamp:
    return stamp(ManualClock(utc, synced=synced))


def test_no_window_is_always() -> None:
    assert Windows().cover(at("2026-11-21T03:00:00Z"))


@pytest.mark.parametrize(
    ("utc", "covered"),
    [
        ("2026-11-21T08:59:59.999Z", False),
        ("2026-11-21T09:00:00Z", True),
        ("2026-11-21T16:59:59Z", True),
        ("2026-11-21T17:00:00Z", False),
    ],
)
def test_a_window_begins_with_its_start_and_ends_before_its_end(utc: str, covered: bool) -> None:
    windows = Windows([window("09:00", "17:00")], UTC)
    assert windows.cover(at(utc)) is covered


@pytest.mark.parametrize(
    ("utc", "covered"),
    [
        ("2026-11-20T21:59:00Z", False),
        ("2026-11-20T22:00:00Z", True),
        ("2026-11-21T05:59:00Z", True),
        ("2026-11-21T06:00:00Z", False),
        ("2026-11-21T22:30:00Z", False),
        ("2026-11-20T05:00:00Z", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(utc: str, covered: bool) -> None:
    friday_night = Windows([window("22:00", "06:00", "fri")], UTC)
    assert friday_night.cover(at(utc)) is covered


@pytest.mark.parametrize(
    ("utc", "covered"),
    [
        ("2026-11-21T00:00:00Z", True),
        ("2026-11-21T23:59:00Z", True),
        ("2026-11-22T00:00:00Z", False),
        ("2026-11-20T23:59:00Z", False),
    ],
)
def test_a_window_that_ends_when_it_starts_is_a_whole_day(utc: str, covered: bool) -> None:
    assert Windows([window("00:00", "00:00", "sat")], UTC).cover(at(utc)) is covered


def test_a_whole_day_from_noon_reaches_into_the_next_morning() -> None:
    windows = Windows([window("12:00", "12:00", "sat")], UTC)
    covered = [
        windows.cover(at(f"2026-11-{time}:00Z")) for time in ("21T11:59", "21T12:00", "22T11:59")
    ]
    assert covered == [False, True, True]


def test_the_time_of_day_is_the_gates_own() -> None:
    night = Windows([window("22:00", "06:00")], BEIJING)
    assert night.cover(at("2026-11-21T14:00:00Z"))
    assert not night.cover(at("2026-11-21T22:00:00Z"))


def test_one_window_of_several_is_enough() -> None:
    windows = Windows([window("01:00", "02:00"), window("03:00", "04:00")], UTC)
    covered = [windows.cover(at(f"2026-11-21T0{hour}:30:00Z")) for hour in (1, 2, 3)]
    assert covered == [True, False, True]


def test_an_unknown_time_is_an_armed_time() -> None:
    windows = Windows([window("09:00", "10:00")], UTC)
    assert not windows.cover(at("2026-11-21T20:00:00Z"))
    assert windows.cover(at("2026-11-21T20:00:00Z", synced=False))
