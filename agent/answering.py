"""Answering put together: the ways of answering, what commands them, what shows and feeds them.

Here: the parts and who knows whom. Not here: the ways themselves (``agent.all_ways``), any of their
decisions (``agent.incidents``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from agent.all_ways import AllWays, Outward, Surroundings
from agent.border.profile import read_profile
from agent.border.tasks import read_task
from agent.config.schema.root import Config
from agent.core.answers import ProfileOrdered, TaskGiven, TaskRefused
from agent.core.clock import stamp
from agent.core.commands import Deed
from agent.core.errors import CheckFailedError, RefusedError
from agent.core.events import Event
from agent.core.health import HealthBoard
from agent.incidents.keeper import Keeper
from agent.incidents.record import Recorder
from agent.incidents.record_file import RecordFile, folder_of
from agent.pipeline.badge_desk import BadgeDesk
from agent.pipeline.guard_ops import GuardOperations
from agent.pipeline.hooks import Hooks
from agent.pipeline.local import Operation
from agent.pipeline.ordered import Order
from agent.pipeline.sought import Around, SoughtDesk
from agent.pipeline.speaker import Speaker
from agent.watchlist.service import Watchlist
from contract.words import CommandName, ListName
from rules.engine import Engine
from rules.factory import build_rules, remembering


class Publisher(Protocol):
    """The announcer, as words see it."""

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> bool:
        """QoS 1; False when the link does not carry."""

    def follow(self, topic: str) -> None:
        """Hear one more topic, as long as this connection lasts."""

    def elsewhere(self) -> bool:
        """Speak at the next broker; False where there is none."""


class Answering:
    """Everything about answering. Runs on the loop; ``publisher`` is given once it is made."""

    def __init__(self, around: Surroundings, keeper: Keeper) -> None:
        config, clock = around.config, around.clock
        self._around = around
        self._keeper = keeper
        self.publisher: Publisher | None = None
        self._act: Callable[[Event], None] = lambda _: None
        hooks = Hooks(
            config.answering.escalation, clock, lambda event: self._act(event), self._next_broker
        )
        self._speaker = Speaker(config.answering.announce)
        self._file = RecordFile(folder_of(config.node.data_dir))
        self.record = Recorder(clock, self._file.append, self._file.newest, os.urandom(16))
        outward = Outward(self._publish, hooks.page, self.record.way_decided)
        self._all = AllWays(around, keeper, outward)
        self._badges = self._badge_desk()
        self._sought: SoughtDesk | None = None
        self.book, self.words = self._all.book, self._all.words
        self.ways, self.settings = self._all.together, self._all.settings
        self.offer_picture = self._all.pictures.offer

    def rules(
        self, list_of: Callable[[str, bool], ListName | None], panic: Sequence[str]
    ) -> Engine:
        """The rules of the configuration; *list_of* names the list of a valid entry."""
        rules = build_rules(
            self._around.config,
            self.record.asked(list_of),
            self.record.profile_asked(self._all.profile),
        )
        self._all.remembering = remembering(rules)
        return Engine(
            rules,
            panic_devices=panic,
            on_failure=self._around.on_failure,
            on_decided=self.record.rule_decided,
        )

    def watch(self, lists: Watchlist) -> None:
        """The lists of faces are open, after panic is live."""
        self._all.watchlist = lists
        if self._sought is not None and lists.hot is not None:
            self._sought.attach(lists.hot)

    def deeds(self, act: Callable[[Event], None]) -> Mapping[CommandName, Deed]:
        """Commands that are obeyed; *act* has an event dispatched before it returns."""
        self._act = act
        clock, kept = self._around.clock, self._keeper.when_kept
        self._sought = self._sought_desk(act)
        orders = {
            name: Order(way, obeys, act, kept, clock)
            for way in self._all.each
            for name, obeys in way.ORDERS.items()
        }
        return {**orders, **self._sought.deeds(), CommandName.ANNOUNCE: self._speaker}

    def operations(self, put: Callable[[Event], None]) -> Mapping[str, Operation]:
        """What people at the gate may ask and answer, by name; *put* hears what they answer."""
        guard = GuardOperations(lambda: self.ways.items, put, self._around.clock)
        return {
            **guard.table(),
            **self._badges.table(),
            "report.month": self._report_month,
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

    @property
    def wipes(self) -> Mapping[str, Callable[[], None]]:
        """What a wipe empties here, by name."""
        ways, clock = self._all.together, self._around.clock
        return {"cases": lambda: ways.wipe(stamp(clock)), "record": self._file.wipe}

    def link_up(self) -> None:
        """Areas are heard; what was not heard of us, and what stands, is said again."""
        address, publisher = self._around.config.node.address, self.publisher
        for area in self._around.config.answering.areas:
            if publisher is not None:
                publisher.follow(address.call(area))
                publisher.follow(address.bulletin(area))
        self.words.link_up()

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self.words.link_down()

    async def read_hands(self, put: Callable[[Event], None], health: HealthBoard) -> None:
        """Keep every keypad and card reader open; *put* hears of what they were shown."""
        self._all.tell_leads(health)
        pipes = self._around.config.node.pin_factory == "mock"
        await self._badges.read(put, health, pipes=pipes)

    @property
    def writing(self) -> bool:
        """True while a change of what is kept is on its way to the disk."""
        return self._keeper.writing

    def close(self) -> None:
        """Say no more, keep what changed, and give the disk back."""
        self._speaker.close()
        self._all.memory.take_all()
        self.ways.keep()
        self._file.close()
        self._keeper.close()

    def _badge_desk(self) -> BadgeDesk:
        around = self._around
        answering, stores = around.config.answering, around.stores
        badges = stores.open_badges()
        return BadgeDesk(badges, answering.readers, answering.people, around.clock, stores.audit)

    def _sought_desk(self, act: Callable[[Event], None]) -> SoughtDesk:
        lists, config = self._all, self._around.config
        around = Around(
            node=config.node.address.client_id,
            blind=blind(config),
            way=lists.sought,
            hot=lambda: None if lists.watchlist is None else lists.watchlist.hot,
            act=act,
            kept=self._keeper.when_kept,
            later=asyncio.get_running_loop().call_later,
            clock=self._around.clock,
        )
        return SoughtDesk(around)

    def _report_month(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures of the month that is named, or of the one that goes on."""
        month = str(request.get("month") or "")
        told = self._all.months.told(month, stamp(self._around.clock))
        if told is None:
            raise CheckFailedError(f"nothing is known of the month '{month}'")
        return {"report": told}

    def _next_broker(self) -> bool:
        return self.publisher is not None and self.publisher.elsewhere()

    def _publish(self, topic: str, body: bytes, *, retain: bool) -> bool:
        publisher = self.publisher
        return publisher is not None and publisher.publish(topic, body, retain=retain)


def blind(config: Config) -> str:
    """Why no face is looked for at this gate; empty where it is."""
    if config.privacy.face_off:
        return "the configuration of this gate switches faces off (privacy.face_off)"
    if not (config.faces.enabled and config.cameras):
        return "this gate has no camera that looks for faces (faces.enabled, cameras)"
    return ""
