"""One opening of a door: its moves, and what it proves."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from agent.access.opening import Opening, Phase, contact_word
from agent.core.clock import NS_PER_S
from agent.core.events import InputState

T0 = 50 * NS_PER_S


def begun(before: InputState | None = InputState.CLOSED) -> Opening:
    opening = Opening("side", 2.0, before)
    opening.relay_on(T0)
    return opening


def test_a_door_that_opens_after_the_pulse() -> None:
    opening = begun()
    opening.relay_off(back=True)
    assert opening.phase is Phase.WATCHING
    opening.opened(T0 + 3 * NS_PER_S)
    assert opening.ended
    assert opening.proof() == {
        "door": "side",
        "relay": "pulsed",
        "pulse_s": 2.0,
        "relay_back": True,
        "contact": "open",
        "opened_after_s": 3.0,
    }


def test_a_door_that_opens_during_the_pulse_is_done_when_the_relay_is_back() -> None:
    opening = begun()
    opening.opened(T0 + NS_PER_S // 2)
    assert opening.phase is Phase.OPENED
    opening.opened(T0 + NS_PER_S)
    opening.relay_off(back=True)
    assert opening.ended
    assert opening.proof()["opened_after_s"] == 0.5


@pytest.mark.parametrize(
    ("before", "contact"),
    [(InputState.CLOSED, "closed"), (None, "unknown"), (InputState.FAULT, "unknown")],
)
def test_nobody_went_through(before: InputState | None, contact: str) -> None:
    opening = begun(before)
    opening.relay_off(back=True)
    opening.over()
    proof = opening.proof()
    assert (opening.phase, proof["contact"]) == (Phase.DONE, contact)
    assert "opened_after_s" not in proof


def test_a_door_that_stood_open_says_so() -> None:
    opening = begun(InputState.OPEN)
    assert opening.proof()["was_open"] is True


def test_a_relay_that_does_not_obey_ends_it() -> None:
    opening = Opening("side", 2.0, None)
    opening.relay_failed()
    assert (opening.ended, opening.phase) == (True, Phase.FAILED)


def test_a_word_of_the_contact_at_any_time_is_no_error() -> None:
    early = Opening("side", 2.0, None)
    early.opened(T0)
    assert early.phase is Phase.PLANNED
    opening = begun()
    opening.relay_off(back=True)
    opening.over()
    opening.opened(T0)
    assert "opened_after_s" not in opening.proof()


MOVES = {
    "relay_on": lambda opening: opening.relay_on(T0),
    "relay_failed": lambda opening: opening.relay_failed(),
    "relay_off": lambda opening: opening.relay_off(back=True),
    "over": lambda opening: opening.over(),
}


def test_every_story_ends_or_is_refused_and_an_end_is_an_end() -> None:
    for story in itertools.product(MOVES, repeat=4):
        opening = Opening("side", 2.0, None)
        for move in story:
            ended, phase = opening.ended, opening.phase
            with contextlib.suppress(ValueError):
                MOVES[move](opening)
            assert opening.phase is phase or not ended


def test_a_move_that_cannot_be_says_why() -> None:
    with pytest.raises(ValueError, match="cannot take 'over' while planned"):
        Opening("side", 2.0, None).over()


@pytest.mark.parametrize("state", list(InputState))
def test_a_contact_says_open_closed_or_nothing(state: InputState) -> None:
    assert contact_word(state) in ("open", "closed", "unknown")
