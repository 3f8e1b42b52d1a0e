"""The agent watching itself: storage, clock and link, each told when it stays bad for a while."""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Resolve
from agent.core.events import ClockChanged, Event, LinkChanged, StorageChanged
from contract.words import Kind
from rules.base import Rule
from rules.texts import sentence

DEVICE = {
    Kind.STORAGE_DEGRADED: "outbox",
    Kind.CLOCK_UNSYNCED: "clock",
    Kind.LINK_DEGRADED: "link",
}
_OK_TEXT = {
    Kind.STORAGE_DEGRADED: "storage-ok",
    Kind.CLOCK_UNSYNCED: "clock-ok",
    Kind.LINK_DEGRADED: "link-ok",
}


@dataclass(slots=True)
class SelfRule(Rule):
    """One of the three. ``grace_s`` is how long it may be bad before it is an alert."""

    grace_s: float = 0.0
    _bad_since: Stamp | None = None
    _reason: str = ""
    _told: bool = False

    def on_event(self, event: Event) -> list[Decision]:
        """The condition became bad or good."""
        condition = self._condition(event)
        if condition is None:
            return []
        ok, reason = condition
        if ok:
            return self._good(event.at)
        self._reason = reason
        if self._bad_since is None:
            self._bad_since = event.at
        return self.on_time(event.at)

    @property
    def due_ns(self) -> int | None:
        """When the grace ends."""
        if self._bad_since is None or self._told:
            return None
        return self._bad_since.monotonic_ns + round(self.grace_s * NS_PER_S)

    def on_time(self, now: Stamp) -> list[Decision]:
        """The grace is over."""
        due_ns = self.due_ns
        if due_ns is None or self._bad_since is None or now.monotonic_ns < due_ns:
            return []
        self._told = True
        details = {"since": self._bad_since.utc, "reason": self._reason}
        kind = self.manner.kind
        return self.raised(now, DEVICE[kind], kind.value, details=details, lasting=True)

    def _condition(self, event: Event) -> tuple[bool, str] | None:
        match self.manner.kind, event:
            case Kind.STORAGE_DEGRADED, StorageChanged(ok=ok, reason=reason):
                return ok, reason
            case Kind.CLOCK_UNSYNCED, ClockChanged(synced=synced):
                return synced, "no time source disciplines the clock"
            case Kind.LINK_DEGRADED, LinkChanged(up=up, reason=reason):
                return up, reason
            case _:
                return None

    def _good(self, at: Stamp) -> list[Decision]:
        was_told, since = self._told, self._bad_since
        self._told, self._bad_since = False, None
        if not was_told or since is None:
            return []
        kind = self.manner.kind
        device = DEVICE[kind]
        text = sentence(_OK_TEXT[kind], self.places[device].label)
        return [Resolve(at, f"{self.manner.name}:{device}", text)]
