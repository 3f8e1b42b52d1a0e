"""A door command whose agent dies at every single step: one opening at most, and an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.pipeline.command_journal import CommandJournal
from contract.words import Role
from tests.support.lives import Died, Fate, Life
from tests.support.signed import KEYS, command, to_bytes

DOOR = {"name": "door.open", "args": {"door": "side", "reason": "fire brigade"}}


class Station:
    """Keeps the newest result of a command; a refusal of a repeat never replaces an answer."""

    def __init__(self) -> None:
        self.result: dict[str, Any] = {}

    def hear(self, life: Life) -> None:
        """Everything that a life published."""
        for _, body in life.published:
            result = json.loads(body)
            if not self.result or not result["reason"].startswith("repeated"):
                self.result = result


def story(life: Life, payload: bytes, *, walks: bool) -> None:
    """A whole opening, and a quarter of a minute after it."""
    life.begin()
    life.hear(payload)
    if walks:
        life.timers.wait(0.5)
        life.open_door()
    life.timers.wait(40)


def whole(folder: Path, *, walks: bool) -> list[str]:
    """The steps of an opening that nothing interrupts."""
    folder.mkdir()
    clock, fate = ManualClock(), Fate()
    life = Life(folder, clock, fate)
    story(life, made(clock), walks=walks)
    assert life.actuations == 1
    return fate.steps


def made(clock: ManualClock) -> bytes:
    return to_bytes(command(clock, key=KEYS[Role.DOOR], **DOOR))


def moments(steps: list[str]) -> Iterator[tuple[int, bool]]:
    for number in range(len(steps)):
        yield number, False
        yield number, True


@pytest.mark.parametrize("walks", [True, False])
@pytest.mark.parametrize("away_s", [1.0, 60.0])
def test_killed_at_every_step(tmp_path: Path, walks: bool, away_s: float) -> None:
    steps = whole(tmp_path / "whole", walks=walks)
    assert steps[:2] == ["write", "relay on"]
    assert [step for step in steps if step != "timer"][2:] == ["write", "publish", "write"]
    seen = set()
    for number, after in moments(steps):
        folder = tmp_path / f"{number}-{after}"
        folder.mkdir()
        clock, station = ManualClock(), Station()
        payload = made(clock)
        first = Life(folder, clock, Fate(number, after))
        with pytest.raises(Died):
            story(first, payload, walks=walks)
        clock.advance(away_s)
        second = Life(folder, clock, Fate())
        if walks and first.actuations:
            second.open_door()
        second.begin()
        second.hear(payload)
        second.timers.wait(40)
        station.hear(first)
        station.hear(second)
        check(station.result, first, second, away_s, walks=walks)
        seen.add(station.result["outcome"])
        assert second.driven() == dict.fromkeys(second.driven(), False)
        left = CommandJournal(folder / "commands.json")
        assert (left.open, left.ended) == ((), ())
    assert {"done", "unknown"} <= seen <= {"done", "unknown", "refused"}


def check(result: dict[str, Any], first: Life, second: Life, away_s: float, *, walks: bool) -> None:
    """At most one opening, no answer that says otherwise, and the contact as it truly is."""
    opened = first.actuations + second.actuations
    assert opened <= 1
    match result["outcome"]:
        case "done":
            assert opened == 1
            assert result["proof"]["relay"] == "pulsed"
            walked = walks and first.actuations
            assert result["proof"]["contact"] == ("open" if walked else "closed")
        case "unknown":
            assert second.actuations == 0
            assert result["proof"]["door"] == "side"
            open_now = walks and first.actuations
            assert result["proof"]["contact"] == ("open" if open_now else "closed")
        case "refused":
            assert (opened, away_s) == (0, 60.0)
            assert result["reason"].startswith("expired")
        case outcome:
            pytest.fail(f"ended as {outcome}")


def test_the_contact_tells_what_became_of_an_unknown_opening(tmp_path: Path) -> None:
    clock = ManualClock()
    first = Life(tmp_path, clock, Fate(at=1, after=True))
    with pytest.raises(Died):
        first.hear(made(clock))
    assert first.actuations == 1
    second = Life(tmp_path, clock, Fate())
    second.open_door()
    second.begin()
    (result,) = second.told
    assert (result.outcome, result.reason) == ("unknown", "the agent ended before it was over")
    assert result.proof is not None
    assert result.proof["contact"] == "open"


def test_a_third_life_says_the_same_and_does_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    first = Life(tmp_path, clock, Fate(at=1, after=False))
    with pytest.raises(Died):
        first.hear(made(clock))
    second = Life(tmp_path, clock, Fate())
    second.linked = False
    second.begin()
    assert second.published == []
    third = Life(tmp_path, clock, Fate())
    third.begin()
    ((_, body),) = third.published
    assert json.loads(body)["outcome"] == "unknown"
    assert (first.actuations, second.actuations, third.actuations) == (0, 0, 0)
