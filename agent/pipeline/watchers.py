"""What the core does again and again: reads levels, lets time pass, watches clock and itself.

Each is a coroutine that ``agent.app`` runs as a supervised task. All durations are the loop's.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import Clock, stamp
from agent.core.events import ComponentState, Event, Probe
from agent.core.health import HealthBoard
from agent.outbox.outbox import Outbox
from agent.pipeline.control import Control
from agent.pipeline.dispatch import Dispatcher
from agent.runtime.clock_watch import ClockWatch
from agent.runtime.sdnotify import Notifier
from agent.watchlist.service import Watchlist
from devices.contacts import POLL_S
from devices.panel import Panel

log = logging.getLogger(__name__)

CLOCK_S = 1.0
PROBE_S = 5.0
MEASURE_S = 5.0
OUTBOX_S = 30
EXPIRE_S = 60.0
STATION_S = 1.0


async def pass_time(panel: Panel, dispatcher: Dispatcher, outbox: Outbox, clock: Clock) -> None:
    """Four times a second: levels, rules that wait, messages that are due again."""
    while True:
        panel.poll()
        now_ns = clock.monotonic_ns()
        if dispatcher.due_ns is not None and dispatcher.due_ns <= now_ns:
            dispatcher.time_passed()
        due_ns = outbox.due_ns()
        if due_ns is not None and due_ns <= now_ns:
            outbox.pump()
        await asyncio.sleep(POLL_S)


async def open_panel(panel: Panel, health: HealthBoard, clock: Clock) -> None:
    """Open again, with a back-off, what did not open; note how inputs and outputs do."""
    backoff = Backoff(BackoffPolicy(), random.random)
    while True:
        for name, reason in panel.failed.items():
            health.note(name, ComponentState.DOWN, reason)
            health.raise_issue("device-down", name, reason, stamp(clock))
        if not panel.failed:
            note_inputs(panel, health, clock)
            await asyncio.sleep(MEASURE_S)
            continue
        before = set(panel.failed)
        await asyncio.sleep(backoff.failed())
        panel.open()
        for name in before - set(panel.failed):
            log.info("%s is open now", name)
            health.note(name, ComponentState.OK)
            health.clear_issue("device-down", name)
            backoff.succeeded()


def note_inputs(panel: Panel, health: HealthBoard, clock: Clock) -> None:
    """Put the inputs' figures on the board; edges that polling had to find are an issue."""
    contacts = panel.contacts
    if contacts is None:
        return
    state = ComponentState.OK if contacts.edges_trusted else ComponentState.DEGRADED
    reason = "" if contacts.edges_trusted else "edges are lost; inputs are found by polling"
    figures = {"glitches": contacts.glitches, "lost_edges": contacts.lost_edges}
    health.note("inputs", state, reason, **figures)
    if not contacts.edges_trusted:
        health.raise_issue("edges-lost", "inputs", reason, stamp(clock))
    restless = contacts.restless.names(clock.monotonic_ns())
    for name in contacts.states:
        if name in restless:
            text = f"{restless[name]} edges within 10 s: the contact chatters or its line is noisy"
            if health.raise_issue("input-restless", name, text, stamp(clock)):
                log.warning("%s: %s", name, text)
        else:
            health.clear_issue("input-restless", name)


async def watch_clock(
    clock: Clock, health: HealthBoard, put: Callable[[Event], None], stepped: Callable[[], None]
) -> None:
    """Once a second: is the clock disciplined, did it step."""
    watch = ClockWatch()
    while True:
        now = stamp(clock)
        change = watch.look(now)
        if change is not None:
            put(change)
            if change.step_s:
                log.warning("the wall clock stepped by %.1f s", change.step_s)
                stepped()
        state = ComponentState.OK if now.synced else ComponentState.DEGRADED
        health.note("clock", state, "" if now.synced else "no time source")
        await asyncio.sleep(CLOCK_S)


async def measure_outbox(outbox: Outbox) -> None:
    """Evict and count now and then, and soon after entries went that were not in memory."""
    while True:
        outbox.measure()
        for _ in range(OUTBOX_S):
            await asyncio.sleep(1.0)
            if outbox.is_stale():
                break


async def watch_station(control: Control) -> None:
    """Once a second: is the station's word that it listens still good?"""
    while True:
        control.time_passed()
        await asyncio.sleep(STATION_S)


async def expire_watchlist(watchlist: Watchlist) -> None:
    """Delete what is over and bring vision's gallery in line, once a minute."""
    while True:
        watchlist.expire()
        await asyncio.sleep(EXPIRE_S)


class Watchdog:
    """Feeds systemd only while a probe passes the inbox and the dispatcher."""

    def __init__(
        self, notifier: Notifier, health: HealthBoard, clock: Clock, interval_s: float | None
    ) -> None:
        """*interval_s*: how often to feed; None: nobody watches, probe for the figures only."""
        self._notifier = notifier
        self._health = health
        self._clock = clock
        self._interval_s = min(interval_s or PROBE_S, PROBE_S)
        self._number = 0

    async def run(self, put: Callable[[Event], None]) -> None:
        """Send a probe each interval, until cancelled."""
        while True:
            self._number += 1
            put(Probe(stamp(self._clock), self._number))
            await asyncio.sleep(self._interval_s)

    def arrived(self, probe: Probe) -> None:
        """The dispatcher has the probe: the way is alive."""
        took_ms = (self._clock.monotonic_ns() - probe.at.monotonic_ns) / 1e6
        self._health.note("dispatcher", ComponentState.OK, probe_ms=round(took_ms, 2))
        if probe.number == self._number:
            self._notifier.alive()
