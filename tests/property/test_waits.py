"""How long the link waits, and how ids grow, whatever the chance and the clock."""

from __future__ import annotations

import itertools
import re
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import ManualClock, format_utc, parse_utc
from agent.core.ids import IdSource
from agent.link.session import QUICK_S, ROUNDS, LinkFault, Session, Signal

V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CHANCE = st.floats(0, 1, exclude_max=True)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(CHANCE, min_size=1, max_size=100),
    st.floats(0.01, 10),
    st.floats(10, 3600),
    st.floats(1, 10),
)
def test_a_wait_lies_between_half_and_the_whole_of_its_step(
    chances: list[float], first_s: float, max_s: float, factor: float
) -> None:
    drawn = iter(chances)
    backoff = Backoff(BackoffPolicy(first_s, max_s, factor), lambda: next(drawn))
    for number in range(len(chances)):
        step = min(first_s * factor**number, max_s)
        assert step / 2 <= backoff.failed() <= step


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 4),
    st.sampled_from(["auto", "5", "3.1.1"]),
    st.lists(st.sampled_from([*LinkFault, "up", "steady"]), max_size=80),
    CHANCE,
)
def test_a_link_never_retries_twice_in_a_row_without_waiting(
    addresses: int,
    protocol: Literal["auto", "5", "3.1.1"],
    story: list[LinkFault | str],
    chance: float,
) -> None:
    session = Session(addresses, protocol, Backoff(BackoffPolicy(), lambda: chance))
    session.signal(Signal.START)
    waits = []
    for event in story:
        if isinstance(event, LinkFault):
            waits.append(session.failed(event))
        else:
            session.accepted()
            if event == "steady":
                session.steady()
            waits.append(session.lost(LinkFault.CLOSED)[1])
        session.signal(Signal.RETRY)
        attempt = session.attempt()
        assert 0 <= attempt.address < addresses
        assert protocol in ("auto", attempt.protocol)
    assert all(wait <= 60 for wait in waits)
    assert all(max(pair) >= QUICK_S / 2 for pair in itertools.pairwise(waits))
    quick = 2 * (ROUNDS * addresses + 1)
    runs = (waits[n : n + quick] for n in range(len(waits) - quick + 1) if "steady" not in story)
    assert all(max(run) >= 0.5 for run in runs), "quick moves come to an end"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(-1e10, 1e10), max_size=60), st.randoms(use_true_random=False))
def test_ids_grow_and_stay_version_7_however_the_clock_steps(
    steps: list[float], chance: object
) -> None:
    clock = ManualClock()
    source = IdSource(clock, chance.getrandbits)  # type: ignore[attr-defined]
    made = [source.new()]
    for step in steps:
        clock.step(step)
        made.append(source.new())
    assert made == sorted(set(made))
    assert all(V7.fullmatch(each) for each in made)


@settings(deadline=None, max_examples=300)
@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_written_time_is_read_as_the_same_millisecond(utc_ms: int) -> None:
    text = format_utc(utc_ms * 1_000_000)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert parse_utc(text) == utc_ms * 1_000_000


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", fullmatch=True)
)
def test_a_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        found = parse_utc(text)
    except ValueError:
        return
    assert format_utc(found)
