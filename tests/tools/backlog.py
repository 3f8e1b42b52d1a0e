"""A gate whose outbox holds much: filled through the agent's own stores, without an agent."""

from __future__ import annotations

import queue
from collections.abc import Callable

from agent.config.schema.root import Config
from agent.core.ports import Entry, Lane
from agent.runtime.clock import SystemClock
from agent.stores import Stores
from tests.tools.messages import GATE, alert, body


def fill(config: Config, count: int) -> None:
    """Put *count* alarms of an earlier session into the outbox of the gate that *config* names."""
    clock, ignored = SystemClock(), queue.SimpleQueue[Callable[[], None]]()
    stores = Stores(config, clock, lambda *_: None)
    stores.take_folders()
    try:
        outbox, counters = stores.open_outbox(
            post=ignored.put,
            on_state=lambda *_: None,
            on_counters=lambda _: None,
            on_damage=lambda _: None,
        )
        for number in range(1, count + 1):
            made = alert(number, session=counters.session)
            entry = Entry(
                made["id"], Lane.ALARM, number, f"{GATE}/alert", body(made), clock.utc_ns()
            )
            outbox.offer(entry, critical=False)
        outbox.close()
    finally:
        stores.release()
