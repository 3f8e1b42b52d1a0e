"""What the gate publishes of itself, and when."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.audit import Head
from agent.core.clock import ManualClock
from agent.core.decisions import Raise
from agent.core.health import HealthBoard
from agent.core.ports import Limits
from agent.core.text import Text
from agent.incidents.book import IncidentBook
from agent.link.link import Link
from agent.outbox.outbox import Outbox
from agent.outbox.segments.store import SegmentStore
from agent.pipeline.announcer import Announcer
from agent.pipeline.presence import Presence
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from contract.words import Kind, Severity, Urgency
from tests.support.beats import hello
from tests.support.outbox import Loop
from tests.support.samples import ADDRESS, Numbers, at, gate
from tests.support.signed import TRUSTED, listed, watchlist

Published = tuple[str, dict[str, Any], int, bool]


class RecordingLink(Link):
    """A link that is up when told so and writes down what it is given."""

    def __init__(self) -> None:
        self.carries = True
        self.published: list[Published] = []

    @property
    def up(self) -> bool:
        """As told."""
        return self.carries

    def publish(self, topic: str, body: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Take one message."""
        self.published.append((topic, json.loads(body), qos, retain))
        return self.carries


class Bench:
    """A gate that speaks."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.book = IncidentBook(Numbers().new)
        self.link = RecordingLink()
        self.head: Head | None = None
        outbox = Outbox(
            SegmentStore(folder / "outbox"),
            Limits(100, 1 << 60),
            clock=clock,
            post=Loop().post,
            on_state=lambda *_: None,
            on_counters=lambda _: None,
        )
        self.watchlist = Watchlist(
            WatchlistStore(folder / "watchlist.json"),
            TRUSTED,
            ADDRESS,
            clock,
            on_change=lambda applied: self.announcer.watchlist_changed(applied),
        )
        presence = Presence(gate(), clock, 41, "0.1.0")
        self.announcer = Announcer(
            ADDRESS,
            presence,
            HealthBoard(),
            outbox,
            self.book,
            self.watchlist,
            hello,
            audit_head=lambda: self.head,
        )
        self.announcer.link = self.link

    @property
    def topics(self) -> list[str]:
        """What was published, under ``~``."""
        return [topic.removeprefix(ADDRESS.base + "/") for topic, *_ in self.link.published]


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_a_birth_is_state_and_meta_and_every_report(bench: Bench) -> None:
    for status in ("Actual", "Exercise"):
        data = watchlist(bench.clock, [listed(bench.clock)], status=status)
        bench.watchlist.apply(data, drill=None)
    messages = bench.announcer.birth()
    assert [m.topic.removeprefix(ADDRESS.base) for m in messages] == [
        "/state",
        "/meta",
        "/reported/watchlist",
        "/drill/reported/watchlist",
    ]
    assert json.loads(messages[0].payload)["online"] is True
    assert json.loads(messages[1].payload)["models"][0]["model_id"] == "dlib"


def test_the_will_is_the_state_of_this_session_gone_without_a_word(bench: Bench) -> None:
    will = bench.announcer.will()
    state = json.loads(will.payload)
    assert will.topic == ADDRESS.topic("state")
    assert (state["online"], state["session"], state["reason"]) == (False, 41, "connection lost")


def test_a_rebirth_says_it_all_again_retained(bench: Bench) -> None:
    assert bench.announcer.rebirth() == {"reborn": True}
    assert bench.topics == ["state", "meta"]
    assert all(retain for _, _, _, retain in bench.link.published)


def test_a_stop_that_is_meant_is_our_own_word(bench: Bench) -> None:
    bench.announcer.goodbye()
    ((topic, body, qos, retain),) = bench.link.published
    assert (topic, qos, retain) == (ADDRESS.topic("state"), 1, True)
    assert (body["online"], body["reason"]) == (False, "stopped")


def test_an_applied_watchlist_is_reported_on_its_branch(bench: Bench) -> None:
    data = watchlist(bench.clock, [listed(bench.clock)], status="Exercise", version=3)
    bench.watchlist.apply(data, drill=None)
    ((topic, body, _, retain),) = bench.link.published
    assert (topic, retain) == (ADDRESS.topic("reported", "watchlist", drill=True), True)
    assert (body["version"], body["status"], body["rejected"]) == (3, "Exercise", [])


def test_a_change_of_the_models_is_a_new_meta(bench: Bench) -> None:
    bench.announcer.models_changed()
    assert bench.topics == ["meta"]


def test_heartbeats_are_sent_once_and_not_kept(bench: Bench) -> None:
    assert bench.announcer.beat_once() == 60.0
    ((topic, body, qos, retain),) = bench.link.published
    assert (topic, qos, retain) == (ADDRESS.topic("hb"), 0, False)
    assert body["seq"] == 1
    assert "audit" not in body


def test_a_heartbeat_carries_the_head_of_the_audit_log(bench: Bench) -> None:
    bench.head = Head(7, "ab" * 32)
    bench.announcer.beat_once()
    assert bench.link.published[0][1]["audit"] == {"n": 7, "hash": "ab" * 32}


def test_without_a_link_no_heartbeat_is_counted(bench: Bench) -> None:
    bench.link.carries = False
    assert bench.announcer.beat_once() == 1.0
    assert bench.link.published == []
    bench.link.carries = True
    bench.announcer.beat_once()
    assert bench.link.published[0][1]["seq"] == 1


def test_an_open_incident_quickens_the_heartbeat(bench: Bench) -> None:
    bench.book.raised(
        Raise(
            at(bench.clock),
            "panic",
            Kind.PANIC,
            "panic:p",
            Severity.CRITICAL,
            Urgency.IMMEDIATE,
            Text("x", "x"),
            "p",
            "w",
        )
    )
    assert bench.announcer.beat_once() == 10.0


def test_the_beating_task_beats(bench: Bench) -> None:
    async def story() -> None:
        task = asyncio.create_task(bench.announcer.beat())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert bench.topics == ["hb"]


def test_before_there_is_a_link_nothing_is_said_and_nothing_breaks(bench: Bench) -> None:
    bench.announcer.link = None
    bench.announcer.goodbye()
    assert bench.announcer.beat_once() == 1.0
    assert bench.announcer.identity()["link"] is False


def test_people_at_the_gate_are_told_whether_the_link_carries(bench: Bench) -> None:
    told = bench.announcer.identity()
    assert (told["gate"], told["link"], told["session"]) == (ADDRESS.client_id, True, 41)
