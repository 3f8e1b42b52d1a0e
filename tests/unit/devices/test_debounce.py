"""From noise to a settled level, as a table of what happens when (milliseconds)."""

from __future__ import annotations

import pytest

from devices.debounce import MS, Change, Debouncer, Phase, Timing

AT_ONCE = Timing(stable_ns=50 * MS, confirm_ns=0)
CONFIRMED = Timing(stable_ns=50 * MS, confirm_ns=50 * MS)
Told = list[tuple[int, bool | None]]


def play(timing: Timing, *edges: tuple[int, bool], until: int = 10_000) -> tuple[Debouncer, Told]:
    """Feed edges (ms, level) to a contact at rest (False), asking it whenever it is due."""
    debouncer = Debouncer(timing, level=False, now_ns=0)
    changes: list[Change] = []
    for at, level in [*edges, (until, edges[-1][1])]:
        while (due_ns := debouncer.due_ns) is not None and due_ns <= at * MS:
            changes += debouncer.check(due_ns)
        changes += debouncer.feed(level=level, at_ns=at * MS)
    return debouncer, [(change.at_ns // MS, change.level) for change in changes]


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        pytest.param([(100, True)], [(100, True)], id="a press"),
        pytest.param([(100, True), (400, False)], [(100, True), (400, False)], id="and release"),
        pytest.param(
            [(100, True), (101, False), (102, True), (103, False), (104, True)],
            [(100, True)],
            id="bounces belong to the press",
        ),
        pytest.param(
            [(100, True), (120, False)],
            [(100, True), (120, False)],
            id="a press shorter than the window is told, then its release",
        ),
        pytest.param(
            [(100, True), (149, False), (151, True)],
            [(100, True)],
            id="quiet is counted from the last edge",
        ),
        pytest.param(
            [(100, True), (150, False)],
            [(100, True), (150, False)],
            id="quiet for exactly the window is quiet",
        ),
    ],
)
def test_at_once_the_first_edge_counts(edges: list[tuple[int, bool]], told: Told) -> None:
    debouncer, changes = play(AT_ONCE, *edges)
    assert changes == told
    assert debouncer.phase is Phase.SETTLED
    assert debouncer.glitches == 0


@pytest.mark.parametrize(
    ("edges", "told", "glitches"),
    [
        pytest.param([(100, True)], [(100, True)], 0, id="a press counts from its first edge"),
        pytest.param([(100, True), (110, False)], [], 1, id="a spike is a glitch"),
        pytest.param([(100, True), (129, False)], [], 1, id="29 of 50 ms is a glitch"),
        pytest.param(
            [(100, True), (105, False), (140, True), (145, False)],
            [],
            1,
            id="the time between two spikes does not count",
        ),
        pytest.param(
            [(100, True), (130, False)],
            [(100, True), (130, False)],
            0,
            id="30 of 50 ms counts: most of the window",
        ),
        pytest.param(
            [(100, True), (150, False)],
            [(100, True), (150, False)],
            0,
            id="a press exactly as long as the window counts",
        ),
        pytest.param(
            [(100, True), (105, False), (110, True), (135, False), (138, True), (149, False)],
            [(100, True), (149, False)],
            0,
            id="a window full of bounces counts when most of it was on",
        ),
        pytest.param(
            [(100, True), (105, False), (148, True), (152, False)],
            [(100, True), (152, False)],
            0,
            id="on at the end of the window counts",
        ),
        pytest.param(
            [(100, True), (110, False), (200, True), (210, False)],
            [],
            2,
            id="each spike is a glitch of its own",
        ),
        pytest.param(
            [(100, True), (110, False), (155, True)],
            [(155, True)],
            1,
            id="a press after a spike has its own beginning",
        ),
    ],
)
def test_confirmed_a_level_has_to_hold(
    edges: list[tuple[int, bool]], told: Told, glitches: int
) -> None:
    debouncer, changes = play(CONFIRMED, *edges)
    assert changes == told
    assert debouncer.glitches == glitches
    assert debouncer.phase is Phase.SETTLED


def chatter(first: int, last: int, every: int) -> list[tuple[int, bool]]:
    return [(at, not n % 2) for n, at in enumerate(range(first, last + 1, every))]


@pytest.mark.parametrize("timing", [AT_ONCE, CONFIRMED], ids=["at once", "confirmed"])
def test_a_contact_that_does_not_come_to_rest_is_faulty_once_until_it_does(timing: Timing) -> None:
    edges = chatter(100, 9_000, 20)
    _, changes = play(timing, *edges)
    assert changes == [(100, True), (100, None), (9_000, edges[-1][1])]


def test_noise_that_is_quiet_again_within_two_seconds_is_no_fault() -> None:
    _, changes = play(AT_ONCE, *chatter(100, 2_040, 20))
    assert changes == [(100, True), (2_040, False)]


def test_a_contact_becomes_faulty_two_seconds_after_the_first_edge() -> None:
    debouncer = Debouncer(AT_ONCE, level=False, now_ns=0)
    for at, level in chatter(0, 1_980, 20):
        assert debouncer.feed(level=level, at_ns=at * MS) in ([], [Change(True, 0)])
    assert debouncer.due_ns == 2_000 * MS
    assert debouncer.check(1_999 * MS) == []
    assert debouncer.check(2_000 * MS) == [Change(None, 0)]
    assert debouncer.phase is Phase.CHATTERING


def test_nothing_is_due_while_a_contact_is_settled() -> None:
    assert Debouncer(CONFIRMED, level=True, now_ns=0).due_ns is None


def test_a_reading_of_the_same_level_says_nothing() -> None:
    debouncer = Debouncer(AT_ONCE, level=True, now_ns=0)
    assert debouncer.feed(level=True, at_ns=5) == []
    assert debouncer.phase is Phase.SETTLED


def test_a_level_that_is_due_is_told_by_the_next_edge_at_the_latest() -> None:
    debouncer = Debouncer(CONFIRMED, level=False, now_ns=0)
    debouncer.feed(level=True, at_ns=0)
    assert debouncer.feed(level=False, at_ns=200 * MS) == [Change(True, 0)]
    assert debouncer.check(250 * MS) == [Change(False, 200 * MS)]


def test_a_loop_that_slept_does_not_make_a_slow_door_a_faulty_line() -> None:
    debouncer = Debouncer(CONFIRMED, level=False, now_ns=0)
    debouncer.feed(level=True, at_ns=0)
    told = debouncer.feed(level=False, at_ns=2_500 * MS)
    told += debouncer.check(2_510 * MS)
    told += debouncer.check(2_550 * MS)
    assert told == [Change(True, 0), Change(False, 2_500 * MS)]
