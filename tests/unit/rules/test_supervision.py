"""The agent watching itself: told when it stays bad, taken back when it is well."""

from __future__ import annotations

import pytest

from agent.core.clock import NS_PER_S, ManualClock
from agent.core.events import ClockChanged, Event, LinkChanged, StorageChanged
from contract.words import Kind
from rules.supervision import DEVICE, SelfRule
from tests.support.rulebook import PLACE, manner, the_raise, the_resolve
from tests.support.samples import at


def rule(kind: Kind, grace_s: float) -> SelfRule:
    return SelfRule(manner(kind), dict.fromkeys(DEVICE.values(), PLACE), grace_s=grace_s)


def link(clock: ManualClock, *, up: bool, reason: str = "no route") -> LinkChanged:
    return LinkChanged(at(clock), up, reason)


def say(kind: Kind, clock: ManualClock, *, ok: bool) -> Event:
    match kind:
        case Kind.STORAGE_DEGRADED:
            return StorageChanged(at(clock), ok, "disk full")
        case Kind.CLOCK_UNSYNCED:
            return ClockChanged(at(clock), synced=ok)
        case _:
            return link(clock, up=ok)


@pytest.mark.parametrize(
    ("kind", "device", "bad", "good"),
    [
        (
            Kind.STORAGE_DEGRADED,
            "outbox",
            "Alarms are not stored durably",
            "Alarms are stored durably again",
        ),
        (Kind.CLOCK_UNSYNCED, "clock", "Clock is not synchronised", "Clock is synchronised again"),
        (Kind.LINK_DEGRADED, "link", "No link to the station", "Link to the station is back"),
    ],
)
def test_without_grace_it_is_told_at_once_and_taken_back(
    clock: ManualClock, kind: Kind, device: str, bad: str, good: str
) -> None:
    watching = rule(kind, 0.0)
    told = the_raise(watching.on_event(say(kind, clock, ok=False)))
    assert (told.device, told.kind, told.key) == (device, kind, f"{kind.value}:{device}")
    assert told.text.en == f"{bad}: Guard desk"
    end = the_resolve(watching.on_event(say(kind, clock, ok=True)))
    assert end.key == told.key
    assert end.text.en == f"{good}: Guard desk"


def test_a_short_outage_within_the_grace_is_never_told(clock: ManualClock) -> None:
    watching = rule(Kind.LINK_DEGRADED, 90.0)
    assert watching.on_event(link(clock, up=False)) == []
    clock.advance(89)
    assert watching.on_time(at(clock)) == []
    assert watching.on_event(link(clock, up=True)) == []
    assert watching.due_ns is None
    clock.advance(90)
    assert watching.on_time(at(clock)) == []


def test_an_outage_is_told_when_the_grace_ends_with_its_beginning_and_last_reason(
    clock: ManualClock,
) -> None:
    watching = rule(Kind.LINK_DEGRADED, 90.0)
    began = at(clock)
    watching.on_event(link(clock, up=False))
    assert watching.due_ns == began.monotonic_ns + 90 * NS_PER_S
    clock.advance(60)
    watching.on_event(link(clock, up=False, reason="login refused"))
    clock.advance(30)
    told = the_raise(watching.on_time(at(clock)))
    assert told.details == {"since": began.utc, "reason": "login refused"}


def test_an_outage_is_told_once_however_often_it_is_repeated(clock: ManualClock) -> None:
    watching = rule(Kind.STORAGE_DEGRADED, 0.0)
    the_raise(watching.on_event(say(Kind.STORAGE_DEGRADED, clock, ok=False)))
    for _ in range(5):
        clock.advance(60)
        assert watching.on_event(say(Kind.STORAGE_DEGRADED, clock, ok=False)) == []
        assert watching.on_time(at(clock)) == []
    assert watching.due_ns is None


def test_each_outage_has_a_grace_of_its_own(clock: ManualClock) -> None:
    watching = rule(Kind.LINK_DEGRADED, 90.0)
    watching.on_event(link(clock, up=False))
    clock.advance(80)
    watching.on_event(link(clock, up=True))
    watching.on_event(link(clock, up=False))
    clock.advance(80)
    assert watching.on_time(at(clock)) == []


def test_a_repeat_after_the_grace_tells_it_even_if_nobody_asked_in_time(clock: ManualClock) -> None:
    watching = rule(Kind.LINK_DEGRADED, 90.0)
    watching.on_event(link(clock, up=False))
    clock.advance(500)
    the_raise(watching.on_event(link(clock, up=False)))


def test_what_was_well_all_the_time_is_not_worth_a_word(clock: ManualClock) -> None:
    for kind in DEVICE:
        assert rule(kind, 0.0).on_event(say(kind, clock, ok=True)) == []


def test_each_rule_hears_only_its_own_condition(clock: ManualClock) -> None:
    for kind in DEVICE:
        for other in DEVICE:
            if other is not kind:
                assert rule(kind, 0.0).on_event(say(other, clock, ok=False)) == []
