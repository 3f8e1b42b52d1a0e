"""Documents that the station wants to stand at this gate: taken, gathered, refused, reported.

A document is applied whole or not at all; what stood before stays until then. One that comes in
chunks is fetched: each chunk's topic is subscribed to in turn, and the broker hands over what it
keeps there. So nothing unsigned is stored, memory holds one chunk at a time, and a reconnection
costs no second copy. A broker that keeps nothing for us (another node of a cluster) gets another
chance: once a chunk did not come, all are heard, and the station may say them again. Here: this
sequence and what is reported of it. Not here: what a document must be (``agent.watchlist``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Protocol

from agent.core.alerts import drill_mark
from agent.core.errors import RefusedError
from agent.watchlist.gathering import Gathering
from agent.watchlist.manifest import is_chunked
from agent.watchlist.service import Watchlist, branch
from agent.watchlist.store import Applied
from contract.topics import Address
from contract.words import MAX_MESSAGE_BYTES, Document, Refusal

log = logging.getLogger(__name__)

MISSING_S = 15.0
ALL = "+"
LONGEST_S = 600.0
_NOTHING: Mapping[str, object] = {"version": 0, "hash": "", "applied_at": None, "rejected": []}


class Reach(Protocol):
    """The broker, as documents need it. Nothing happens while the link is down."""

    def report(self, topic: str, body: bytes) -> object:
        """Publish with QoS 1, retained."""

    def follow(self, topic: str) -> None:
        """Hear *topic*: first what the broker keeps there, then what is new."""

    def unfollow(self, topic: str) -> None:
        """Hear it no more."""


Aside = Callable[[Callable[[], Applied], Callable[["Future[Applied]"], None]], None]
Later = Callable[[float, Callable[[], None]], object]


class Desired:
    """Hears ``~/desired``. Runs on the loop; *aside* runs a blocking call beside it."""

    def __init__(
        self, address: Address, watchlist: Watchlist, reach: Reach, later: Later, aside: Aside
    ) -> None:
        """*later* calls a function after so many seconds; *aside* calls back on the loop."""
        self._address = address
        self._watchlist = watchlist
        self._reach = reach
        self._later = later
        self._aside = aside
        self._gathering: dict[bool, Gathering] = {}
        self._asked = 0
        self._latest: dict[bool, int] = {}
        self.refused = 0
        watchlist.when_wiped(self._forget)

    def hear(self, name: str, payload: bytes, *, drill: bool) -> None:
        """A document, or its manifest; RefusedError when refused, and then it was reported."""
        if not payload:
            topic = self._address.topic("desired", name, drill=drill)
            log.info("%s was emptied at the broker; what stands at the gate stays", topic)
            return
        try:
            self._take(name, payload, drill=drill)
        except RefusedError as error:
            self._report_refusal(name, error, drill=drill)
            raise

    def hear_chunk(self, name: str, number: str, payload: bytes, *, drill: bool) -> None:
        """A chunk; one that nobody waits for is passed over."""
        gathering = self._gathering.get(drill)
        if name != Document.WATCHLIST or gathering is None or number != str(gathering.wanted):
            return
        if not payload:
            return
        try:
            gathering.take(payload)
            self._reach.unfollow(self._topic(number, drill=drill))
            if gathering.wanted is None:
                del self._gathering[drill]
                self._reach.unfollow(self._topic(ALL, drill=drill))
                self._apply(gathering, drill=drill)
            else:
                self._fetch(gathering, drill=drill)
        except RefusedError as error:
            if error.reason != Refusal.INCOMPLETE:
                self._gathering.pop(drill, None)
            self._report_refusal(name, error, drill=drill)
            raise

    def link_up(self) -> None:
        """Ask again for what was asked for when the link went."""
        for drill, gathering in self._gathering.items():
            self._fetch(gathering, drill=drill)

    def _forget(self) -> None:
        """Drop what was gathered so far."""
        for drill, gathering in self._gathering.items():
            self._reach.unfollow(self._topic(str(gathering.wanted), drill=drill))
        self._gathering.clear()

    def _take(self, name: str, payload: bytes, *, drill: bool) -> None:
        if name != Document.WATCHLIST:
            raise RefusedError(Refusal.UNSUPPORTED, f"this gate keeps no '{name[:32]}'")
        if len(payload) <= MAX_MESSAGE_BYTES and is_chunked(payload):
            self._begin(payload, drill=drill)
            return
        if len(payload) > MAX_MESSAGE_BYTES:
            raise RefusedError(Refusal.TOO_LARGE, f"{len(payload)} bytes in one message")
        applied = self._watchlist.apply(payload, drill=drill)
        under_way = self._gathering.get(drill)
        if under_way is not None and under_way.manifest.version <= applied.version:
            del self._gathering[drill]

    def _begin(self, payload: bytes, *, drill: bool) -> None:
        gathering = self._watchlist.begin(payload, drill=drill)
        if gathering is None:
            return
        under_way = self._gathering.get(drill)
        if under_way is not None and under_way.manifest == gathering.manifest:
            gathering = under_way
        self._gathering[drill] = gathering
        self._fetch(gathering, drill=drill)

    def _fetch(self, gathering: Gathering, *, drill: bool, wait_s: float = MISSING_S) -> None:
        """Ask for the wanted chunk, and look later whether it came."""
        number = gathering.wanted
        self._asked += 1
        asked = self._asked
        self._reach.follow(self._topic(str(number), drill=drill))

        def look() -> None:
            if self._waits_for(gathering, number, drill=drill) and asked == self._latest[drill]:
                error = RefusedError(Refusal.INCOMPLETE, f"{gathering.progress} is missing")
                if wait_s == MISSING_S:
                    self._reach.follow(self._topic(ALL, drill=drill))
                    self._report_refusal(Document.WATCHLIST, error, drill=drill)
                    log.warning("a document is %s", error)
                self._fetch(gathering, drill=drill, wait_s=min(2 * wait_s, LONGEST_S))

        self._latest[drill] = asked
        self._later(wait_s, look)

    def _waits_for(self, gathering: Gathering, number: int | None, *, drill: bool) -> bool:
        return self._gathering.get(drill) is gathering and gathering.wanted == number

    def _apply(self, gathering: Gathering, *, drill: bool) -> None:
        bundle = gathering.bundle()

        def done(outcome: Future[Applied]) -> None:
            try:
                self._watchlist.stored(outcome.result())
            except RefusedError as error:
                log.warning("a document is not used: %s", error)
                self._report_refusal(Document.WATCHLIST, error, drill=drill)

        self._aside(lambda: self._watchlist.store(bundle), done)

    def _topic(self, number: str, *, drill: bool) -> str:
        return self._address.topic("desired", Document.WATCHLIST, number, drill=drill)

    def _standing(self, *, drill: bool) -> Applied | None:
        """The list that stands."""
        ours = (found for found in self._watchlist.applied() if branch(found.status) is drill)
        return next(ours, None)

    def _report_refusal(self, name: str, error: RefusedError, *, drill: bool) -> None:
        """Tell the station what stands and why its document does not."""
        self.refused += 1
        if name not in set(Document):
            return
        standing = self._standing(drill=drill) if name == Document.WATCHLIST else None
        told = _NOTHING if standing is None else standing.told()
        topic = self._address.topic("reported", name, drill=drill)
        body = {**told, **drill_mark(drill=drill), "refused": str(error)[:300]}
        self._reach.report(topic, json.dumps(body, ensure_ascii=False).encode())
