"""The ways of answering put together: open incidents, what goes on about them, words about it.

Here: the parts and who knows whom. Not here: any of their decisions (``agent.incidents``).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.border.profile import read_profile
from agent.border.tasks import read_task
from agent.config.schema.devices import AnswerButton
from agent.config.schema.root import Config
from agent.core.clock import Clock, Stamp, stamp
from agent.core.commands import Deed
from agent.core.errors import RefusedError
from agent.core.events import ComponentState, Event, ProfileOrdered, TaskGiven, TaskRefused
from agent.core.health import HealthBoard
from agent.incidents.book import IncidentBook
from agent.incidents.hands import Hand, Hands
from agent.incidents.keeper import Keeper
from agent.incidents.patrol import Patrol
from agent.incidents.post import OnPost
from agent.incidents.profiles import Profiles
from agent.incidents.settings import Settings
from agent.incidents.sla import Sla
from agent.incidents.tasks import Tasks
from agent.incidents.way import Item, Way
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.badge_desk import BadgeDesk
from agent.pipeline.ordered import Order
from agent.stores import Stores
from contract.words import CommandName
from devices.readers import keep_open, readers_of
from rules.engine import RuleFailed

log = logging.getLogger(__name__)


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
    stores: Stores


class Answering:
    """Everything about answering. Runs on the loop; ``publisher`` is given once it is made."""

    def __init__(self, around: Surroundings, keeper: Keeper) -> None:
        self._around = around
        self.keeper = keeper
        self.publisher: Publisher | None = None
        self.book = IncidentBook(around.new_id)
        self.words = Words(around.config.node.address, self._publish, around.clock.monotonic_ns)
        answering = around.config.answering
        self.profiles = Profiles(answering.profiles, answering.calendar)
        self.settings = Settings(answering, lambda: self.profiles.current)
        self._ways = self._build()
        self.desk = self._build_desk()
        self.ways = Ways(
            self._ways,
            keeper,
            beside=(self.book, self.words),
            on_failure=around.on_failure,
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

    def task(self, task_id: str, payload: bytes, *, drill: bool) -> TaskGiven | TaskRefused:
        """What came on ``~/task/{task_id}``: an order for the guard, or why it is none."""
        around = self._around
        address = around.config.node.address
        try:
            return read_task(
                payload, task_id, around.stores.keys, address, around.clock, drill=drill
            )
        except RefusedError as error:
            return TaskRefused(stamp(around.clock), task_id, str(error), exercise=drill)

    def profile(self, payload: bytes, *, drill: bool) -> ProfileOrdered:
        """What came on ``~/desired/profile``."""
        around = self._around
        keys, address = around.stores.keys, around.config.node.address
        try:
            return read_profile(payload, keys, address, around.clock, drill=drill)
        except RefusedError as error:
            return ProfileOrdered(stamp(around.clock), refused=str(error))

    def link_up(self) -> None:
        """What was not heard, and what stands, is said again."""
        self.words.link_up()

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self.words.link_down()

    async def read_hands(self, put: Callable[[Event], None], health: HealthBoard) -> None:
        """Keep every keypad and card reader open; *put* hears of what they were shown."""
        around, self.desk.put = self._around, put
        config = around.config
        devices = {name: item.device for name, item in config.answering.readers.items()}
        pipes = config.node.pin_factory == "mock"
        readers = readers_of(devices, around.clock, self.desk.typed, pipes=pipes)
        told = lambda name, why: _note_reader(health, around.clock, name, why)  # noqa: E731
        chance = random.SystemRandom().random
        kept = (keep_open(reader, name, told, chance) for name, reader in readers.items())
        await asyncio.gather(*kept)

    def close(self) -> None:
        """Keep what changed, and give the disk back."""
        self.keeper.close()

    def _build(self) -> Sequence[Way[Any]]:
        config = self._around.config
        answering = config.answering
        chance = random.SystemRandom().random
        return [
            self.profiles,
            Sla(answering.sla, self.settings.sla),
            Tasks(answering.tasks),
            OnPost(self.settings.post, chance),
            Patrol(answering.patrol),
            self._hands(config),
        ]

    def _hands(self, config: Config) -> Hands:
        buttons = {
            name: Hand(item.where, item.says, item.who or "", item.helper)
            for name, item in config.inputs.items()
            if isinstance(item, AnswerButton)
        }
        readers = {n: Hand(r.where, r.says) for n, r in config.answering.readers.items()}
        return Hands(buttons, readers, config.answering.people, self.items)

    def _build_desk(self) -> BadgeDesk:
        around = self._around
        answering, stores = around.config.answering, around.stores
        badges = stores.open_badges()
        return BadgeDesk(badges, answering.readers, answering.people, around.clock, stores.audit)

    def _publish(self, topic: str, body: bytes, *, retain: bool) -> bool:
        publisher = self.publisher
        return publisher is not None and publisher.publish(topic, body, retain=retain)


def _note_reader(health: HealthBoard, clock: Clock, name: str, why: str | None) -> None:
    part = f"reader.{name}"
    if why is None:
        health.note(part, ComponentState.OK)
        health.clear_issue("device-down", part)
        return
    health.note(part, ComponentState.DOWN, why)
    if health.raise_issue("device-down", part, why, stamp(clock)):
        log.warning("reader %s: %s", name, why)
