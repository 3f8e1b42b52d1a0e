"""Sequence numbers as runs: holes, order, repetition."""

from __future__ import annotations

from station.runs import Placed, Run, count, missing, place


def test_a_number_joins_its_neighbours() -> None:
    left, right = Run(1, 4), Run(6, 9)
    assert place(5, left, right) == Placed((left, right), Run(1, 9))
    assert place(5, left, None) == Placed((left,), Run(1, 5))
    assert place(5, None, right) == Placed((right,), Run(5, 9))
    assert place(5, Run(1, 3), Run(7, 9)) == Placed((), Run(5, 5))


def test_a_number_that_is_there_changes_nothing() -> None:
    assert place(3, Run(1, 4), None) == Placed()


def test_holes_lie_between_runs() -> None:
    assert missing([Run(8, 9), Run(1, 2), Run(4, 4)]) == [Run(3, 3), Run(5, 7)]
    assert missing([Run(500, 600)]) == []
    assert count(missing([Run(1, 1), Run(10, 10)])) == 8
