"""All ways of answering of one gate, made from its configuration, in the order in which they hear.

Here: each way, and what it asks of the others. Not here: who commands, shows and feeds them
(``agent.answering``), what they decide (``agent.incidents``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.config.schema.devices import AnswerButton
from agent.config.schema.root import Config
from agent.config.schema.rules import WatchlistRule
from agent.core.answers import Answer
from agent.core.clock import Clock, Stamp
from agent.core.decisions import Details, Page
from agent.core.events import ComponentState
from agent.core.health import HealthBoard
from agent.core.text import Text
from agent.incidents.ack_times import AckTimes
from agent.incidents.acks import Acks
from agent.incidents.assist import Assist
from agent.incidents.book import IncidentBook
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
from agent.incidents.pictures import Pictures
from agent.incidents.post import OnPost
from agent.incidents.profiles import Profiles
from agent.incidents.rule_memory import Remembers, RuleMemory
from agent.incidents.settings import Settings
from agent.incidents.sla import Sla
from agent.incidents.sought import Sought
from agent.incidents.tasks import Tasks
from agent.incidents.way import Way
from agent.incidents.ways import Ways
from agent.incidents.words import Publish, Words
from agent.stores import Stores
from agent.watchlist.service import Watchlist
from contract.words import Kind, Status
from rules.base import Place
from rules.engine import Decided, RuleFailed


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the ways of answering need."""

    config: Config
    clock: Clock
    new_id: Callable[[], str]
    on_failure: Callable[[RuleFailed, Stamp], None]
    stores: Stores


@dataclass(frozen=True, slots=True)
class Outward:
    """Where what the ways decide goes: to the station, to a hook, to the record of events."""

    publish: Publish
    page: Callable[[Page], None]
    decided: Callable[[Decided], None]


class AllWays:
    """The ways ``each`` and ``together``, the book of open incidents, the words to the station.

    ``watchlist`` is given once it is open: leads ask it what a guard has to do. ``remembering`` are
    the rules with a memory, given before anything goes on.
    """

    def __init__(self, around: Surroundings, keeper: Keeper, outward: Outward) -> None:
        config = around.config
        answering, address = config.answering, config.node.address
        self._around = around
        self.watchlist: Watchlist | None = None
        several = len(config.link.brokers) > 1
        self._escalation = Escalation(
            answering.escalation,
            address.base,
            lambda incident: self.book.standing(incident),
            several_brokers=several,
        )
        self._sla = Sla(answering.sla, lambda: self.settings.sla())
        self.book = IncidentBook(around.new_id, self._carried)
        self.words = Words(address, outward.publish, around.clock.monotonic_ns)
        self.pictures = Pictures(config.evidence, address, outward.publish, around.clock)
        self._profiles = Profiles(answering.profiles, answering.calendar)
        self.settings = Settings(answering, lambda: self._profiles.current)
        self.months = Months(self._what_is)
        self.sought = self._sought_way()
        self.remembering: Sequence[Remembers] = ()
        self.memory = RuleMemory(config.node.node, lambda: self.remembering)
        self.each = self._build()
        self.together = Ways(
            self.each,
            keeper,
            beside=(self.book, self.words),
            on_failure=around.on_failure,
            page=outward.page,
            claim=self.pictures.claim,
            on_decided=outward.decided,
        )

    def profile(self) -> str | None:
        """The name of the profile that holds now."""
        return self._profiles.holds

    def tell_leads(self, health: HealthBoard) -> None:
        """What became of this month's leads stands in the heartbeat from now on."""

        def note(figures: Mapping[str, int]) -> None:
            health.note("leads", ComponentState.OK, "", **figures)

        self.months.on_leads = note
        if any(self.months.leads.values()):
            note(self.months.leads)

    def _build(self) -> Sequence[Way[Any]]:
        config = self._around.config
        answering, standing = config.answering, self.book.standing
        drills = Drills(drill_stage(config, self._real), answering.sla, self.settings.sla)
        return [
            self.months,
            Acks(),
            AckTimes(self.months.acked),
            self._profiles,
            self._sla,
            Tasks(answering.tasks),
            OnPost(self.settings.post, random.SystemRandom().random),
            Patrol(answering.patrol),
            self._hands(),
            drills,
            Notices(config.node.node, answering.areas),
            NeighbourCalls(answering),
            OwnCalls(answering, config.node.address, self._around.new_id, drills.called),
            self._escalation,
            Assist(answering.assist, standing),
            Leads(answering.leads, self._knows(), self.months.decided),
            self.sought,
            self.pictures,
            self.memory,
        ]

    def _carried(self, kind: Kind, incident: str | None) -> Details:
        """What alerts say of who is meant now, and until when help has to be there."""
        parts = (self._sla, self._escalation)
        return {name: v for part in parts for name, v in part.carried(kind, incident).items()}

    def _hands(self) -> Hands:
        config = self._around.config
        buttons = {
            name: Hand(item.where, item.says, item.who or "", item.helper)
            for name, item in config.inputs.items()
            if isinstance(item, AnswerButton)
        }
        readers = {n: Hand(r.where, r.says) for n, r in config.answering.readers.items()}
        return Hands(buttons, readers, config.answering.people, lambda: self.together.items)

    def _what_is(self, about: str) -> About:
        """What waits under that id, before anybody else hears of the answer to it."""
        item = next((item for item in self.together.items if item.id == about), None)
        if item is None or item.status is not Status.ACTUAL or Answer.REJECT not in item.answers:
            return About.OTHER
        return About.REVIEW if Answer.CONFIRM in item.answers else About.ALARM

    def _real(self) -> bool:
        """Whether something real goes on that people answer or that drives outputs."""
        config = self._around.config
        kinds = {*config.answering.sla.kinds, *(r.type for r in config.rules if r.outputs)}
        causes = (standing.cause for standing in self.book.cases.values())
        return any(c.status is Status.ACTUAL and c.kind in kinds for c in causes)

    def _sought_way(self) -> Sought:
        config = self._around.config
        places = {name: Place(each.where, each.name) for name, each in config.cameras.items()}
        return Sought(config.answering.sought, places)

    def _knows(self) -> Knows:
        config = self._around.config
        return Knows(
            instruction=self._instruction,
            hushed=self.sought.silent,
            taken=self.sought.takes,
            labels={name: camera.name for name, camera in config.cameras.items()},
            outputs=lead_outputs(config),
            new_id=self._around.new_id,
        )

    def _instruction(self, entry_id: str, exercise: bool) -> Text | None:  # noqa: FBT001 - a key
        lists = self.watchlist
        hot = lists and lists.hot and lists.hot.entry(entry_id, exercise=exercise)
        found = hot or (lists and lists.entry(entry_id, exercise))
        return Text(**found.instruction) if found else None


def lead_outputs(config: Config) -> Mapping[str, tuple[str, ...]]:
    """What sounds when a lead is confirmed, by the name of the rule that raised it."""
    rules = [rule for rule in config.rules if isinstance(rule, WatchlistRule)]
    return {rule.name or rule.type: tuple(rule.outputs) for rule in rules}


def drill_stage(config: Config, real: Callable[[], bool]) -> Stage:
    """The gate as its drills find it."""
    answering = config.answering
    lit = ("beacon", "siren") if answering.drills.sound else ("beacon",)
    return Stage(
        config.node.node,
        config.node.name,
        {name: Spot(item.type, item.where, item.name) for name, item in config.inputs.items()},
        [name for name, output in config.outputs.items() if output.type in lit],
        real,
        answering.called_areas,
    )
