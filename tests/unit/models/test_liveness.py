"""What several looks come to: only enough clear ones, all without a print, pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.liveness import Doubt, Glance, Liveness, LivenessRule, judge

RULE = LivenessRule(frames=5, threshold=0.5, refuse=0.5)
CHANCE = st.floats(0, 1)
LOOKS = st.lists(
    st.builds(Glance, CHANCE, CHANCE) | st.builds(Glance, doubt=st.sampled_from(Doubt)), max_size=9
)


def looks(*live: float) -> list[Glance]:
    return [Glance(value, 0.1) for value in live]


@pytest.mark.parametrize(
    ("glances", "outcome"),
    [
        (looks(0.9, 0.9, 0.9, 0.9, 0.9), Liveness.CLEAR),
        (looks(0.5, 0.5, 0.5, 0.5, 0.5), Liveness.CLEAR),
        (looks(0.1, 0.6, 0.6, 0.6, 0.55), Liveness.REFUSE),
        (looks(0.0, 1.0, 1.0, 1.0, 1.0), Liveness.CLEAR),
        (looks(0.9, 0.9, 0.9, 0.9), Liveness.UNDECIDED),
        (looks(0.0, 0.0, 0.0, 0.0), Liveness.UNDECIDED),
        ([], Liveness.UNDECIDED),
        ([*looks(1, 1, 1, 1), Glance(0.5, 0.5)], Liveness.REFUSE),
        ([*looks(1, 1, 1, 1), Glance(doubt=Doubt.GREY)], Liveness.UNDECIDED),
        ([*looks(1, 1, 1, 1, 1), Glance(doubt=Doubt.GREY)], Liveness.CLEAR),
    ],
)
def test_the_rule(glances: list[Glance], outcome: Liveness) -> None:
    assert judge(glances, RULE).outcome is outcome


def test_undecided_says_why_most_looks_were_no_use() -> None:
    small, grey = Glance(doubt=Doubt.SMALL), Glance(doubt=Doubt.GREY)
    assert judge([small, grey, grey, *looks(1, 1)], RULE).doubt is Doubt.GREY
    assert judge(looks(1, 1), RULE).doubt is Doubt.FEW


@given(LOOKS)
def test_a_pass_has_enough_clear_looks_and_no_print(glances: list[Glance]) -> None:
    told = judge(glances, RULE)
    clear = [one for one in glances if one.doubt is None]
    assert (told.outcome is Liveness.UNDECIDED) == (len(clear) < RULE.frames)
    assert (told.doubt is None) == (told.outcome is not Liveness.UNDECIDED)
    if told.outcome is Liveness.CLEAR:
        assert all(one.print < RULE.refuse for one in clear)
        assert sum(one.live for one in clear) / len(clear) >= RULE.threshold


@given(LOOKS, st.builds(Glance, doubt=st.sampled_from(Doubt)))
def test_a_look_in_doubt_neither_lifts_nor_sets_the_veto(
    glances: list[Glance], doubtful: Glance
) -> None:
    assert judge([*glances, doubtful], RULE).outcome is judge(glances, RULE).outcome
