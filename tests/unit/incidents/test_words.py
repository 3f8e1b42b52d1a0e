"""Words to the station: said until heard, each under its own key, none that came too late."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.core.clock import ManualClock, stamp
from agent.core.decisions import Tell
from agent.incidents.words import Words
from tests.support.samples import ADDRESS
from tests.support.ways import MemoryKeeper

NORTH = "gh/v1/cancheng/area/north"


class Wire:
    """A link that carries or not; ``said`` is what went out."""

    def __init__(self) -> None:
        self.up = True
        self.said: list[tuple[str, Any, bool]] = []

    def __call__(self, topic: str, body: bytes, *, retain: bool) -> bool:
        """Publish."""
        if self.up:
            self.said.append((topic, json.loads(body), retain))
        return self.up

    def topics(self) -> list[str]:
        """What went out since the last look."""
        said, self.said = self.said, []
        return [topic for topic, _, _ in said]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def words(wire: Wire, clock: ManualClock) -> Words:
    return Words(ADDRESS, wire, clock.monotonic_ns)


def respond(key: str) -> Tell:
    return Tell((), {"call_id": key}, area="north", key=key)


def test_answers_to_two_calls_both_wait(words: Words, wire: Wire) -> None:
    wire.up = False
    words.tell(respond("call-1"))
    words.tell(respond("call-2"))
    words.tell(Tell((), {"call_id": "call-2", "state": "coming"}, area="north", key="call-2"))
    wire.up = True
    words.link_up()
    assert wire.said == [
        (f"{NORTH}/respond/liya-garden/gate-1", {"call_id": "call-1"}, False),
        (
            f"{NORTH}/respond/liya-garden/gate-1",
            {"call_id": "call-2", "state": "coming"},
            False,
        ),
    ]


def test_a_call_goes_out_on_its_area_and_not_when_it_is_over(
    words: Words, wire: Wire, clock: ManualClock
) -> None:
    wire.up = False
    words.tell(Tell(("call",), {}, area="north", key="c", at=stamp(clock), for_s=300.0))
    due_ns = words.due_ns
    assert due_ns is not None
    clock.advance(299)
    wire.up = True
    words.link_up()
    assert wire.topics() == [f"{NORTH}/call"]
    words.link_down()
    clock.advance(1)
    assert due_ns <= clock.monotonic_ns()
    words.link_up()
    assert wire.topics() == []
    words.on_time(stamp(clock))
    assert (words.cases, words.due_ns) == ({}, None)


def test_what_was_heard_is_forgotten_and_what_was_not_is_said_after_a_restart(
    words: Words, wire: Wire, clock: ManualClock
) -> None:
    keeper = MemoryKeeper(clock)
    words.resume(keeper.resume(words, stamp(clock)), stamp(clock))
    words.tell(respond("call-1"))
    clock.advance(15)
    words.on_time(stamp(clock))
    wire.up = False
    words.tell(respond("call-2"))
    keeper.keep({"words": words.changes()})
    wire.up = True
    wire.said.clear()
    again = Words(ADDRESS, wire, clock.monotonic_ns)
    again.resume(keeper.resume(again, stamp(clock)), stamp(clock))
    again.link_up()
    assert [body for _, body, _ in wire.said] == [{"call_id": "call-2"}]
