"""All ways of answering together: each kept from harming the others, each kept on the disk.

Here: events in, decisions out, and what changed handed to the keeper. Not here: what a way decides,
how it is kept (``agent.incidents.keeper``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from agent.core.alerts import Evidence
from agent.core.answers import Answer, GuardAnswered
from agent.core.clock import Stamp
from agent.core.decisions import Decision, Page, Raise
from agent.core.events import Event
from agent.incidents.assist import Assist
from agent.incidents.calls import NeighbourCalls
from agent.incidents.sla import Sla
from agent.incidents.way import Item, Way
from contract.words import Status
from rules.engine import Decided, Engine, RuleFailed

UNNAMED = frozenset({Answer.PRESENT, Answer.CONFIRM, Answer.REJECT})
FIRST = (Sla.NAME, NeighbourCalls.NAME, Assist.NAME)


class Keeps(Protocol):
    """The keeper, as the ways see it."""

    def resume(self, way: Way[Any], now: Stamp) -> Mapping[str, Any]:
        """The cases of *way* that an earlier life left."""

    def keep(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Store the changed cases of these ways soon, all or none; None for what ended."""


class Ways:
    """Gives every event to every way and gathers their decisions."""

    def __init__(
        self,
        ways: Sequence[Way[Any]],
        keeper: Keeps,
        *,
        beside: Sequence[Way[Any]] = (),
        on_failure: Callable[[RuleFailed, Stamp], None],
        page: Callable[[Page], None] = lambda _: None,
        claim: Callable[[Raise, str], tuple[Evidence, ...]] = lambda *_: (),
        on_decided: Callable[[Decided], None] = lambda _: None,
    ) -> None:
        """*beside* are kept here too, and asked by somebody else.

        *page* runs a hook; *claim* names the picture that goes with an alert.
        """
        self._ways = list(ways)
        self._kept = [*beside, *ways]
        self._keeper = keeper
        self._engine = Engine(ways, on_failure=on_failure, on_decided=on_decided)
        self.page = page
        self.claim = claim

    def resume(self, now: Stamp) -> list[Decision]:
        """Go on where an earlier life left off; call it once, before anything else."""
        decisions: list[Decision] = []
        for way in self._kept:
            decisions += way.resume(self._keeper.resume(way, now), now)
        self.keep()
        return decisions

    def on_event(self, event: Event) -> list[Decision]:
        """Decisions of all ways about *event*; never raises."""
        if isinstance(event, GuardAnswered) and event.about is None:
            event = self._named(event)
        decisions = self._engine.on_event(event)
        self.keep()
        return decisions

    def on_time(self, now: Stamp) -> list[Decision]:
        """Decisions that are due by *now*; never raises."""
        decisions = self._engine.on_time(now)
        self.keep()
        return decisions

    def wipe(self, now: Stamp) -> None:
        """Forget whatever is kept of people, orders and drills; a real alarm goes on."""
        for way in self._kept:
            way.wipe(now)
        self.keep()

    @property
    def due_ns(self) -> int | None:
        """The earliest monotonic ns at which :meth:`on_time` has something to say."""
        return self._engine.due_ns

    @property
    def items(self) -> list[Item]:
        """What waits for a person at the gate, in the order in which answers without an id go.

        What is real before drills; alarms of this gate, calls of neighbours, assistance, then all
        else; of equals the oldest.
        """
        found = [item for way in self._ways for item in way.items]
        return sorted(found, key=_order)

    def _named(self, said: GuardAnswered) -> GuardAnswered:
        """An answer without an id is for one thing: the first that takes it.

        ``present`` stays without one: the post and the patrol points hear it, whatever waits. A
        verdict (``confirm``, ``reject``) is never for something that nobody named.
        """
        if said.answer in UNNAMED:
            return said
        found = (i for i in self.items if not i.devices and i.takes(said.answer, said.helper))
        item = next(found, None)
        return said if item is None else replace(said, about=item.id)

    def keep(self) -> None:
        """Have what changed stored soon, all of it at once.

        A kill in between must not leave an incident whose clock or escalation nobody knows of.
        """
        changed = {way.name: way.changes() for way in self._kept}
        if any(changed.values()):
            self._keeper.keep(changed)


def _order(item: Item) -> tuple[bool, int, int]:
    rank = FIRST.index(item.way) if item.way in FIRST else len(FIRST)
    return item.status is Status.EXERCISE, rank, item.since.monotonic_ns
