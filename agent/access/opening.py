"""One opening of a door on command, from the pulse to what the contact says of it. Pure.

A door that opens while the pulse still runs is opened; over while watching means that nobody went
through. A contact that says nothing is no proof and no failure: the pulse was given. Any other move
is an error of the caller. Here: the moves and the proof. Not here: pins, timers
(``agent.access.doors``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.clock import NS_PER_S
from agent.core.events import InputState


class Phase(StrEnum):
    """How far an opening is."""

    PLANNED = "planned"
    PULSING = "pulsing"
    OPENED = "opened"
    WATCHING = "watching"
    DONE = "done"
    FAILED = "failed"


class Signal(StrEnum):
    """What can happen to it."""

    RELAY_ON = "relay-on"
    RELAY_FAILED = "relay-failed"
    RELAY_OFF = "relay-off"
    OPENED = "opened"
    OVER = "over"


TRANSITIONS = {
    (Phase.PLANNED, Signal.RELAY_FAILED): Phase.FAILED,
    (Phase.PLANNED, Signal.RELAY_ON): Phase.PULSING,
    (Phase.PULSING, Signal.OPENED): Phase.OPENED,
    (Phase.PULSING, Signal.RELAY_OFF): Phase.WATCHING,
    (Phase.OPENED, Signal.RELAY_OFF): Phase.DONE,
    (Phase.WATCHING, Signal.OPENED): Phase.DONE,
    (Phase.WATCHING, Signal.OVER): Phase.DONE,
}
ENDS = frozenset({Phase.DONE, Phase.FAILED})


@dataclass(slots=True)
class Opening:
    """One opening of door ``door`` by its relay for ``pulse_s``; ``before`` is the contact's word.

    ``before`` None: the contact does not work.
    """

    door: str
    pulse_s: float
    before: InputState | None
    phase: Phase = Phase.PLANNED
    _began_ns: int = field(default=0)
    _opened_ns: int | None = field(default=None)
    _relay_back: bool = field(default=False)

    def relay_on(self, now_ns: int) -> None:
        """The relay obeyed; *now_ns* is monotonic, as every time here."""
        self._move(Signal.RELAY_ON)
        self._began_ns = now_ns

    def relay_failed(self) -> None:
        """The relay did not obey."""
        self._move(Signal.RELAY_FAILED)

    def relay_off(self, *, back: bool) -> None:
        """The pulse's time is over; *back*: the relay is in its safe state."""
        self._move(Signal.RELAY_OFF)
        self._relay_back = back

    def opened(self, now_ns: int) -> None:
        """The contact says open; before the pulse or for the second time it changes nothing."""
        if (self.phase, Signal.OPENED) in TRANSITIONS:
            self._move(Signal.OPENED)
            self._opened_ns = now_ns

    def over(self) -> None:
        """Nobody is waited for any longer."""
        self._move(Signal.OVER)

    @property
    def ended(self) -> bool:
        """True when there is nothing more to wait for."""
        return self.phase in ENDS

    def proof(self) -> dict[str, object]:
        """What was seen: the relay's pulse, and whether the door opened."""
        proof: dict[str, object] = {
            "door": self.door,
            "relay": "pulsed",
            "pulse_s": self.pulse_s,
            "relay_back": self._relay_back,
            "contact": contact_word(self.before),
        }
        if self.before is InputState.OPEN:
            proof["was_open"] = True
        if self._opened_ns is not None:
            proof["contact"] = InputState.OPEN.value
            proof["opened_after_s"] = round((self._opened_ns - self._began_ns) / NS_PER_S, 2)
        return proof

    def _move(self, signal: Signal) -> None:
        try:
            self.phase = TRANSITIONS[self.phase, signal]
        except KeyError:
            raise ValueError(f"an opening cannot take '{signal}' while {self.phase}") from None


def contact_word(state: InputState | None) -> str:
    """``open``, ``closed``, or ``unknown`` for a contact that does not work."""
    known = state in (InputState.OPEN, InputState.CLOSED)
    return state.value if known and state is not None else "unknown"
