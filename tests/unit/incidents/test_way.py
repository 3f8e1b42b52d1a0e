"""Stamps of an earlier life on this boot's clock; what a way remembers of its changes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from agent.core.clock import NS_PER_S, ManualClock, Stamp, stamp
from agent.incidents.way import Gap, Way, moved

BOOT, OTHER = "00000000-0000-4000-8000-000000000000", "11111111-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Inner:
    since: Stamp


@dataclass(frozen=True)
class Case:
    began: Stamp
    parts: tuple[Inner, ...] = ()
    by_name: dict[str, Stamp] = field(default_factory=dict)
    ended: Stamp | None = None


def at(s: float, boot: str = BOOT, *, utc_s: float | None = None, synced: bool = True) -> Stamp:
    """*s* seconds after that boot; the wall clock shows the same unless told."""
    return Stamp(
        round((s if utc_s is None else utc_s) * NS_PER_S), round(s * NS_PER_S), boot, synced
    )


def test_within_a_boot_nothing_moves() -> None:
    gap = Gap(left=at(50), now=at(60))
    assert gap.sure
    assert moved(Case(at(10), (Inner(at(20)),)), gap) == Case(at(10), (Inner(at(20)),))


def test_over_a_reboot_with_a_clock_the_time_that_passed_counts() -> None:
    """Kept at 50 s of the old boot; 100 s later, 5 s into the new boot."""
    gap = Gap(left=at(50, OTHER, utc_s=1050), now=at(5, utc_s=1150))
    assert gap.sure
    then = gap.moved(at(20, OTHER, utc_s=1020))
    assert then.boot_id == BOOT
    assert (gap.now.monotonic_ns - then.monotonic_ns) / NS_PER_S == 130


@pytest.mark.parametrize("which", ["left", "now", "both"])
def test_over_a_reboot_without_a_clock_no_time_has_passed(which: str) -> None:
    left = at(50, OTHER, utc_s=1050, synced=which == "now")
    gap = Gap(left=left, now=at(5, utc_s=99_999, synced=which == "left"))
    assert not gap.sure
    then = gap.moved(at(20, OTHER, utc_s=1020))
    assert (gap.now.monotonic_ns - then.monotonic_ns) / NS_PER_S == 30


def test_a_clock_that_stepped_back_meanwhile_makes_nothing_younger() -> None:
    gap = Gap(left=at(50, OTHER, utc_s=1050), now=at(5, utc_s=900))
    then = gap.moved(at(20, OTHER, utc_s=1020))
    assert (gap.now.monotonic_ns - then.monotonic_ns) / NS_PER_S == 30


def test_every_stamp_in_a_case_is_moved() -> None:
    gap = Gap(left=at(50, OTHER, utc_s=1050), now=at(5, utc_s=1150))
    old = at(20, OTHER, utc_s=1020)
    case = moved(Case(old, (Inner(old),), {"a": old}, old), gap)
    new = gap.moved(old)
    assert case == Case(new, (Inner(new),), {"a": new}, new)


def test_a_way_tells_each_change_once(clock: ManualClock) -> None:
    way: Way[Case] = Way()
    first = Case(stamp(clock))
    way.keep("a", first)
    way.keep("b", first)
    way.end("b")
    assert way.changes() == {"a": first, "b": None}
    assert way.changes() == {}
    way.keep("a", dataclasses.replace(first, ended=stamp(clock)))
    assert list(way.changes()) == ["a"]
    assert way.end("never") is None
