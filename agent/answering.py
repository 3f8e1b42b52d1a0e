"""The ways of answering put together: open incidents, what goes on about them, words about it.

Here: the parts and who knows whom. Not here: any of their decisions (``agent.incidents``).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.border.profile import read_profile
from agent.border.tasks import read_task
from agent.config.schema.devices import AnswerButton
from agent.config.schema.root import Config
from agent.config.schema.rules import WatchlistRule
from agent.core.clock import Clock, Stamp, stamp
from agent.core.commands import Deed
from agent.core.errors import CheckFailedError, RefusedError
from agent.core.events import (
    Answer,
    ComponentState,
    Event,
    ProfileOrdered,
    TaskGiven,
    TaskRefused,
)
from agent.core.health import HealthBoard
from agent.core.text import Text
from agent.incidents.ack_times import AckTimes
from agent.incidents.assist import Assist
from agent.incidents.book import IncidentBook, Open
from agent.incidents.calling import OwnCalls
from agent.incidents.calls import NeighbourCalls
from agent.incidents.drill import Spot, Stage
from agent.incidents.drills import Drills
from agent.incidents.escalation import Escalation
from agent.incidents.hands import Hand, Hands
from agent.incidents.keeper import Keeper
from agent.incidents.leads import Knows, Leads
from agent.incidents.month import About, Months
from agent.incidents.notices import Notices
from agent.incidents.patrol import Patrol
from agent.incidents.post import OnPost
from agent.incidents.profiles import Profiles
from agent.incidents.record import Recorder
from agent.incidents.record_file import RecordFile, folder_of
from agent.incidents.settings import Settings
from agent.incidents.sla import Sla
from agent.incidents.sought import Sought
from agent.incidents.tasks import Tasks
from agent.incidents.way import Item, Way
from agent.incidents.ways import Ways
from agent.incidents.words import Words
from agent.pipeline.badge_desk import BadgeDesk
from agent.pipeline.hooks import Hooks
from agent.pipeline.local import Operation
from agent.pipeline.ordered import Order
from agent.pipeline.sought import Around, SoughtDesk
from agent.pipeline.speaker import Speaker
from agent.stores import Stores
from agent.watchlist.service import Watchlist
from contract.words import CommandName, ListName, Status
from devices.readers import keep_open, readers_of
from rules.base import Place
from rules.engine import Engine, RuleFailed
from rules.factory import build_rules

log = logging.getLogger(__name__)


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
    stores: Stores


class Answering:
    """Everything about answering. Runs on the loop; ``publisher`` is given once it is made."""

    def __init__(self, around: Surroundings, keeper: Keeper) -> None:
        self._around = around
        self.keeper = keeper
        self.publisher: Publisher | None = None
        self._watchlist: Watchlist | None = None
        self._sought = self._sought_way()
        self._sought_desk: SoughtDesk | None = None
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
        answering = around.config.answering
        self.profiles = Profiles(answering.profiles, answering.calendar)
        self.settings = Settings(answering, lambda: self.profiles.current)
        self._speaker = Speaker(answering.announce)
        self._file = RecordFile(folder_of(around.config.node.data_dir))
        self.record = Recorder(around.clock, self._file.append, self._file.newest, os.urandom(16))
        self._ways = self._build()
        self.desk = self._build_desk()
        self.ways = Ways(
            self._ways,
            keeper,
            beside=(self.book, self.words),
            on_failure=around.on_failure,
            page=self._hooks.page,
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

    @property
    def watchlist(self) -> Watchlist | None:
        """The lists of faces; opened after panic is live."""
        return self._watchlist

    @watchlist.setter
    def watchlist(self, opened: Watchlist) -> None:
        self._watchlist = opened
        if self._sought_desk is not None and opened.hot is not None:
            self._sought_desk.attach(opened.hot)

    def items(self) -> Sequence[Item]:
        """What waits for a person at the gate, oldest first."""
        return self.ways.items

    def deeds(self, act: Callable[[Event], None]) -> Mapping[CommandName, Deed]:
        """Commands that the ways obey; *act* has an event dispatched before it returns."""
        self._act = act
        clock, kept = self._around.clock, self.keeper.when_kept
        self._sought_desk = SoughtDesk(
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
        return {**orders, **self._sought_desk.deeds(), CommandName.ANNOUNCE: self._speaker}

    def operations(self) -> Mapping[str, Operation]:
        """What people at the gate may ask, by name."""
        return {"report.month": self._report_month}

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
        """Say no more, keep what changed, and give the disk back."""
        self._speaker.close()
        self._file.close()
        self.keeper.close()

    def _build(self) -> Sequence[Way[Any]]:
        config = self._around.config
        answering = config.answering
        chance = random.SystemRandom().random
        self._months = Months(self._what_is)
        return [
            self._months,
            AckTimes(self._months.acked),
            self.profiles,
            Sla(answering.sla, self.settings.sla),
            Tasks(answering.tasks),
            OnPost(self.settings.post, chance),
            Patrol(answering.patrol),
            self._hands(config),
            Drills(drill_stage(config, self._real), answering.sla, self.settings.sla),
            Notices(config.node.node, answering.areas),
            NeighbourCalls(answering),
            OwnCalls(answering, config.node.address, self._around.new_id),
            self._escalation,
            Assist(answering.assist, self._standing),
            Leads(answering.leads, self._knows()),
            self._sought,
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

    def _what_is(self, about: str) -> About:
        """What waits under that id, before anybody else hears of the answer to it."""
        item = next((item for item in self.ways.items if item.id == about), None)
        if item is None or item.status is not Status.ACTUAL or Answer.REJECT not in item.answers:
            return About.OTHER
        return About.LEAD if Answer.CONFIRM in item.answers else About.ALARM

    def _report_month(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures of the month that is named, or of the one that goes on."""
        month = str(request.get("month") or "")
        told = self._months.told(month, stamp(self._around.clock))
        if told is None:
            raise CheckFailedError(f"nothing is known of the month '{month}'")
        return {"report": told}

    def _real(self) -> bool:
        """Whether something real goes on that people answer or that drives outputs."""
        config = self._around.config
        kinds = {*config.answering.sla.kinds, *(r.type for r in config.rules if r.outputs)}
        causes = (standing.cause for standing in self.book.cases.values())
        return any(c.status is Status.ACTUAL and c.kind in kinds for c in causes)

    def _next_broker(self) -> bool:
        return self.publisher is not None and self.publisher.elsewhere()

    def _standing(self, incident: str) -> Open | None:
        return self.book.standing(incident)

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


def _note_reader(health: HealthBoard, clock: Clock, name: str, why: str | None) -> None:
    part = f"reader.{name}"
    if why is None:
        health.note(part, ComponentState.OK)
        health.clear_issue("device-down", part)
        return
    health.note(part, ComponentState.DOWN, why)
    if health.raise_issue("device-down", part, why, stamp(clock)):
        log.warning("reader %s: %s", name, why)


def drill_stage(config: Config, real: Callable[[], bool]) -> Stage:
    """The gate as its drills find it."""
    lit = ("beacon", "siren") if config.answering.drills.sound else ("beacon",)
    return Stage(
        config.node.node,
        config.node.name,
        {name: Spot(item.type, item.where, item.name) for name, item in config.inputs.items()},
        [name for name, output in config.outputs.items() if output.type in lit],
        real,
    )
