"""A flood is told about, not written out."""

from __future__ import annotations

from agent.core.clock import NS_PER_S
from agent.runtime.ration import Ration, suffix


def test_a_few_a_minute_pass_and_the_rest_is_counted() -> None:
    ration = Ration(per_minute=3)
    assert [ration.take(0) for _ in range(5)] == [0, 0, 0, None, None]
    assert ration.take(59 * NS_PER_S) is None
    assert [ration.take(60 * NS_PER_S) for _ in range(4)] == [3, 0, 0, None]
    assert ration.take(600 * NS_PER_S) == 1


def test_what_a_line_says_of_them() -> None:
    assert suffix(0) == ""
    assert suffix(490) == " (490 more like this were not logged)"
