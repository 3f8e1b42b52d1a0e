"""The ways of answering put together: open incidents, what goes on about them, words about it.

Here: the parts and who knows whom. Not here: any of their decisions (``agent.incidents``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.config.schema.root import Config
from agent.core.clock import Clock, Stamp
from agent.core.commands import Deed
from agent.core.events import Event
from agent.incidents.assist import Assist
from agent.incidents.book import IncidentBook, Open
from agent.incidents.calling import OwnCalls
from agent.incidents.calls import NeighbourCalls
from agent.incidents.escalation import Escalation
from agent.incidents.keeper import Keeper
from agent.incidents.sla import Sla
from agent.incidents.way import Item, Way
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.hooks import Hooks
from agent.pipeline.ordered import Order
from contract.words import CommandName
from rules.engine import RuleFailed


class Publisher(Protocol):
    """The announcer, as words see it."""

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> bool:
        """QoS 1; False when the link does not carry."""

    def follow(self, topic: str) -> None:
        """Hear one more topic, as long as this connection lasts."""

    def elsewhere(self) -> bool:
        """Speak at the next broker; False where there is none."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the ways of answering need."""

    config: Config
    clock: Clock
    new_id: Callable[[], str]
    on_failure: Callable[[RuleFailed, Stamp], None]


class Answering:
    """Everything about answering. Runs on the loop; ``publisher`` is given once it is made."""

    def __init__(self, around: Surroundings, keeper: Keeper) -> None:
        self._around = around
        self.keeper = keeper
        self.publisher: Publisher | None = None
        answering, address = around.config.answering, around.config.node.address
        self._act: Callable[[Event], None] = lambda _: None
        self._hooks = Hooks(
            answering.escalation, around.clock, lambda event: self._act(event), self._next_broker
        )
        several = len(around.config.link.brokers) > 1
        self._escalation = Escalation(
            answering.escalation, address.base, self._standing, several_brokers=several
        )
        self.book = IncidentBook(around.new_id, self._escalation.carried)
        self.words = Words(around.config.node.address, self._publish, around.clock.monotonic_ns)
        self._ways = self._build()
        self.ways = Ways(
            self._ways,
            keeper,
            beside=(self.book, self.words),
            on_failure=around.on_failure,
            page=self._hooks.page,
        )

    def items(self) -> Sequence[Item]:
        """What waits for a person at the gate, oldest first."""
        return self.ways.items

    def deeds(self, act: Callable[[Event], None]) -> Mapping[CommandName, Deed]:
        """Commands that the ways obey; *act* has an event dispatched before it returns."""
        self._act = act
        clock, kept = self._around.clock, self.keeper.when_kept
        return {
            name: Order(way, obeys, act, kept, clock)
            for way in self._ways
            for name, obeys in way.ORDERS.items()
        }

    def link_up(self) -> None:
        """Areas are heard; what was not heard of us, and what stands, is said again."""
        config = self._around.config
        for area in config.answering.areas:
            if self.publisher is not None:
                self.publisher.follow(config.node.address.call(area))
        self.words.link_up()

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self.words.link_down()

    def close(self) -> None:
        """Keep what changed, and give the disk back."""
        self.keeper.close()

    def _build(self) -> Sequence[Way[Any]]:
        config = self._around.config
        answering, address = config.answering, config.node.address
        return [
            Sla(answering.sla),
            NeighbourCalls(answering),
            OwnCalls(answering, address, self._around.new_id),
            self._escalation,
            Assist(answering.assist, self._standing),
        ]

    def _next_broker(self) -> bool:
        return self.publisher is not None and self.publisher.elsewhere()

    def _standing(self, incident: str) -> Open | None:
        return self.book.standing(incident)

    def _publish(self, topic: str, body: bytes, *, retain: bool) -> bool:
        publisher = self.publisher
        return publisher is not None and publisher.publish(topic, body, retain=retain)
