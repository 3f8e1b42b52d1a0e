"""Over any events and times a condition happens exactly when its definition says so.

The definitions are written again here over the whole history, without any state, and held against
the conditions that hear one moment after the other (``rules.temporal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.schema.when import Condition as Given
from agent.core.clock import NS_PER_S, Stamp
from rules.custom import Line, condition_of
from rules.expression import Facts

Spot = tuple[int, int]
"""A moment: seconds, and 0 for what was waited for or the number of the event from 1."""

HORIZON_S = 400
DEVICES, STATES = ("a", "b", "c"), ("on", "off")
TEXTS = [
    "device == 'a'",
    "device == 'b' and state == 'on'",
    "state == 'off'",
    "device in ['a', 'c'] and not state == 'off'",
]


@dataclass(frozen=True)
class Told:
    """One event of the history."""

    at_s: int
    device: str
    state: str
    initial: bool


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 2, 3, 5, 8]),
        st.sampled_from(DEVICES),
        st.sampled_from(STATES),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=25,
)
TIMES = st.sampled_from([1, 2, 3, 5, 8, 13])


def conditions() -> st.SearchStrategy[Any]:
    """Conditions as a file writes them, up to three levels."""
    lasts = st.fixed_dictionaries({"lasts": st.sampled_from(TEXTS), "for_s": TIMES})
    return st.recursive(st.sampled_from(TEXTS) | lasts, _above, max_leaves=5)


def _above(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"any": some}),
        st.fixed_dictionaries({"all": some, "within_s": TIMES}),
        st.fixed_dictionaries({"sequence": some, "within_s": TIMES}),
        st.fixed_dictionaries({"count": parts, "at_least": st.integers(2, 4), "within_s": TIMES}),
        st.fixed_dictionaries(
            {
                "of": parts,
                "without": parts,
                "before_s": st.sampled_from([0, 2, 5]),
                "after_s": TIMES,
            }
        ),
        st.fixed_dictionaries({"of": parts, "without": parts, "before_s": TIMES}),
    )


# -- the definitions -------------------------------------------------------------------------------


def holds(text: str, told: Told) -> bool:
    """What the four texts say."""
    return {
        TEXTS[0]: told.device == "a",
        TEXTS[1]: told.device == "b" and told.state == "on",
        TEXTS[2]: told.state == "off",
        TEXTS[3]: told.device in ("a", "c") and told.state != "off",
    }[text]


def spots_of(given: Any, history: Sequence[Told]) -> list[Spot]:
    """Every moment at which the condition *given* happens."""
    if isinstance(given, str):
        numbered = enumerate(history, start=1)
        return [(e.at_s, n) for n, e in numbered if holds(given, e) and not e.initial]
    if "lasts" in given:
        return _lasts(given["lasts"], given["for_s"], history)
    several = given.get("any") or given.get("all") or given.get("sequence")
    one = [given[name] for name in ("count", "of", "without") if name in given]
    parts = [spots_of(part, history) for part in several or one]
    if "any" in given:
        return sorted({spot for part in parts for spot in part})
    if "without" in given:
        return _without(parts[0], parts[1], given.get("before_s", 0), given.get("after_s", 0))
    if "count" in given:
        return _count(parts[0], given["at_least"], given["within_s"])
    return (_all if "all" in given else _sequence)(parts, given["within_s"])


def _lasts(text: str, for_s: int, history: Sequence[Told]) -> list[Spot]:
    found = set()
    for device in DEVICES:
        own = [(n, e) for n, e in enumerate(history, start=1) if e.device == device]
        for place, (_, event) in enumerate(own):
            begins = holds(text, event) and not (place and holds(text, own[place - 1][1]))
            ends = [(e.at_s, n) for n, e in own[place + 1 :] if not holds(text, e)]
            due = (event.at_s + for_s, 0)
            if begins and (not ends or min(ends) > due):
                found.add(due)
    return sorted(found)


def _count(spots: list[Spot], at_least: int, within_s: int) -> list[Spot]:
    found: list[Spot] = []
    for spot in spots:
        counted = [
            s for s in spots if spot[0] - s[0] <= within_s and s <= spot and _after(s, found)
        ]
        if len(counted) >= at_least:
            found.append(spot)
    return found


def _after(spot: Spot, found: list[Spot]) -> bool:
    return not found or spot > found[-1]


def _all(parts: list[list[Spot]], within_s: int) -> list[Spot]:
    found: list[Spot] = []
    for spot in sorted({spot for part in parts for spot in part}):
        near = [
            [s for s in part if s <= spot and spot[0] - s[0] <= within_s and _after(s, found)]
            for part in parts
        ]
        if all(near):
            found.append(spot)
    return found


def _sequence(parts: list[list[Spot]], within_s: int) -> list[Spot]:
    found: list[Spot] = []
    for spot in parts[-1]:
        usable = [[s for s in part if s <= spot and _after(s, found)] for part in parts]
        if any(spot[0] - chain[0][0] <= within_s for chain in _chains([*usable[:-1], [spot]])):
            found.append(spot)
    return found


def _chains(parts: list[list[Spot]]) -> list[list[Spot]]:
    """Every choice of one of each part in strictly growing order."""
    chains: list[list[Spot]] = [[]]
    for part in parts:
        chains = [[*c, s] for c in chains for s in part if not c or s > c[-1]]
    return chains


def _without(of: list[Spot], none: list[Spot], before_s: int, after_s: int) -> list[Spot]:
    found: list[Spot] = []
    free_from: Spot = (-1, 0)
    for spot in of:
        if spot < free_from:
            continue
        if any(s <= spot and spot[0] - s[0] <= before_s for s in none):
            continue
        end = (spot[0] + after_s, 0) if after_s else spot
        spoilt = [s for s in none if spot < s <= end]
        if spoilt:
            free_from = spoilt[0]
            continue
        found.append(end)
        free_from = end
    return found


# -- against what runs -----------------------------------------------------------------------------


def facts_of(told: Told) -> Facts:
    """The event as conditions hear it."""
    at_ns = told.at_s * NS_PER_S
    return Facts(
        Stamp(at_ns, at_ns, "boot", synced=True),
        "input",
        told.device,
        state=told.state,
        initial=told.initial,
    )


def heard(given: Any, history: Sequence[Told], asked: Sequence[int]) -> list[int]:
    """The seconds at which it happens; *asked* are times at which it is asked besides."""
    line = Line(condition_of(Given.model_validate(given)))
    found = []
    times = [(told.at_s, 1, told) for told in history] + [(at_s, 0, None) for at_s in asked]
    for at_s, _, told in sorted(times, key=lambda entry: entry[:2]):
        found += line.until(at_s * NS_PER_S) if told is None else line.hear(facts_of(told))
    found += line.until(HORIZON_S * NS_PER_S)
    return [happened.at_ns // NS_PER_S for happened in found]


def history_of(gaps: list[tuple[int, str, str, bool]]) -> list[Told]:
    """Events at growing times."""
    history, now_s = [], 10
    for gap_s, device, state, initial in gaps:
        now_s += gap_s
        history.append(Told(now_s, device, state, initial))
    return history


@settings(deadline=None, max_examples=1_500)
@given(conditions(), EVENTS, st.lists(st.integers(0, HORIZON_S), max_size=10))
def test_it_happens_when_its_definition_says_so(
    given: Any, gaps: list[tuple[int, str, str, bool]], asked: list[int]
) -> None:
    history = history_of(gaps)
    assert heard(given, history, asked) == [at_s for at_s, _ in spots_of(given, history)]


@settings(deadline=None, max_examples=100)
@given(conditions(), st.lists(st.integers(0, 50), max_size=40), st.data())
def test_events_that_come_late_or_in_disorder_never_stop_it(
    given: Any, times: list[int], data: st.DataObject
) -> None:
    line = Line(condition_of(Given.model_validate(given)))
    for at_s in times:
        told = Told(
            at_s,
            data.draw(st.sampled_from(DEVICES)),
            data.draw(st.sampled_from(STATES)),
            initial=False,
        )
        happened = line.hear(facts_of(told))
        assert [h.at_ns for h in happened] == sorted(h.at_ns for h in happened)
    line.until(HORIZON_S * NS_PER_S)
    due_ns = line.condition.due_ns
    assert due_ns is None or due_ns > HORIZON_S * NS_PER_S
