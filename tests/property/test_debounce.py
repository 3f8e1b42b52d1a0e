"""Whatever a contact does, what is believed of it is in the end what it is."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.debounce import MS, Change, Debouncer, Phase, Timing

QUIET_NS = 10_000 * MS
TIMINGS = st.builds(
    Timing,
    stable_ns=st.sampled_from([1, 5 * MS, 50 * MS, 200 * MS]),
    confirm_ns=st.sampled_from([0, 1, 20 * MS, 50 * MS, 200 * MS]),
    chatter_ns=st.sampled_from([300 * MS, 2_000 * MS]),
)
GAPS = st.lists(
    st.integers(0, 400 * MS) | st.sampled_from([0, 1, 49 * MS, 50 * MS, 51 * MS, 2_000 * MS]),
    max_size=60,
)
Edges = list[tuple[int, bool]]


def edges_of(gaps: list[int], *, level: bool) -> Edges:
    """Alternating edges at growing times, starting away from *level*."""
    times = itertools.accumulate(gaps)
    return [(at_ns, level is (number % 2 == 1)) for number, at_ns in enumerate(times)]


def play(
    timing: Timing, edges: Edges, *, level: bool, asked: bool
) -> tuple[Debouncer, list[Change]]:
    """Feed *edges*, then quiet; *asked* checks whenever something is due, else only at edges."""
    debouncer = Debouncer(timing, level=level, now_ns=0)
    changes: list[Change] = []
    end_ns = (edges[-1][0] if edges else 0) + QUIET_NS
    for at_ns, raw in [*edges, (end_ns, edges[-1][1] if edges else level)]:
        while asked and (due_ns := debouncer.due_ns) is not None and due_ns <= at_ns:
            changes += debouncer.check(due_ns)
        changes += debouncer.feed(level=raw, at_ns=at_ns)
    return debouncer, changes


@settings(deadline=None, max_examples=400)
@given(TIMINGS, GAPS, st.booleans())
def test_after_quiet_the_believed_level_is_the_real_one(
    timing: Timing, gaps: list[int], level: bool
) -> None:
    edges = edges_of(gaps, level=level)
    debouncer, changes = play(timing, edges, level=level, asked=True)
    raw = edges[-1][1] if edges else level
    assert debouncer.phase is Phase.SETTLED
    assert debouncer.due_ns is None
    believed = changes[-1].level if changes else level
    assert believed is raw


@settings(deadline=None, max_examples=400)
@given(TIMINGS, GAPS, st.booleans())
def test_changes_alternate_go_forward_in_time_and_tell_chatter_once(
    timing: Timing, gaps: list[int], level: bool
) -> None:
    _, changes = play(timing, edges_of(gaps, level=level), level=level, asked=True)
    told = [level, *(change.level for change in changes)]
    assert all(before is not after for before, after in itertools.pairwise(told))
    times = [change.at_ns for change in changes]
    assert times == sorted(times)


@settings(deadline=None, max_examples=400)
@given(TIMINGS, GAPS, st.booleans())
def test_it_makes_no_difference_how_late_it_is_asked(
    timing: Timing, gaps: list[int], level: bool
) -> None:
    edges = edges_of(gaps, level=level)
    prompt, late = (play(timing, edges, level=level, asked=asked) for asked in (True, False))
    assert late[1] == prompt[1]
    assert late[0].glitches == prompt[0].glitches


@settings(deadline=None, max_examples=300)
@given(TIMINGS, st.lists(st.integers(0, 400), max_size=30), st.integers(0, 100))
def test_readings_between_the_edges_change_nothing(
    timing: Timing, gaps: list[int], every: int
) -> None:
    edges = edges_of([gap * MS for gap in gaps], level=False)
    _, alone = play(timing, edges, level=False, asked=True)
    read = [(at_ns + every * MS // 2, raw) for at_ns, raw in edges]
    merged = sorted(edges + [r for r in read if level_at(edges, r[0]) is r[1]], key=lambda e: e[0])
    _, with_readings = play(timing, merged, level=False, asked=True)
    assert with_readings == alone


def level_at(edges: Edges, at_ns: int) -> bool:
    """The real level at a moment."""
    return next((raw for at, raw in reversed(edges) if at <= at_ns), False)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 50), st.lists(st.integers(1, 3), max_size=6))
def test_a_press_as_long_as_its_window_is_never_missed_for_its_bounces(
    extra: int, bounces: list[int]
) -> None:
    timing = Timing()
    edges: Edges = [(0, True)]
    at_ns = 0
    for bounce in bounces:
        edges += [(at_ns + MS, False), (at_ns + MS + bounce * MS // 2, True)]
        at_ns += MS + bounce * MS // 2
    edges.append((timing.confirm_ns + extra * MS, False))
    _, changes = play(timing, edges, level=False, asked=True)
    assert changes[0] == Change(True, 0)
    assert changes[-1].level is False
