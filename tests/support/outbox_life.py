"""A life of an outbox store on a disk that may fail, and what has to be true of it afterwards.

Here: the script, what was reported, and the check. A store is right when nothing that it reported
durable is lost, nothing comes back, nothing is invented, and each lane keeps its order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.core.errors import StoreError, StoreFullError
from agent.core.ports import Counters, Entry, Lane, Limits, OutboxStore
from tests.support.samples import entry

ALL = 1 << 30


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: a batch, an eviction down to so many events, or a new start."""

    appended: tuple[Entry, ...] = ()
    removed: tuple[str, ...] = ()
    keep_events: int | None = None
    start: bool = False


@dataclass(slots=True)
class Reported:
    """What the store was asked and what it said was done."""

    offered: list[Entry] = field(default_factory=list)
    durable: dict[str, Entry] = field(default_factory=dict)
    may_go: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    counters: Counters = field(default_factory=lambda: Counters(0, 0, 0))

    def begin(self, step: Step) -> None:
        """The step is tried."""
        self.offered += [e for e in step.appended if e not in self.offered]
        self.may_go.update(step.removed)
        if step.keep_events is not None:
            self.may_go.update(self._beyond(step.keep_events))

    def done(self, step: Step) -> None:
        """The store said so."""
        for made in step.appended:
            if made.id not in step.removed:
                self.durable.setdefault(made.id, made)
        gone = set(step.removed)
        if step.keep_events is not None:
            gone |= self._beyond(step.keep_events)
        self.gone |= gone
        for name in gone:
            self.durable.pop(name, None)
        seqs = [max([e.seq for e in step.appended if e.lane is lane], default=0) for lane in Lane]
        c = self.counters
        self.counters = Counters(c.session, max(c.alarm_seq, seqs[0]), max(c.event_seq, seqs[1]))

    def _beyond(self, keep: int) -> set[str]:
        events = [name for name, made in self.durable.items() if made.lane is Lane.EVENT]
        return set(events[: max(len(events) - keep, 0)])


def script(rng: random.Random, steps: int, largest: int = 900) -> list[Step]:
    """Batches of alarms and events, acks of what is out, now and then an eviction or a start."""
    made: list[Step] = []
    out: list[str] = []
    number = 0
    for _ in range(steps):
        chance = rng.random()
        if chance < 0.05:
            made.append(Step(start=True))
        elif chance < 0.1:
            made.append(Step(keep_events=rng.randrange(12)))
        else:
            batch = []
            for _ in range(rng.choice((0, 1, 1, 1, 2, 5, 12))):
                number += 1
                lane = rng.choice(tuple(Lane))
                size = rng.randrange(largest)
                body = random.Random(number).randbytes(size)  # noqa: S311 - any bytes will do
                batch.append(entry(number, lane, body=body))
            out += [one.id for one in batch]
            acked = [name for name in out if rng.random() < rng.choice((0.02, 0.3, 0.5))]
            out = [name for name in out if name not in acked]
            made.append(Step(tuple(batch), tuple(acked)))
    return made


def live(make: Callable[[], OutboxStore], steps: Sequence[Step], reported: Reported) -> OutboxStore:
    """Play *steps*, noting what is reported; failures of the disk are answered by a new start."""
    store = make()
    _start(store, reported)
    for step in steps:
        if step.start:
            store.close()
            store = make()
            _start(store, reported)
            continue
        reported.begin(step)
        try:
            _play(store, step)
        except StoreFullError:
            continue
        except StoreError:
            store.close()
            _start(store, reported)
            _play(store, step)  # a disk that fails twice running is not played here
        reported.done(step)
    return store


def check(store: OutboxStore, reported: Reported) -> None:
    """Open *store* and see that all is right."""
    counters = store.open()
    assert counters.session > reported.counters.session
    assert counters.alarm_seq >= reported.counters.alarm_seq
    assert counters.event_seq >= reported.counters.event_seq
    order = {made.id: number for number, made in enumerate(reported.offered)}
    held: dict[str, Entry] = {}
    for lane in Lane:
        found = [made for _, made in store.read(lane, 0, ALL)]
        assert all(made.lane is lane for made in found)
        assert {made.id for made in found} <= set(order), "ids that nobody offered"
        places = [order[made.id] for made in found]
        assert places == sorted(places), "order"
        assert len(set(places)) == len(places), "twice"
        held.update({made.id: made for made in found})
    must = {name: made for name, made in reported.durable.items() if name not in reported.may_go}
    assert not must.keys() - held.keys(), "lost"
    assert all(held[name] == made for name, made in must.items()), "changed"
    assert not reported.gone & held.keys(), "came back"
    offered = {made.id: made for made in reported.offered}
    assert all(held[name] == offered[name] for name in held), "invented"
    fill = store.fill()
    assert fill.alarms + fill.events == len(held)
    reported.counters = counters


def _start(store: OutboxStore, reported: Reported) -> None:
    for _ in range(10):
        try:
            counters = store.open()
        except StoreFullError:
            raise
        except StoreError:
            store.close()
            continue
        assert counters.session > reported.counters.session
        reported.counters = counters
        return
    raise AssertionError("the disk never works again")


def _play(store: OutboxStore, step: Step) -> None:
    if step.keep_events is not None:
        store.evict(Limits(step.keep_events, 1 << 60), 0)
    else:
        store.write(step.appended, step.removed)
