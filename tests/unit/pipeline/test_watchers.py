"""What the core does again and again, one turn at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.decisions import Decision
from agent.core.events import ClockChanged, ComponentState, Event, LinkChanged, Probe
from agent.core.health import HealthBoard
from agent.core.ids import IdSource
from agent.core.ports import Counters, Limits
from agent.incidents.book import IncidentBook
from agent.outbox.outbox import Outbox
from agent.outbox.segments.store import SegmentStore
from agent.pipeline import watchers
from agent.pipeline.dispatch import Dispatcher
from agent.runtime.sdnotify import Notifier
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from devices.contacts import LOST_EDGES_BEFORE_FAULT
from devices.panel import Panel
from rules.engine import Engine
from rules.factory import build_rules
from tests.support.outbox import Loop, RecordingLink, settle
from tests.support.samples import ADDRESS, Numbers, at, entry, gate
from tests.support.signed import DAY_S, TRUSTED, listed, template, watchlist
from tests.support.timers import Timers

OK, DEGRADED, DOWN = ComponentState.OK, ComponentState.DEGRADED, ComponentState.DOWN


def once(work: Coroutine[Any, Any, None]) -> None:
    """Run a watcher up to its first wait."""

    async def turn() -> None:
        task = asyncio.create_task(work)
        await asyncio.sleep(0)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)

    asyncio.run(turn())


class RecordingNotifier(Notifier):
    """Counts signs of life instead of telling systemd."""

    def __init__(self) -> None:
        super().__init__("")
        self.lives = 0

    def alive(self) -> None:
        """A sign of life."""
        self.lives += 1


class Bench:
    """The parts that the watchers watch."""

    def __init__(self, folder: Path, clock: ManualClock, *changes: tuple[str, str]) -> None:
        self.clock = clock
        self.timers = Timers(clock)
        self.events: list[Event] = []
        self.health = HealthBoard()
        config = gate(*changes)
        self.panel = Panel(
            config,
            work_dir=folder,
            clock=clock,
            post=lambda call: call(),
            later=self.timers.later,
            emit=self.events.append,
        )
        self.panel.open()
        self.loop = Loop()
        self.outbox = Outbox(
            SegmentStore(folder / "outbox"),
            Limits(100, 1 << 60),
            clock=clock,
            post=self.loop.post,
            on_state=lambda *_: None,
            on_counters=lambda _: None,
        )
        self.decided: list[Decision] = []
        rules = build_rules(config, lambda *_: None)
        self.dispatcher = Dispatcher(
            rules=Engine(rules, on_failure=lambda *_: None),
            book=IncidentBook(Numbers().new),
            outputs=self.panel,
            outbox=self.outbox,
            health=self.health,
            clock=clock,
            ids=IdSource(clock, lambda _: 0),
            address=ADDRESS,
            counters=Counters(1, 0, 0),
            on_probe=lambda _: None,
        )

    def pass_time(self) -> None:
        """One quarter of a second's work."""
        once(watchers.pass_time(self.panel, self.dispatcher, self.outbox, self.clock))


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_levels_are_read_four_times_a_second(bench: Bench) -> None:
    bench.events.clear()
    contacts = bench.panel.contacts
    assert contacts is not None
    pin = contacts._items["panic-1"][0].pin.pin
    pin.when_changed = None
    pin.drive_high()
    bench.pass_time()
    assert len(bench.events) == 1


def test_rules_that_wait_are_asked_when_they_are_due(bench: Bench) -> None:
    bench.dispatcher.dispatch(LinkChanged(at(bench.clock), up=False, reason="x"))
    bench.clock.advance(89)
    bench.pass_time()
    assert bench.dispatcher.due_ns is not None
    bench.clock.advance(1)
    bench.pass_time()
    assert bench.dispatcher.due_ns is None


