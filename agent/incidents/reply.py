"""The guard's answer to a call: forward only; who cannot come may change that. Pure.

Here: the table, for calls of neighbours and for assistance alike. Not here: what follows.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.core.answers import Answer

TRANSITIONS: Mapping[tuple[Answer | None, Answer], Answer] = {
    (None, Answer.SEEN): Answer.SEEN,
    (None, Answer.COMING): Answer.COMING,
    (None, Answer.ARRIVED): Answer.ARRIVED,
    (None, Answer.CANNOT): Answer.CANNOT,
    (Answer.SEEN, Answer.COMING): Answer.COMING,
    (Answer.SEEN, Answer.ARRIVED): Answer.ARRIVED,
    (Answer.SEEN, Answer.CANNOT): Answer.CANNOT,
    (Answer.COMING, Answer.COMING): Answer.COMING,
    (Answer.COMING, Answer.ARRIVED): Answer.ARRIVED,
    (Answer.COMING, Answer.CANNOT): Answer.CANNOT,
    (Answer.CANNOT, Answer.COMING): Answer.COMING,
    (Answer.CANNOT, Answer.ARRIVED): Answer.ARRIVED,
}


def may_follow(said: str) -> tuple[Answer, ...]:
    """What may be answered after *said*; empty: nothing was."""
    before = Answer(said) if said else None
    return tuple(answer for state, answer in TRANSITIONS if state is before)
