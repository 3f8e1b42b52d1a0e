"""Words to the station that are neither alerts nor facts, kept until they are surely heard.

A word is said at once, and again after every reconnection and restart, until the link has carried
for ``SETTLED_S`` after it. A standing one stays: it is retained at the broker and part of every
birth. Here: which words wait. Not here: who says what.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from agent.core.alerts import drill_mark
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Tell
from agent.incidents.way import Way
from contract.topics import Address
from contract.words import Status

SETTLED_NS = 15 * NS_PER_S


class Publish(Protocol):
    """The link, as words see it."""

    def __call__(self, topic: str, body: bytes, *, retain: bool) -> bool:
        """QoS 1; False when the link does not carry."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: ``body`` is JSON as it travels."""

    body: str
    standing: bool


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
            topic = self.address.respond(tell.area)
        body = json.dumps({**tell.body, **drill_mark(drill=drill)}, ensure_ascii=False)
        self.keep(topic, Word(body, tell.standing))
        self._say(topic)

    @property
    def due_ns(self) -> int | None:
        """When the first word has been said for long enough."""
        return min(self._said_ns.values()) + SETTLED_NS if self._said_ns else None

    def on_time(self, now: Stamp) -> list[Decision]:
        """Forget what the broker surely has; what stands is kept."""
        for topic, said_ns in list(self._said_ns.items()):
            if now.monotonic_ns - said_ns >= SETTLED_NS:
                del self._said_ns[topic]
                if not self.cases[topic].standing:
                    self.end(topic)
        return []

    def link_up(self) -> None:
        """Say everything that may not have been heard, and what stands."""
        for topic in list(self.cases):
            self._say(topic)

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self._said_ns.clear()

    def _say(self, topic: str) -> None:
        word = self.cases[topic]
        if self.publish(topic, word.body.encode(), retain=word.standing):
            self._said_ns[topic] = self.monotonic_ns()
        else:
            self._said_ns.pop(topic, None)
