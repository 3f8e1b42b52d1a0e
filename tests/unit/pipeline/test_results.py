"""Results are said until the broker has them for sure, and refusals once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.commands import Order, Result
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.results import SETTLED_S, Results
from contract.words import CommandName, Outcome
from tests.support.samples import ADDRESS
from tests.support.timers import Timers

DONE = Result("cmd-00000001", Outcome.DONE, "", {"contact": "open"})


class Bench:
    """Results over a link that can be down."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.timers = Timers(clock)
        self.journal = CommandJournal(path)
        self.up = True
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.results = Results(ADDRESS, self.journal, self._publish, self.timers.later)

    def done(self, *, drill: bool = False) -> None:
        """A command ended."""
        order = Order("cmd-00000001", CommandName.REBIRTH, drill, "2026-11-21T08:00:00.000Z")
        self.journal.accept(order, "cancheng", 1)
        self.journal.end(DONE)
        self.results(DONE, drill=drill)

    @property
    def kept(self) -> int:
        """Results that may have to be said again."""
        return len(self.journal.ended)

    def _publish(self, topic: str, body: bytes) -> bool:
        if self.up:
            self.said.append((topic, json.loads(body)))
        return self.up


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path / "commands.json", clock)


@pytest.mark.parametrize("drill", [False, True])
def test_a_result_is_said_on_its_branch_and_forgotten_when_the_link_held(
    bench: Bench, drill: bool
) -> None:
    bench.done(drill=drill)
    ((topic, body),) = bench.said
    assert topic == ADDRESS.topic("result", drill=drill)
    assert (body["cmd_id"], body["outcome"]) == ("cmd-00000001", "done")
    assert bench.kept == 1
    bench.timers.wait(SETTLED_S)
    assert bench.kept == 0
    bench.results.link_up()
    assert len(bench.said) == 1


def test_a_result_that_a_broken_link_may_have_lost_is_said_again(bench: Bench) -> None:
    bench.done()
    bench.timers.wait(SETTLED_S - 1)
    bench.results.link_down()
    bench.results.link_up()
    assert [body["outcome"] for _, body in bench.said] == ["done", "done"]
    bench.timers.wait(2)
    assert bench.kept == 1
    bench.timers.wait(SETTLED_S)
    assert bench.kept == 0


def test_a_result_without_a_link_waits_for_one(bench: Bench) -> None:
    bench.up = False
    bench.done()
    bench.timers.wait(100)
    assert (bench.said, bench.kept) == ([], 1)
    bench.up = True
    bench.results.link_up()
    assert len(bench.said) == 1


def test_a_refusal_is_said_once_and_settles_nothing(bench: Bench) -> None:
    bench.up = False
    bench.done()
    bench.up = True
    bench.results(Result("cmd-00000001", Outcome.REFUSED, "repeated: x"), drill=False)
    bench.timers.wait(100)
    assert [body["outcome"] for _, body in bench.said] == ["refused"]
    assert bench.kept == 1
