from __future__ import annotations

import pytest

from agent.core.clock import NS_PER_S, ManualClock, format_utc, parse_utc, stamp, stamp_at


def test_utc_is_written_with_milliseconds_and_z() -> None:
    assert format_utc(parse_utc("2026-11-21T08:00:00Z") + 123_999_999) == "2026-11-21T08:00:00.123Z"


@pytest.mark.parametrize(
    ("utc_ns", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-(1 << 80), "0001-01-01T00:00:00.000Z"),
        (1 << 80, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_any_number_of_nanoseconds_can_be_written(utc_ns: int, written: str) -> None:
    assert format_utc(utc_ns) == written


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-11-21T16:00:00+08:00", "2026-11-21T08:00:00Z"),
        ("2026-11-21T08:00:00.123Z", "2026-11-21T08:00:00.123000Z"),
    ],
)
def test_a_time_is_read_with_any_offset(text: str, same_as: str) -> None:
    assert parse_utc(text) == parse_utc(same_as)


def test_a_time_is_read_to_the_microsecond() -> None:
    assert parse_utc("1970-01-01T00:00:01.000001Z") == NS_PER_S + 1_000


@pytest.mark.parametrize("text", ["2026-11-21T08:00:00", "2026-11-21", "soon", "", "08:00:00Z"])
def test_a_time_without_an_offset_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_utc(text)


def test_a_stamp_tells_wall_time_uptime_boot_and_trust(clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    made = stamp(clock)
    assert made.utc == "2026-11-21T08:00:00.000Z"
    assert made.monotonic_ns == clock.monotonic_ns()
    assert made.boot_id == clock.boot_id
    assert made.synced is False


def test_a_past_moment_of_this_boot_gets_the_wall_time_it_had(clock: ManualClock) -> None:
    edge_ns = clock.monotonic_ns()
    clock.advance(1.5)
    assert stamp_at(clock, edge_ns).utc == "2026-11-21T08:00:00.000Z"
    assert stamp_at(clock, edge_ns).monotonic_ns == edge_ns


def test_a_moment_that_is_still_to_come_counts_as_now(clock: ManualClock) -> None:
    assert stamp_at(clock, clock.monotonic_ns() + NS_PER_S) == stamp(clock)


def test_a_step_moves_the_wall_clock_alone(clock: ManualClock) -> None:
    before = stamp(clock)
    clock.step(-3600)
    after = stamp(clock)
    assert after.monotonic_ns == before.monotonic_ns
    assert before.utc_ns - after.utc_ns == 3600 * NS_PER_S


def test_time_does_not_pass_backwards(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(-1)
