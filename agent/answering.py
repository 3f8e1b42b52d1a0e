"""The ways of answering put together: open incidents, what goes on about them, words about it.

Here: the parts and who knows whom. Not here: any of their decisions (``agent.incidents``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.config.schema.root import Config
from agent.core.clock import Clock, Stamp
from agent.core.commands import Deed
from agent.core.events import Event
from agent.incidents.book import IncidentBook
from agent.incidents.keeper import Keeper
from agent.incidents.record import Recorder
from agent.incidents.record_file import RecordFile, folder_of
from agent.incidents.sla import Sla
from agent.incidents.way import Item, Way
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.ordered import Order
from contract.words import CommandName, ListName
from rules.engine import Engine, RuleFailed
from rules.factory import build_rules


class Publisher(Protocol):
    """The announcer, as words see it."""

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> bool:
        """QoS 1; False when the link does not carry."""


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
        self.book = IncidentBook(around.new_id)
        self.words = Words(around.config.node.address, self._publish, around.clock.monotonic_ns)
        self._file = RecordFile(folder_of(around.config.node.data_dir))
        self.record = Recorder(around.clock, self._file.append, self._file.newest, os.urandom(16))
        self._ways = self._build()
        self.ways = Ways(
            self._ways,
            keeper,
            beside=(self.book, self.words),
            on_failure=around.on_failure,
            on_decided=self.record.way_decided,
        )

    def rules(
        self, list_of: Callable[[str, bool], ListName | None], panic: Sequence[str]
    ) -> Engine:
        """The rules of the configuration; *list_of* names the list of a valid entry."""
        return Engine(
            build_rules(self._around.config, self.record.asked(list_of)),
            panic_devices=panic,
            on_failure=self._around.on_failure,
            on_decided=self.record.rule_decided,
        )

    def items(self) -> Sequence[Item]:
        """What waits for a person at the gate, oldest first."""
        return self.ways.items

    def deeds(self, act: Callable[[Event], None]) -> Mapping[CommandName, Deed]:
        """Commands that the ways obey; *act* has an event dispatched before it returns."""
        clock, kept = self._around.clock, self.keeper.when_kept
        return {
            name: Order(way, obeys, act, kept, clock)
            for way in self._ways
            for name, obeys in way.ORDERS.items()
        }

    def link_up(self) -> None:
        """What was not heard, and what stands, is said again."""
        self.words.link_up()

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self.words.link_down()

    def close(self) -> None:
        """Keep what changed, and give the disk back."""
        self._file.close()
        self.keeper.close()

    def _build(self) -> Sequence[Way[Any]]:
        config = self._around.config
        return [Sla(config.answering.sla)]

    def _publish(self, topic: str, body: bytes, *, retain: bool) -> bool:
        publisher = self.publisher
        return publisher is not None and publisher.publish(topic, body, retain=retain)
