"""A restart at any moment changes nothing of what the rules of a site's own decide.

The same events are heard by a condition that lives on, and by one whose memory goes through JSON
and over a gap to a successor, as the keeper does it. What the program reads at its start (levels)
is heard by both.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agent.config.schema.when import Condition as Given
from agent.core.clock import NS_PER_S, Stamp
from agent.incidents.way import Gap, moved
from rules.custom import Line, condition_of
from rules.expression import Facts
from rules.memory import Kept
from tests.property.test_temporal import (
    EVENTS,
    HORIZON_S,
    Told,
    conditions,
    facts_of,
    history_of,
)

KEPT = TypeAdapter(Kept)


@dataclasses.dataclass
class World:
    """Clocks: true seconds in, stamps out; a reboot begins the monotonic clock anew."""

    boot: int = 0
    begun_s: int = 0
    stepped_s: int = 0
    synced: bool = True

    def stamp(self, true_s: float) -> Stamp:
        mono_ns = round((true_s - self.begun_s) * NS_PER_S)
        utc_ns = round((true_s + self.stepped_s) * NS_PER_S)
        return Stamp(utc_ns, mono_ns, f"boot-{self.boot}", synced=self.synced)

    def facts(self, told: Told) -> Facts:
        return dataclasses.replace(facts_of(told), at=self.stamp(told.at_s))


def successor(given: Any, line: Line, left: Stamp, now: Stamp) -> Line:
    """The next life's condition, with what was kept of *line*."""
    body = KEPT.dump_json(Kept("form", line.condition.memory()))
    kept = moved(KEPT.validate_json(body), Gap(left, now))
    after = Line(condition_of(Given.model_validate(given)))
    after.condition.recall(kept.real)
    return after


def lived(given: Any, history: list[Told], restarts: set[int], world: World, how: str) -> list[int]:
    """The true seconds at which it happens; *restarts* are numbers of events, *how* they go."""
    line = Line(condition_of(Given.model_validate(given)))
    levels: dict[str, Told] = {}
    found: list[int] = []

    def add(happened: list[Any]) -> None:
        found.extend(h.at_ns // NS_PER_S + world.begun_s for h in happened)

    for number, told in enumerate(history):
        add(line.hear(world.facts(told)))
        levels[told.device] = told
        if number not in restarts:
            continue
        if how != "none":
            left = world.stamp(told.at_s)
            if how == "reboot":
                world.boot, world.begun_s = world.boot + 1, told.at_s - 3
            if how == "stepped":
                world.stepped_s += 86_400
            line = successor(given, line, left, world.stamp(told.at_s))
        for level in levels.values():
            again = dataclasses.replace(level, at_s=told.at_s, initial=True)
            add(line.hear(world.facts(again)))
    add(line.until(world.stamp(HORIZON_S).monotonic_ns))
    return found


@settings(deadline=None, max_examples=600)
@given(
    conditions(),
    EVENTS,
    st.sets(st.integers(0, 24), max_size=4),
    st.sampled_from(["restart", "reboot", "stepped"]),
)
def test_a_restart_at_any_moment_changes_no_decision(
    given: Any, gaps: list[tuple[int, str, str, bool]], restarts: set[int], how: str
) -> None:
    history = history_of(gaps)
    lives_on = lived(given, history, restarts, World(), "none")
    assert lived(given, history, restarts, World(), how) == lives_on


@settings(deadline=None, max_examples=100)
@given(conditions(), EVENTS, st.integers(1, 3_000))
def test_the_time_of_a_reboot_counts_where_both_clocks_were_synced_and_else_not(
    given: Any, gaps: list[tuple[int, str, str, bool]], away_s: int
) -> None:
    history = history_of(gaps)
    end_s = history[-1].at_s if history else 10
    for synced in (True, False):
        world = World(synced=synced)
        line = Line(condition_of(Given.model_validate(given)))
        for told in history:
            line.hear(world.facts(told))
        rows = list(line.condition.memory().all_rows())
        left = world.stamp(end_s)
        world.boot, world.begun_s = 1, end_s + away_s - 5
        now = world.stamp(end_s + away_s)
        after = successor(given, line, left, now)
        ages = [(left.monotonic_ns - r.at.monotonic_ns) for r in rows]
        passed_ns = away_s * NS_PER_S if synced else 0
        moved_rows = after.condition.memory().all_rows()
        assert [now.monotonic_ns - r.at.monotonic_ns for r in moved_rows] == [
            age + passed_ns for age in ages
        ]
