"""Buttons and lines: panic, medical and assist buttons, tamper loops.

Panic is latched: it stays an open incident, siren and all, until a person resets it at the gate.
A re-press within two seconds is the same press; any later one is told again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Close, Decision, Drive, Note, Resolve
from agent.core.events import Event, InputChanged, InputState, LatchReset
from rules.base import Rule
from rules.texts import sentence

REPRESS_LOCK_NS = 2 * NS_PER_S
_BAD_LINE = (InputState.CUT, InputState.SHORTED, InputState.FAULT)


@dataclass(slots=True)
class ButtonRule(Rule):
    """A press raises and is latched: incident and outputs stay until a reset.

    ``reset_keys`` are the key switches with which a person at the gate resets everything.
    """

    chosen: Collection[str] = ()
    reset_keys: Collection[str] = ()
    _presses: dict[str, int] = field(default_factory=dict)
    _last_press_ns: dict[str, int] = field(default_factory=dict)

    def on_event(self, event: Event) -> list[Decision]:
        """Presses, and resets of what is latched."""
        match event:
            case InputChanged(device=device) if self.concerns(device, self.chosen):
                return self._changed(event)
            case InputChanged(at=at, device=device, state=InputState.PRESSED, initial=False) if (
                device in self.reset_keys
            ):
                return self._reset(at, None, by=device)
            case LatchReset(at=at, device=device, by=by):
                return self._reset(at, device, by)
            case _:
                return []

    def _changed(self, event: InputChanged) -> list[Decision]:
        if event.state is not InputState.PRESSED:
            return []
        last_ns = self._last_press_ns.get(event.device)
        self._last_press_ns[event.device] = event.at.monotonic_ns
        if last_ns is not None and event.at.monotonic_ns - last_ns < REPRESS_LOCK_NS:
            return []
        presses = self._presses[event.device] = self._presses.get(event.device, 0) + 1
        text = self.manner.kind.value
        if event.initial and text == "panic":
            text = "panic-initial"
        details = {"presses": presses} | ({"at_start": True} if event.initial else {})
        return self.raised(event.at, event.device, text, details=details)

    def _reset(self, at: Stamp, device: str | None, by: str) -> list[Decision]:
        done: list[Decision] = []
        for name in [n for n in self._presses if device is None or n == device]:
            del self._presses[name]
            self._last_press_ns.pop(name, None)
            done.append(Close(f"{self.manner.name}:{name}"))
            where = self.places[name].where
            done.append(Note(at, "latch.reset", name, where, {"by": by, "rule": self.manner.name}))
        if done and not self._presses:
            done += [Actuate(output, Drive.OFF) for output in self.manner.outputs]
        return done


@dataclass(slots=True)
class TamperRule(Rule):
    """A line that is cut, shorted or faulty is told at once, also when found so at start.

    Loops have three states; any other input is faulty while its contact chatters.
    """

    chosen: Collection[str] = ()
    _bad: set[str] = field(default_factory=set)

    def on_event(self, event: Event) -> list[Decision]:
        """Follows the state of each line."""
        if not isinstance(event, InputChanged) or not self.concerns(event.device, self.chosen):
            return []
        if event.state not in _BAD_LINE:
            return self._intact(event)
        self._bad.add(event.device)
        details = {"line": event.state.value}
        text = f"tamper-{event.state.value}"
        return self.raised(event.at, event.device, text, details=details, lasting=True)

    def _intact(self, event: InputChanged) -> list[Decision]:
        if event.device not in self._bad:
            return []
        self._bad.discard(event.device)
        text = sentence("tamper-intact", self.places[event.device].label)
        return [Resolve(event.at, f"{self.manner.name}:{event.device}", text)]
