"""Words to the station that are neither alerts nor facts, kept until they are surely heard.

A word is said at once, and again after every reconnection and restart, until the link has carried
for ``SETTLED_S`` after it. A standing one stays: it is retained at the broker and part of every
birth. Here: which words wait. Not here: who says what.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from agent.core.alerts import drill_mark
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Tell
from agent.incidents.way import Way
from contract.topics import Address
from contract.words import Status

SETTLED_NS = 15 * NS_PER_S
CALL = ("call",)


class Publish(Protocol):
    """The link, as words see it."""

    def __call__(self, topic: str, body: bytes, *, retain: bool) -> bool:
        """QoS 1; False when the link does not carry."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: ``body`` is JSON as it travels; after ``until`` it is not said any more."""

    body: str
    standing: bool
    topic: str = ""
    until: Stamp | None = None


@dataclass(slots=True)
class Words(Way[Word]):
    """The way out of :class:`agent.core.decisions.Tell`."""

    NAME: ClassVar[str] = "words"
    CASE: ClassVar[type] = Word

    address: Address
    publish: Publish
    monotonic_ns: Callable[[], int]
    _said_ns: dict[str, int] = field(default_factory=dict, init=False)

    def tell(self, tell: Tell) -> None:
        """Say it, now or as soon as the link carries."""
        drill = tell.status is Status.EXERCISE
        topic = self.address.topic(*tell.parts, drill=drill)
        if tell.area:
            at = self.address.call if tell.parts == CALL else self.address.respond
            topic = at(tell.area)
        body = json.dumps({**tell.body, **drill_mark(drill=drill)}, ensure_ascii=False)
        key = f"{topic}#{tell.key}" if tell.key else topic
        self.keep(key, Word(body, tell.standing, topic, self._until(tell)))
        self._say(key)

    @property
    def due_ns(self) -> int | None:
        """When the first word has been said for long enough."""
        settled = [said_ns + SETTLED_NS for said_ns in self._said_ns.values()]
        over = [word.until.monotonic_ns for word in self.cases.values() if word.until]
        return min([*settled, *over], default=None)

    def on_time(self, now: Stamp) -> list[Decision]:
        """Forget what the broker surely has, and what is over; what stands is kept."""
        for key, said_ns in list(self._said_ns.items()):
            if now.monotonic_ns - said_ns >= SETTLED_NS:
                del self._said_ns[key]
                if not self.cases[key].standing:
                    self.end(key)
        for key, word in list(self.cases.items()):
            if word.until is not None and now.monotonic_ns >= word.until.monotonic_ns:
                self._said_ns.pop(key, None)
                self.end(key)
        return []

    def wipe(self, now: Stamp) -> None:
        """What waits to be heard is forgotten, too."""
        self._said_ns.clear()
        Way.wipe(self, now)

    def link_up(self) -> None:
        """Say everything that may not have been heard, and what stands."""
        for key in list(self.cases):
            self._say(key)

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self._said_ns.clear()

    def _until(self, tell: Tell) -> Stamp | None:
        if tell.for_s is None or tell.at is None:
            return None
        over_ns = round(tell.for_s * NS_PER_S)
        return replace(tell.at, monotonic_ns=tell.at.monotonic_ns + over_ns)

    def _say(self, key: str) -> None:
        word = self.cases[key]
        if word.until is not None and self.monotonic_ns() >= word.until.monotonic_ns:
            return
        if self.publish(word.topic or key, word.body.encode(), retain=word.standing):
            self._said_ns[key] = self.monotonic_ns()
        else:
            self._said_ns.pop(key, None)
