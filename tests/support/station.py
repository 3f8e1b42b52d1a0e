"""A gate's way back in, with everything behind it real and everything it says written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from agent.core.clock import ManualClock
from agent.core.commands import Result
from agent.core.errors import RefusedError
from agent.core.events import Event
from agent.core.ports import Received
from agent.pipeline.command_checks import Checks, Trust
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.commands import CommandGate
from agent.pipeline.control import Answers, Control
from agent.pipeline.desired import Desired
from agent.pipeline.nonces import Nonces
from agent.watchlist.service import Watchlist
from agent.watchlist.store import Applied, WatchlistStore
from contract.words import CommandName
from tests.support.orders import NotingDeed
from tests.support.samples import ADDRESS
from tests.support.signed import TRUSTED
from tests.support.timers import Timers


class Gate:
    """Hears the station; ``events``, ``acked``, ``published``, ``done`` tell what came of it."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.events: list[Event] = []
        self.acked: list[str] = []
        self.listens: list[bool] = []
        self.published: list[tuple[str, dict[str, Any], bool]] = []
        self.done: list[Mapping[str, Any]] = []
        self.reported: list[Applied] = []
        self.watchlist = Watchlist(
            WatchlistStore(folder / "watchlist.json"),
            TRUSTED,
            ADDRESS,
            clock,
            on_change=self.reported.append,
        )
        journal = CommandJournal(folder / "commands.json")
        checks = Checks(Trust(TRUSTED, ADDRESS), clock, Nonces(clock, lambda: "n" * 24), journal)
        deeds = {CommandName.REBIRTH: NotingDeed(self.done)}
        commands = CommandGate(checks, journal, deeds, clock, self._tell)
        answers = Answers(self.events.append, self.acked.append, self.listens.append)
        self.timers = Timers(clock)
        self.following: list[str] = []
        self.desired = Desired(ADDRESS, self.watchlist, self, self.timers.later, self._aside)
        self.control = Control(ADDRESS, clock, commands, self.desired, answers)

    def hear(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """One message from the broker."""
        self.control.hear(Received(topic, payload, retained))

    def report(self, topic: str, body: bytes) -> None:
        """What stands at the broker."""
        self._publish(topic, body, True)

    def follow(self, topic: str) -> None:
        """Ask the broker for a topic."""
        self.following.append(topic)

    def unfollow(self, topic: str) -> None:
        """No more of it."""
        self.following = [other for other in self.following if other != topic]

    def _aside(self, work: Callable[[], Applied], done: Callable[[Future[Applied]], None]) -> None:
        outcome: Future[Applied] = Future()
        try:
            outcome.set_result(work())
        except RefusedError as error:
            outcome.set_exception(error)
        done(outcome)

    def _tell(self, result: Result, *, drill: bool) -> None:
        self._publish(ADDRESS.topic("result", drill=drill), result.body(drill=drill), False)

    def _publish(self, topic: str, body: bytes, retain: bool) -> None:
        self.published.append((topic, json.loads(body), retain))
