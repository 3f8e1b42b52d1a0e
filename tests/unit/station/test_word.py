"""When the station repeats that it listens, and how soon it asks another broker."""

from __future__ import annotations

import pytest

from station.serve import QUICK_S, waiting_s
from station.word import AFTER_BIRTH_S, EVERY_S, HostWord


def test_the_word_is_repeated_every_period() -> None:
    word = HostWord()
    word.said(100.0)
    assert not word.due(100.0 + EVERY_S - 0.1)
    assert word.due(100.0 + EVERY_S)
    word.said(100.0 + EVERY_S)
    assert not word.due(100.0 + EVERY_S + 1)


def test_gates_that_were_born_hear_it_soon_however_many_they_are() -> None:
    word = HostWord()
    word.said(100.0)
    word.born()
    word.born()
    assert not word.due(100.0 + AFTER_BIRTH_S - 0.1)
    assert word.due(100.0 + AFTER_BIRTH_S)
    word.said(100.0 + AFTER_BIRTH_S)
    assert not word.due(100.0 + 2 * AFTER_BIRTH_S)


@pytest.mark.parametrize(
    ("failures", "wait_s"),
    [(-6, QUICK_S * 0.75), (-1, QUICK_S * 0.75), (0, 0.375), (1, 0.75), (99, 11.25)],
)
def test_other_brokers_are_asked_at_once_and_only_then_waiting_begins(
    failures: int, wait_s: float
) -> None:
    assert waiting_s(failures, 0.5) == pytest.approx(wait_s)
