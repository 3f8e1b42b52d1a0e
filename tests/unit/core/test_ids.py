from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable

from agent.core.clock import ManualClock
from agent.core.ids import IdSource

V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def bits(seed: int = 1) -> Callable[[int], int]:
    return random.Random(seed).getrandbits  # noqa: S311 - seeded


def test_an_id_is_a_version_7_uuid_that_starts_with_the_milliseconds(clock: ManualClock) -> None:
    made = IdSource(clock, bits()).new()
    assert V7.fullmatch(made)
    value = uuid.UUID(made)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == clock.utc_ns() // 1_000_000


def test_ids_of_one_millisecond_sort_by_creation_and_keep_the_millisecond(
    clock: ManualClock,
) -> None:
    source = IdSource(clock, bits())
    made = [source.new() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {uuid.UUID(each).int >> 80 for each in made} == {clock.utc_ns() // 1_000_000}


def test_ids_go_on_growing_when_the_wall_clock_steps_back(clock: ManualClock) -> None:
    source = IdSource(clock, bits())
    first = source.new()
    clock.step(-86_400)
    second = source.new()
    clock.step(86_401)
    third = source.new()
    assert first < second < third


def test_a_full_random_part_runs_over_into_the_next_millisecond(clock: ManualClock) -> None:
    source = IdSource(clock, lambda count: (1 << count) - 1)
    made = [source.new()]
    source._last_random = (1 << 74) - 1
    made.append(source.new())
    assert made[0] < made[1]
    assert uuid.UUID(made[1]).int >> 80 == clock.utc_ns() // 1_000_000 + 1
    assert V7.fullmatch(made[1])


def test_a_clock_before_1970_still_gives_valid_ids() -> None:
    made = IdSource(ManualClock("1969-12-31T23:59:59Z"), bits()).new()
    assert V7.fullmatch(made)
    assert made.startswith("00000000-0000-")


def test_two_sources_at_one_moment_do_not_make_the_same_id(clock: ManualClock) -> None:
    assert IdSource(clock, bits(1)).new() != IdSource(clock, bits(2)).new()
