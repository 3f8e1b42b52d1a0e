"""What the gate publishes of itself: birth, state, reports, heartbeats.

Here: which of these go out when. Their bodies are ``agent.pipeline.presence``'s.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence

from agent.border.messages import Hello
from agent.core.alerts import drill_mark
from agent.core.audit import Head
from agent.core.health import HealthBoard
from agent.incidents.book import IncidentBook
from agent.link.link import Link, Retained
from agent.outbox.outbox import Outbox
from agent.pipeline.presence import Presence, Waiting
from agent.watchlist.service import Watchlist
from agent.watchlist.store import Applied
from contract.topics import Address
from contract.words import Document, Status

JITTER = 0.1


class Announcer:
    """Speaks for the gate. ``link`` is given once it is made."""

    def __init__(
        self,
        address: Address,
        presence: Presence,
        health: HealthBoard,
        outbox: Outbox,
        book: IncidentBook,
        watchlist: Watchlist,
        hello: Callable[[], Hello | None],
        audit_head: Callable[[], Head | None] = lambda: None,
    ) -> None:
        """*audit_head*: the newest durable record of the audit log, for the heartbeat."""
        self._address = address
        self._presence = presence
        self._health = health
        self._outbox = outbox
        self._book = book
        self._watchlist = watchlist
        self._hello = hello
        self._audit_head = audit_head
        self.link: Link | None = None

    def will(self) -> Retained:
        """What the broker says when we are gone without a word."""
        state = self._presence.state(online=False, reason="connection lost")
        return Retained(self._address.topic("state"), state)

    def birth(self) -> Sequence[Retained]:
        """Everything that stands at the broker about us."""
        state = self._presence.state(online=True, reason="online")
        reports = [self._report(applied) for applied in self._watchlist.reports()]
        return [
            Retained(self._address.topic("state"), state),
            Retained(self._address.topic("meta"), self._presence.meta(self._hello())),
            *reports,
        ]

    def rebirth(self) -> Mapping[str, object]:
        """Say everything again; the proof of the command of that name."""
        for message in self.birth():
            self.publish(message.topic, message.payload, retain=True)
        return {"reborn": True}

    def identity(self) -> Mapping[str, object]:
        """Who this gate is, for people at the gate."""
        link_up = self.link is not None and self.link.up
        return {"gate": self._address.client_id, "link": link_up, **self._presence.identity()}

    def goodbye(self) -> None:
        """A stop that is meant."""
        state = self._presence.state(online=False, reason="stopped")
        self.publish(self._address.topic("state"), state, retain=True)

    def models_changed(self) -> None:
        """Vision came or went: the birth's list of models changed."""
        meta = self._presence.meta(self._hello())
        self.publish(self._address.topic("meta"), meta, retain=True)

    def watchlist_changed(self, applied: Applied) -> None:
        """Report what stands at the gate."""
        message = self._report(applied)
        self.publish(message.topic, message.payload, retain=True)

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> bool:
        """QoS 1, as far as the link carries now; what must not be lost goes by the outbox."""
        return self.link is not None and self.link.publish(topic, body, retain=retain)

    def report(self, topic: str, body: bytes) -> bool:
        """A word that stands at the broker."""
        return self.publish(topic, body, retain=True)

    def follow(self, topic: str) -> None:
        """Hear one more topic, as long as this connection lasts."""
        if self.link is not None:
            self.link.follow(topic)

    def unfollow(self, topic: str) -> None:
        """Hear it no more."""
        if self.link is not None:
            self.link.unfollow(topic)

    def elsewhere(self) -> bool:
        """Speak at the next broker; False where there is none."""
        return self.link is not None and self.link.elsewhere()

    async def beat(self) -> None:
        """Heartbeats until cancelled, each period jittered by a tenth."""
        while True:
            period_s = self.beat_once()
            await asyncio.sleep(period_s * random.uniform(1 - JITTER, 1.0))  # noqa: S311 - jitter

    def beat_once(self) -> float:
        """One heartbeat if the link carries; seconds until the next is due."""
        if self.link is None or not self.link.up:
            return 1.0
        fullness = self._outbox.fullness
        waiting = Waiting(fullness.pending, fullness.oldest_s)
        busy = self._book.open_count > 0
        head = self._audit_head()
        body, period_s = self._presence.heartbeat(self._health, waiting, head, busy=busy)
        self.link.publish(self._address.topic("hb"), body, qos=0)
        return period_s

    def _report(self, applied: Applied) -> Retained:
        drill = applied.status is Status.EXERCISE
        topic = self._address.topic("reported", Document.WATCHLIST, drill=drill)
        body = {**applied.told(), **drill_mark(drill=drill)}
        return Retained(topic, json.dumps(body, ensure_ascii=False).encode())
