"""A delivery that has read its store, and what it sends."""

from __future__ import annotations

from agent.core.ports import Lane
from agent.outbox.delivery import Delivery
from tests.support.samples import entry


def delivery(
    *, up: bool = True, alarms: tuple[int, ...] = (), events: tuple[int, ...] = ()
) -> Delivery:
    """A delivery that has read its store, holding these entries."""
    made = Delivery()
    held = {Lane.ALARM: alarms, Lane.EVENT: events}
    while (want := made.want()) is not None:
        lane, wanted = want
        rows = [(n, entry(n, lane)) for n in held[lane]]
        made.fetched(lane, wanted, rows, 10_000)
    if up:
        made.link_up()
    return made


def sent(made: Delivery, now_ns: int = 0) -> list[str]:
    """Everything that goes out at once."""
    found = []
    while (sending := made.next(now_ns)) is not None:
        found.append(sending.entry.id + (" replayed" if sending.replayed else ""))
    return found
