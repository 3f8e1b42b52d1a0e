"""Answers and enrolments through the local socket: what is meant, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.access.badges import Badges
from agent.config.schema.guard import ReaderConfig
from agent.core.answers import Answer, BadgeShown, Helper
from agent.core.clock import ManualClock, stamp
from agent.core.errors import CheckFailedError
from agent.core.events import Event
from agent.core.secret import Secret
from agent.core.text import Text
from agent.incidents.way import Item
from agent.pipeline.badge_desk import MOST_AT_ONCE, BadgeDesk
from agent.pipeline.guard_ops import GuardOperations
from devices.keying import Entry
from tests.support.audit import Recorder

READERS = {"reader-1": ReaderConfig(device=Path("/dev/input/event0"), type="keypad")}


def test_by_command_only_what_a_command_may_answer_is_meant() -> None:
    clock, heard = ManualClock(), list[Event]()
    at = stamp(clock)
    points = [
        Item("night/fence", "patrol", Text("", ""), at, (Answer.PRESENT,), devices=("here-1",)),
        Item("post-1", "post", Text("", ""), at, (Answer.PRESENT,)),
    ]
    guard = GuardOperations(lambda: points, heard.append, clock)
    assert guard.answer({"answer": "present"})["answered"] == "post-1"
    with pytest.raises(CheckFailedError, match="night/fence is answered with here-1 only"):
        guard.answer({"answer": "present", "about": "night"})
    assert len(heard) == 1


def test_an_arrival_that_helps_nothing_is_refused_unless_it_is_named() -> None:
    clock, heard = ManualClock(), list[Event]()
    waits = Item(
        "i-1", "sla", Text("", ""), stamp(clock), (Answer.ARRIVED,), helpers=(Helper.POLICE,)
    )
    guard = GuardOperations(lambda: [waits], heard.append, clock)
    with pytest.raises(CheckFailedError, match="nothing waits for 'arrived' at this gate"):
        guard.answer({"answer": "arrived"})
    assert guard.answer({"answer": "arrived", "about": "i-1"})["answered"] == "i-1"
    assert guard.answer({"answer": "arrived", "helper": "police"})["answered"] == "i-1"


def test_a_code_is_looked_up_beside_the_loop_and_a_flood_is_cut(tmp_path: Path) -> None:
    audit, heard = Recorder(), list[Event]()
    desk = BadgeDesk(Badges(tmp_path / "badges.json"), READERS, {"badge-7"}, ManualClock(), audit)

    async def run() -> None:
        done = asyncio.Event()

        def put(event: Event) -> None:
            heard.append(event)
            if len(heard) == MOST_AT_ONCE:
                done.set()

        desk.put = put
        await desk.enrol({"person": "badge-7", "proof": "code", "shown": "258046"})
        for _ in range(MOST_AT_ONCE + 3):
            desk.typed("reader-1", Entry(Secret("258046"), 3))
        await asyncio.wait_for(done.wait(), 60)

    asyncio.run(run())
    assert len(heard) == MOST_AT_ONCE
    assert isinstance(heard[0], BadgeShown)
    assert (heard[0].person, heard[0].by, heard[0].digit) == ("badge-7", "keypad", 3)
    assert [what["did"] for _, _, what in audit.notes] == ["enrol"]
    assert "258046" not in str(audit.notes)


def test_only_people_of_the_configuration_are_enrolled(tmp_path: Path) -> None:
    desk = BadgeDesk(Badges(tmp_path / "b.json"), READERS, {"badge-7"}, ManualClock(), Recorder())
    for request in (
        {"person": "badge-8", "proof": "code", "shown": "258046"},
        {"person": "badge-7", "proof": "iris", "shown": "258046"},
        {"person": "badge-7", "proof": "code"},
    ):
        with pytest.raises(CheckFailedError):
            asyncio.run(desk.enrol(request))
    with pytest.raises(CheckFailedError, match="neither card nor code"):
        desk.withdraw({"person": "badge-7"})
    assert desk.people({})["people"] == [{"person": "badge-7", "known": True, "has": []}]
