"""Pictures of leads on their way to the station: held in memory, sent once, gone within a minute.

::

    offered  --its alert is made---------------------> held
    offered  --no alert for 2 s----------------------> gone
    held     --the station acked the alert-----------> sent
    sent     --the link broke-------------------------> held
    sent     --15 s----------------------------------> gone
    held     --a minute, rejected, closed, basis over--> gone, and said to be
    held     --restarted-----------------------------> gone, and said to be

A picture never touches the disk of the gate, not even sealed: what was never written needs no
proof that flash memory forgot it. So a minute is all it waits for a station that does not answer;
the alert waits on. Of each only its alert, hash and length are kept over a restart, to say that it
is gone. Not here: how it is made (``agent.vision.evidence``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from agent.border.orders import LeadVerdict
from agent.config.schema.evidence import NO_BASIS
from agent.config.schema.evidence import Evidence as Basis
from agent.core.alerts import Evidence
from agent.core.answers import Ordered
from agent.core.clock import NS_PER_S, Clock, Stamp, stamp
from agent.core.decisions import Decision, Note, Raise
from agent.core.events import AckReceived, Event, IncidentChanged, LinkChanged, Stand
from agent.incidents.way import Way
from contract.topics import Address
from contract.words import FACE_LEADS, MAX_MESSAGE_BYTES, CommandName, Stage, Status

KEPT_NS = 60 * NS_PER_S
OFFERED_NS = 2 * NS_PER_S
SETTLED_NS = 15 * NS_PER_S
MOST_HELD = 8
N = 1
JPEG = b"\xff\xd8\xff"


class Publish(Protocol):
    """The link, as pictures see it."""

    def __call__(self, topic: str, body: bytes, *, retain: bool) -> bool:
        """QoS 1; False when the link does not carry."""


@dataclass(frozen=True, slots=True)
class Held:
    """A picture that stands in an alert. ``acked``: the station has the alert."""

    alert: str
    status: Status
    camera: str
    where: str
    sha256: str
    size: int
    since: Stamp
    acked: bool = False
    sent: Stamp | None = None


@dataclass(slots=True)
class Pictures(Way[Held]):
    """The pictures of this gate, by the alert that they stand in."""

    NAME: ClassVar[str] = "pictures"
    CASE: ClassVar[type] = Held

    basis: Basis | None
    address: Address
    publish: Publish
    clock: Clock
    _jpegs: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)
    _offered_ns: dict[str, int] = field(default_factory=dict, init=False)

    def offer(self, name: str, jpeg: bytes) -> str:
        """Hold a picture until its alert is made; why not, empty when it is held.

        *name* is the SHA-256 that vision told of it: vision's word alone lets nothing out.
        """
        why = NO_BASIS if self.basis is None else self.basis.ended(self.clock.utc_ns())
        whole = jpeg.startswith(JPEG) and len(jpeg) <= MAX_MESSAGE_BYTES
        if not why and not (whole and hashlib.sha256(jpeg).hexdigest() == name):
            why = "it is not the picture that it is said to be"
        if not why and len(self._jpegs) >= MOST_HELD:
            why = f"{MOST_HELD} pictures wait already"
        if not why:
            self._jpegs[name] = jpeg
            self._offered_ns[name] = self.clock.monotonic_ns()
        return why

    def claim(self, cause: Raise, alert: str) -> tuple[Evidence, ...]:
        """What *alert* says of the picture of its cause; nothing when none is held for it."""
        name, at = cause.picture, (cause.device, cause.where)
        if self._offered_ns.pop(name, None) is None:
            return ()
        size = len(self._jpegs[name])
        self.keep(alert, Held(alert, cause.status, *at, name, size, stamp(self.clock)))
        return (Evidence(N, name, size, cause.device),)

    @property
    def due_ns(self) -> int | None:
        """When the first picture has waited for long enough."""
        offered = [at_ns + OFFERED_NS for at_ns in self._offered_ns.values()]
        return min([*offered, *(_due_ns(held) for held in self.cases.values())], default=None)

    def on_event(self, event: Event) -> list[Decision]:
        """Acks, verdicts, the link."""
        match event:
            case IncidentChanged(kind=kind, stand=stand, alert=str()) if (
                kind in FACE_LEADS and stand is not Stand.ENDED
            ):
                return self._raised(event)
            case AckReceived(alert_id=alert, stage=stage) if alert in self.cases:
                if stage == Stage.CLOSED:
                    return self._gone(self.cases[alert], event.at, "the alert is closed")
                self.keep(alert, replace(self.cases[alert], acked=True))
                return self._send(alert, event.at)
            case Ordered(name=CommandName.LEAD_VERDICT):
                args = LeadVerdict.model_validate(event.args)
                if args.verdict == "reject" and args.alert_id in self.cases:
                    return self._gone(self.cases[args.alert_id], event.at, "the lead is rejected")
            case LinkChanged(up=False):
                for key, held in list(self.cases.items()):
                    self.keep(key, replace(held, sent=None))
            case LinkChanged():
                return [told for key in list(self.cases) for told in self._send(key, event.at)]
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Let go what nobody claimed, what the broker has, and what waited for a minute."""
        for name, at_ns in list(self._offered_ns.items()):
            if now.monotonic_ns - at_ns >= OFFERED_NS:
                del self._offered_ns[name], self._jpegs[name]
        told: list[Decision] = []
        for held in [held for held in self.cases.values() if _due_ns(held) <= now.monotonic_ns]:
            if held.sent is None:
                told += self._gone(held, now, "the station did not take it within a minute")
            else:
                self._forget(held)
        return told

    def resume(self, cases: Mapping[str, Held], now: Stamp) -> list[Decision]:
        """What an earlier life held is gone with it."""
        self.cases.update(cases)
        return [told for held in cases.values() for told in self._gone(held, now, "restarted")]

    def wipe(self, now: Stamp) -> None:
        """No picture waits any more."""
        self._jpegs.clear()
        self._offered_ns.clear()
        Way.wipe(self, now)

    def _raised(self, event: IncidentChanged) -> list[Decision]:
        """Whoever reads the events learns why a lead has no picture."""
        why = event.details.get("picture_withheld")
        if not why or event.alert is None:
            return []
        details = {"alert": event.alert, "why": why}
        at = (event.device, event.where)
        return [Note(event.at, "evidence.withheld", *at, details, event.status)]

    def _send(self, alert: str, now: Stamp) -> list[Decision]:
        held = self.cases[alert]
        if not held.acked or held.sent is not None:
            return []
        ended = NO_BASIS if self.basis is None else self.basis.ended(self.clock.utc_ns())
        if ended:
            return self._gone(held, now, ended)
        drill = held.status is Status.EXERCISE
        topic = self.address.topic("evidence", alert, str(N), drill=drill)
        if not self.publish(topic, self._jpegs[held.sha256], retain=False):
            return []
        self.keep(alert, replace(held, sent=now))
        details = {"alert": alert, "n": N, "sha256": held.sha256, "bytes": held.size}
        return [_note(held, "evidence.sent", now, details)]

    def _gone(self, held: Held, now: Stamp, why: str) -> list[Decision]:
        """Let go of it; one that the broker may have is said to be gone here, too."""
        self._forget(held)
        details = {"alert": held.alert, "n": N, "why": why, "sent": held.sent is not None}
        return [_note(held, "evidence.destroyed", now, details)]

    def _forget(self, held: Held) -> None:
        self._jpegs.pop(held.sha256, None)
        self.end(held.alert)


def _note(held: Held, kind: str, at: Stamp, details: Mapping[str, object]) -> Note:
    return Note(at, kind, held.camera, held.where, details, held.status)


def _due_ns(held: Held) -> int:
    if held.sent is not None:
        return held.sent.monotonic_ns + SETTLED_NS
    return held.since.monotonic_ns + KEPT_NS
