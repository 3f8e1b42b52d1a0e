"""Readers and the file of badges brought together: what was shown is looked up beside the loop.

Here: the look-up, and what a person at the gate may ask for through the local socket. Not here:
what a known person's card does (``agent.incidents.hands``), the hashes (``agent.access.badges``).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Any

from agent.access.badges import Badges, Proof
from agent.config.schema.guard import ReaderConfig
from agent.core.answers import BadgeShown
from agent.core.audit import AuditKind, Auditor
from agent.core.clock import Clock, Stamp, stamp
from agent.core.errors import CheckFailedError
from agent.core.events import ComponentState, Event
from agent.core.health import HealthBoard
from agent.core.secret import Secret
from agent.pipeline.local import PEER, Operation
from agent.runtime.threads import aside
from devices.keying import SEPARATOR, Entry
from devices.readers import keep_open, readers_of

log = logging.getLogger(__name__)

MOST_AT_ONCE = 4
_BY = {Proof.CARD: "card", Proof.CODE: "keypad"}


class BadgeDesk:
    """Runs on the loop. ``put`` takes events and is given once the inbox stands."""

    def __init__(
        self,
        badges: Badges,
        readers: Mapping[str, ReaderConfig],
        people: Collection[str],
        clock: Clock,
        audit: Auditor,
    ) -> None:
        self._badges = badges
        self._readers = readers
        self._people = people
        self._clock = clock
        self._audit = audit
        self._busy: Counter[str] = Counter()
        self.put: Callable[[Event], None] = lambda _: None

    def typed(self, reader: str, entry: Entry) -> None:
        """A whole entry came from *reader*; a flood of them is cut."""
        if self._busy[reader] >= MOST_AT_ONCE:
            return
        self._busy[reader] += 1
        at, proof, shown = stamp(self._clock), self._proof(reader), entry.text
        if proof is Proof.CARD:
            shown = Secret(shown.reveal().replace(SEPARATOR, ""))

        def done(found: Future[str | None]) -> None:
            self._busy[reader] -= 1
            self._tell(reader, at, proof, found.result(), entry.digit)

        aside(lambda: self._badges.find(proof, shown), done)

    async def read(self, put: Callable[[Event], None], health: HealthBoard, *, pipes: bool) -> None:
        """Keep every reader open; *pipes*: pipes stand for devices. *put* hears what was shown."""
        self.put = put
        devices = {name: item.device for name, item in self._readers.items()}
        readers = readers_of(devices, self._clock, self.typed, pipes=pipes)
        told = lambda name, why: _note_reader(health, self._clock, name, why)  # noqa: E731
        chance = random.SystemRandom().random
        kept = (keep_open(reader, name, told, chance) for name, reader in readers.items())
        await asyncio.gather(*kept)

    def table(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {
            "guard.enrol": self.enrol,
            "guard.withdraw": self.withdraw,
            "guard.people": self.people,
        }

    async def enrol(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give a person of the configuration a card or a code."""
        person = self._named(request)
        try:
            proof = Proof(str(request.get("proof")))
        except ValueError:
            raise CheckFailedError(f"a proof is {' or '.join(Proof)}") from None
        shown = Secret(str(request.get("shown") or ""))
        await asyncio.to_thread(self._badges.enrol, person, proof, shown)
        self._note(request, {"did": "enrol", "person": person, "proof": proof.value})
        return {"person": person, "proof": proof.value}

    def withdraw(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Forget what a person has, also one that the configuration no longer knows."""
        person = str(request.get("person"))
        if not self._badges.withdraw(person):
            raise CheckFailedError(f"'{person}' has neither card nor code here")
        self._note(request, {"did": "withdraw", "person": person})
        return {"person": person}

    def people(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """Who may answer here, and with what."""
        held = self._badges.people()
        names = dict.fromkeys([*self._people, *held])
        rows = [
            {"person": name, "known": name in self._people, "has": list(held.get(name, ()))}
            for name in names
        ]
        return {"people": rows}

    def _named(self, request: Mapping[str, Any]) -> str:
        person = str(request.get("person"))
        if person not in self._people:
            known = ", ".join(self._people) or "nobody"
            text = f"'{person}' is not in answering.people of the configuration ({known})"
            raise CheckFailedError(text)
        return person

    def _tell(
        self, reader: str, at: Stamp, proof: Proof, person: str | None, digit: int | None
    ) -> None:
        self.put(BadgeShown(at, reader, _BY[proof], person, digit))

    def _proof(self, reader: str) -> Proof:
        return Proof.CARD if self._readers[reader].type == "card" else Proof.CODE

    def _note(self, request: Mapping[str, Any], what: Mapping[str, str]) -> None:
        self._audit.note(AuditKind.ENROLMENT, str(request.get(PEER, "local")), what)


def _note_reader(health: HealthBoard, clock: Clock, name: str, why: str | None) -> None:
    part = f"reader.{name}"
    if why is None:
        health.note(part, ComponentState.OK)
        health.clear_issue("device-down", part)
        return
    health.note(part, ComponentState.DOWN, why)
    if health.raise_issue("device-down", part, why, stamp(clock)):
        log.warning("reader %s: %s", name, why)
