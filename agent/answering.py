"""The ways of answering put together: open incidents, what goes on about them, words about it.

Here: the parts and who knows whom. Not here: any of their decisions (``agent.incidents``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.config.schema.root import Config
from agent.config.schema.rules import WatchlistRule
from agent.core.clock import Clock, Stamp
from agent.core.commands import Deed
from agent.core.decisions import Text
from agent.core.events import Event
from agent.incidents.book import IncidentBook
from agent.incidents.keeper import Keeper
from agent.incidents.leads import Knows, Leads
from agent.incidents.sla import Sla
from agent.incidents.sought import Sought
from agent.incidents.way import Item, Way
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.ordered import Order
from agent.pipeline.sought import Around, SoughtDesk
from agent.watchlist.service import Watchlist
from contract.words import CommandName
from rules.base import Place
from rules.engine import RuleFailed


def lead_outputs(config: Config) -> Mapping[str, tuple[str, ...]]:
    """What sounds when a lead is confirmed, by the name of the rule that raised it."""
    rules = [rule for rule in config.rules if isinstance(rule, WatchlistRule)]
    return {rule.name or rule.type: tuple(rule.outputs) for rule in rules}


def blind(config: Config) -> str:
    """Why no face is looked for at this gate; empty where it is."""
    if config.privacy.face_off:
        return "the configuration of this gate switches faces off (privacy.face_off)"
    if not (config.faces.enabled and config.cameras):
        return "this gate has no camera that looks for faces (faces.enabled, cameras)"
    return ""


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
        self._watchlist: Watchlist | None = None
        self._sought = self._sought_way()
        self._desk: SoughtDesk | None = None
        self.book = IncidentBook(around.new_id)
        self.words = Words(around.config.node.address, self._publish, around.clock.monotonic_ns)
        self._ways = self._build()
        self.ways = Ways(
            self._ways,
            keeper,
            beside=(self.book, self.words),
            on_failure=around.on_failure,
        )

    @property
    def watchlist(self) -> Watchlist | None:
        """The lists of faces; opened after panic is live."""
        return self._watchlist

    @watchlist.setter
    def watchlist(self, opened: Watchlist) -> None:
        self._watchlist = opened
        if self._desk is not None and opened.hot is not None:
            self._desk.attach(opened.hot)

    def items(self) -> Sequence[Item]:
        """What waits for a person at the gate, oldest first."""
        return self.ways.items

    def deeds(self, act: Callable[[Event], None]) -> Mapping[CommandName, Deed]:
        """Commands that the ways obey; *act* has an event dispatched before it returns."""
        clock, kept = self._around.clock, self.keeper.when_kept
        self._desk = SoughtDesk(
            Around(
                node=self._around.config.node.address.client_id,
                blind=blind(self._around.config),
                way=self._sought,
                hot=lambda: None if self._watchlist is None else self._watchlist.hot,
                act=act,
                kept=kept,
                later=asyncio.get_running_loop().call_later,
                clock=clock,
            )
        )
        orders = {
            name: Order(way, obeys, act, kept, clock)
            for way in self._ways
            for name, obeys in way.ORDERS.items()
        }
        return {**orders, **self._desk.deeds()}

    def link_up(self) -> None:
        """What was not heard, and what stands, is said again."""
        self.words.link_up()

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self.words.link_down()

    def close(self) -> None:
        """Keep what changed, and give the disk back."""
        self.keeper.close()

    def _build(self) -> Sequence[Way[Any]]:
        config = self._around.config
        leads = Leads(config.answering.leads, self._knows())
        return [Sla(config.answering.sla), leads, self._sought]

    def _sought_way(self) -> Sought:
        config = self._around.config
        places = {name: Place(each.where, each.name) for name, each in config.cameras.items()}
        return Sought(config.answering.sought, places)

    def _knows(self) -> Knows:
        config = self._around.config
        return Knows(
            instruction=self._instruction,
            hushed=self._sought.silent,
            taken=self._sought.takes,
            labels={name: camera.name for name, camera in config.cameras.items()},
            outputs=lead_outputs(config),
            new_id=self._around.new_id,
        )

    def _instruction(self, entry_id: str, exercise: bool) -> Text | None:  # noqa: FBT001 - a key
        lists = self._watchlist
        hot = lists and lists.hot and lists.hot.entry(entry_id, exercise=exercise)
        found = hot or (lists and lists.entry(entry_id, exercise))
        return Text(**found.instruction) if found else None

    def _publish(self, topic: str, body: bytes, *, retain: bool) -> bool:
        publisher = self.publisher
        return publisher is not None and publisher.publish(topic, body, retain=retain)
