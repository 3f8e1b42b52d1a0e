"""Ways of answering without a disk: what they kept, as the keeper would write and read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from agent.core.clock import ManualClock, Stamp, stamp
from agent.core.decisions import Decision
from agent.core.events import Event
from agent.incidents.book import IncidentBook
from agent.incidents.way import Gap, Way, moved
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from tests.support.samples import ADDRESS


class MemoryKeeper:
    """Keeps JSON in memory; ``cases`` by way and key."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.cases: dict[str, dict[str, tuple[Stamp, bytes]]] = {}
        self.adapters: dict[str, TypeAdapter[Any]] = {}

    def resume(self, way: Way[Any], now: Stamp) -> Mapping[str, Any]:
        """What an earlier life left."""
        adapter = self.adapters[way.name] = TypeAdapter(way.CASE)
        kept = self.cases.get(way.name, {})
        return {
            key: moved(adapter.validate_json(body), Gap(left, now))
            for key, (left, body) in kept.items()
        }

    def keep(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what changed."""
        for way, changed in changes.items():
            cases = self.cases.setdefault(way, {})
            for key, case in changed.items():
                if case is None:
                    cases.pop(key, None)
                else:
                    cases[key] = (stamp(self.clock), self.adapters[way].dump_json(case))


class Life:
    """One life of some ways on a clock, and the next."""

    def __init__(self, ways: Sequence[Way[Any]], clock: ManualClock) -> None:
        self.clock = clock
        self.keeper = MemoryKeeper(clock)
        self.failures: list[str] = []
        self.begin(ways)

    def begin(self, ways: Sequence[Way[Any]]) -> list[Decision]:
        """Begin (again) with fresh ways on what was kept; what they decide about it."""
        self.ways = Ways(
            ways, self.keeper, on_failure=lambda failed, _: self.failures.append(failed.reason)
        )
        return self.ways.resume(stamp(self.clock))

    def hear(self, event: Event) -> list[Decision]:
        """Decisions about *event*; a way that raises fails the test."""
        decisions = self.ways.on_event(event)
        assert self.failures == []
        return decisions

    def wait(self, seconds: float) -> list[Decision]:
        """Let time pass, and hear what is due; as the dispatcher does, only when it is."""
        self.clock.advance(seconds)
        due_ns = self.ways.due_ns
        if due_ns is None or due_ns > self.clock.monotonic_ns():
            return []
        decisions = self.ways.on_time(stamp(self.clock))
        assert self.failures == []
        return decisions


def no_ways(clock: ManualClock, book: IncidentBook) -> tuple[Ways, Words]:
    """Nothing but the book and words that nobody hears."""
    words = Words(ADDRESS, lambda *_, **__: False, clock.monotonic_ns)
    ways = Ways([], MemoryKeeper(clock), beside=(book, words), on_failure=lambda *_: None)
    ways.resume(stamp(clock))
    return ways, words