def test_messages_that_are_due_again_are_sent(bench: Bench) -> None:
    link = RecordingLink()
    bench.outbox.open()
    settle(bench.outbox, bench.loop)
    bench.outbox.link_up(link)
    bench.outbox.offer(entry(1), critical=True)
    bench.clock.advance(9)
    bench.pass_time()
    assert len(link.sent) == 1
    bench.clock.advance(1)
    bench.pass_time()
    assert len(link.sent) == 2
    bench.outbox.close()


def test_what_did_not_open_is_down_and_an_issue(tmp_path: Path, clock: ManualClock) -> None:
    bench = Bench(tmp_path, clock, ("pin: 17", "pin: 60"))
    once(watchers.open_panel(bench.panel, bench.health, clock))
    assert bench.health.components["input.door-1"].state is DOWN
    assert [(i.code, i.component) for i in bench.health.issues] == [("device-down", "input.door-1")]


def test_the_inputs_figures_stand_on_the_board(bench: Bench) -> None:
    once(watchers.open_panel(bench.panel, bench.health, bench.clock))
    inputs = bench.health.components["inputs"]
    assert (inputs.state, dict(inputs.figures)) == (OK, {"glitches": 0, "lost_edges": 0})
    assert bench.health.healthy


def test_edges_that_are_lost_again_and_again_are_an_issue(bench: Bench) -> None:
    contacts = bench.panel.contacts
    assert contacts is not None
    contacts.lost_edges = LOST_EDGES_BEFORE_FAULT
    watchers.note_inputs(bench.panel, bench.health, bench.clock)
    assert bench.health.components["inputs"].state is DEGRADED
    assert [issue.code for issue in bench.health.issues] == ["edges-lost"]


def test_a_clock_that_is_not_disciplined_is_noted_and_told(bench: Bench) -> None:
    bench.clock.set_synced(synced=False)
    told: list[Event] = []
    once(watchers.watch_clock(bench.clock, bench.health, told.append, lambda: None))
    assert bench.health.components["clock"].state is DEGRADED
    assert told == [ClockChanged(at(bench.clock), synced=False)]


def test_the_watchlist_is_expired_by_its_watcher(bench: Bench, tmp_path: Path) -> None:
    lists = Watchlist(
        WatchlistStore(tmp_path / "watchlist.json"),
        TRUSTED,
        ADDRESS,
        bench.clock,
        on_change=lambda _: None,
    )
    made = listed(bench.clock, photos=..., templates=[template("dlib", b"\0\0\x80?")])
    lists.apply(watchlist(bench.clock, [made]), drill=None)
    bench.clock.advance(30 * DAY_S)
    once(watchers.expire_watchlist(lists))
    assert lists.listing() == []


def test_the_watchdog_is_fed_only_by_the_latest_probe_that_came_through(
    clock: ManualClock,
) -> None:
    notifier, health = RecordingNotifier(), HealthBoard()
    watchdog = watchers.Watchdog(notifier, health, clock, None)
    probes: list[Event] = []
    once(watchdog.run(probes.append))
    once(watchdog.run(probes.append))
    first, second = probes
    assert isinstance(first, Probe)
    assert isinstance(second, Probe)
    clock.advance(0.004)
    watchdog.arrived(first)
    assert notifier.lives == 0
    watchdog.arrived(second)
    assert notifier.lives == 1
    assert health.components["dispatcher"].figures == {"probe_ms": 4.0}


@pytest.mark.parametrize(("allowed_s", "every_s"), [(None, 5.0), (30.0, 5.0), (2.0, 2.0)])
def test_the_watchdog_is_fed_as_often_as_systemd_wants(
    clock: ManualClock, allowed_s: float | None, every_s: float
) -> None:
    watchdog = watchers.Watchdog(RecordingNotifier(), HealthBoard(), clock, allowed_s)
    assert watchdog._interval_s == every_s


def test_the_outbox_is_measured_by_its_watcher(bench: Bench) -> None:
    once(watchers.measure_outbox(bench.outbox))
    assert bench.outbox._writer._jobs.qsize() == 1
