"""Doors: released by an exit button or a command, forced open, held open.

A door that opens without a release is forced. One that stays open is told twice: a warning, then
an alarm of higher severity in the same incident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.config.schema.devices import Door
from agent.config.schema.profiles import DoorLimits
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Close, Decision, Details, Drive, Note
from agent.core.events import DoorReleased, Event, InputChanged, InputState
from contract.words import Severity
from rules.base import Manner, Place, Rule
from rules.memory import Kept, Memory, Row

FORM = "door"


class Leaf(StrEnum):
    """Where the door's leaf stands, as far as its rule knows."""

    CLOSED = "closed"
    OPEN = "open"
    WARNED = "warned"
    HELD = "held"


class Turn(StrEnum):
    """What a door goes through."""

    OPENED = "opened"
    TOO_LONG = "open for too long"
    CLOSED = "closed"


TRANSITIONS = {
    (Leaf.CLOSED, Turn.OPENED): Leaf.OPEN,
    (Leaf.OPEN, Turn.TOO_LONG): Leaf.WARNED,
    (Leaf.WARNED, Turn.TOO_LONG): Leaf.HELD,
    **{(leaf, Turn.CLOSED): Leaf.CLOSED for leaf in Leaf},
}


@dataclass(slots=True)
class DoorWatch:
    """One door: follows contact, exit button and releases; answers for forced and held alike.

    ``limits`` are those of the profile that holds now, None: the door's own.
    """

    name: str
    config: Door
    place: Place
    forced: tuple[Rule, ...]
    held: tuple[Rule, ...]
    leaf: Leaf = Leaf.CLOSED
    stirred: bool = False
    _opened: Stamp | None = field(default=None)
    _released: Stamp | None = None
    _before: Row | None = None
    limits: Callable[[], DoorLimits | None] = field(default=lambda: None)

    def notes(self) -> list[Details]:
        """What its two kinds of rule noted."""
        return [why for rule in (*self.forced, *self.held) for why in rule.notes()]

    @property
    def key(self) -> str:
        """What its memory is kept under."""
        return f"door:{self.name}"

    def kept(self) -> Kept:
        """Since when it has been open and what was told of it; until when it is released."""
        return Kept(FORM, Memory(tuple(self._rows())))

    def recall_kept(self, kept: Kept) -> bool:
        """Go on with *kept* where the level that is read at start says that it is open still."""
        for row in kept.real.rows:
            if row.place == 0:
                self._released = row.at
            else:
                self._before = row
        return kept.form == FORM

    def _rows(self) -> Iterator[Row]:
        """Until when it is released (place 0); since when it is open (the place of its leaf)."""
        if self._released is not None:
            yield Row(self._released, ())
        if self._opened is not None:
            yield Row(self._opened, (), list(Leaf).index(self.leaf))
        elif self._before is not None:
            yield self._before

    def on_event(self, event: Event) -> list[Decision]:
        """Contact, exit button, releases."""
        self.stirred = True
        match event:
            case InputChanged(device=device) if device == self.config.contact:
                return self._contact(event)
            case InputChanged(device=device, state=InputState.PRESSED, initial=False) if (
                device == self.config.exit
            ):
                return self._exit(event)
            case DoorReleased(door=door) if door == self.name:
                return self._granted(event)
        return []

    @property
    def due_ns(self) -> int | None:
        """When an open door becomes a warning, then an alarm."""
        waits = (self.leaf, Turn.TOO_LONG) in TRANSITIONS
        if self._opened is None or not self.held or not waits:
            return None
        limits = self.limits() or self.config
        limit_s = limits.held_warn_s if self.leaf is Leaf.OPEN else limits.held_alarm_s
        return self._opened.monotonic_ns + round(limit_s * NS_PER_S)

    def on_time(self, now: Stamp) -> list[Decision]:
        """The door has been open for too long."""
        self.stirred = True
        due_ns = self.due_ns
        if due_ns is None or now.monotonic_ns < due_ns or not self._opened:
            return []
        first = self.leaf is Leaf.OPEN
        self._turn(Turn.TOO_LONG)
        open_s = (now.monotonic_ns - self._opened.monotonic_ns) // NS_PER_S
        details = {"open_s": open_s, "opened_at": self._opened.utc}
        done: list[Decision] = []
        for rule in self.held:
            severity = _milder(rule.manner) if first else rule.manner.severity
            done += rule.raised(now, self.name, "door.held", details=details, severity=severity)
        return done

    def _contact(self, event: InputChanged) -> list[Decision]:
        if event.state is InputState.CLOSED:
            return self._closed(event)
        if event.state is not InputState.OPEN or (self.leaf, Turn.OPENED) not in TRANSITIONS:
            return []
        self._turn(Turn.OPENED)
        self._opened = event.at
        before, self._before = self._before, None
        if before is not None and event.initial:
            self._opened = before.at
            while list(Leaf).index(self.leaf) < before.place:
                self._turn(Turn.TOO_LONG)
        until = self._released
        released = until is not None and event.at.monotonic_ns <= until.monotonic_ns
        done: list[Decision] = [self._note(event.at, "door.opened", {"released": released})]
        if not released and not event.initial:
            for rule in self.forced:
                done += rule.raised(event.at, self.name, "door.forced")
        return done

    def _closed(self, event: InputChanged) -> list[Decision]:
        was, self._opened, self._before = self.leaf, None, None
        self._turn(Turn.CLOSED)
        if event.initial or was is Leaf.CLOSED:
            return []
        rules = (*self.forced, *self.held)
        return [
            self._note(event.at, "door.closed", {}),
            *(Close(f"{rule.manner.name}:{self.name}") for rule in rules),
        ]

    def _turn(self, turn: Turn) -> None:
        try:
            self.leaf = TRANSITIONS[self.leaf, turn]
        except KeyError:
            raise ValueError(f"a door that is {self.leaf} cannot be {turn}") from None

    def _exit(self, event: InputChanged) -> list[Decision]:
        self._release(event.at, self.config.release_s)
        done: list[Decision] = [self._note(event.at, "door.exit", {})]
        if self.config.relay is not None:
            done.insert(0, Actuate(self.config.relay, Drive.PULSE))
        return done

    def _granted(self, event: DoorReleased) -> list[Decision]:
        self._release(event.at, event.for_s)
        details = {"method": event.cause, **event.details}
        return [self._note(event.at, "access.granted", details)]

    def _release(self, at: Stamp, for_s: float) -> None:
        for_ns = round(for_s * NS_PER_S)
        until = replace(at, monotonic_ns=at.monotonic_ns + for_ns, utc_ns=at.utc_ns + for_ns)
        if self._released is None or self._released.monotonic_ns < until.monotonic_ns:
            self._released = until

    def _note(self, at: Stamp, kind: str, details: dict[str, object]) -> Note:
        return Note(at, kind, self.name, self.place.where, details)


def _milder(manner: Manner) -> Severity:
    order = list(Severity)
    return order[min(order.index(manner.severity) + 1, len(order) - 1)]
