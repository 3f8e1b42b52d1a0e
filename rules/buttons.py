"""Buttons and lines: panic, medical and assist buttons, tamper loops.

Panic is latched: it stays an open incident, siren and all, until a person resets it at the gate.
A re-press within two seconds is the same press; any later one is told again. A button that goes on
and on is stuck, or somebody is: after ten tellings it is told once a minute, with the count.
A line that chatters is told once, and is well again when it has been quiet for half a minute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Close, Decision, Drive, Note, Resolve
from agent.core.events import Event, InputChanged, InputState, LatchReset
from rules.base import Rule
from rules.texts import sentence

REPRESS_LOCK_NS = 2 * NS_PER_S
MANY_PRESSES = 10
STUCK_COOLDOWN_S = 60.0
CALM_NS = 30 * NS_PER_S
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
        stuck_s = STUCK_COOLDOWN_S if presses > MANY_PRESSES else 0.0
        return self.raised(
            event.at, event.device, text, details=details, cooldown_s=stuck_s, latched=True
        )

    def recall(self, last_seen: Mapping[str, Stamp], now: Stamp) -> list[Decision]:
        """What was latched stays so, and sounds for what is left of its time.

        The next press goes on with it, a reset ends it.
        """
        pressed: list[Stamp] = []
        for key, at in last_seen.items():
            rule, _, device = key.partition(":")
            if rule == self.manner.name and self.concerns(device, self.chosen):
                self._presses[device] = 1
                pressed.append(at)
        if not pressed:
            return []
        last_ns = max(at.monotonic_ns for at in pressed)
        spent_s = max(0, now.monotonic_ns - last_ns) / NS_PER_S
        return [Actuate(output, Drive.ON, spent_s=spent_s) for output in self.manner.outputs]

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
    _bad: dict[str, InputState] = field(default_factory=dict)
    _calm: dict[str, Stamp] = field(default_factory=dict)

    def on_event(self, event: Event) -> list[Decision]:
        """Follows the state of each line."""
        if not isinstance(event, InputChanged) or not self.concerns(event.device, self.chosen):
            return []
        if event.state not in _BAD_LINE:
            return self._intact(event)
        self._bad[event.device] = event.state
        self._calm.pop(event.device, None)
        details = {"line": event.state.value}
        text = f"tamper-{event.state.value}"
        return self.raised(event.at, event.device, text, details=details, lasting=True)

    @property
    def due_ns(self) -> int | None:
        """When a line that chattered has been quiet for long enough."""
        quiet = min((at.monotonic_ns for at in self._calm.values()), default=None)
        return None if quiet is None else quiet + CALM_NS

    def on_time(self, now: Stamp) -> list[Decision]:
        """Lines that chattered and are well again."""
        calm = [d for d, at in self._calm.items() if now.monotonic_ns >= at.monotonic_ns + CALM_NS]
        return [self._resolved(now, device) for device in calm]

    def _intact(self, event: InputChanged) -> list[Decision]:
        was = self._bad.get(event.device)
        if was is None:
            return []
        if was is InputState.FAULT:
            self._calm.setdefault(event.device, event.at)
            return []
        return [self._resolved(event.at, event.device)]

    def _resolved(self, at: Stamp, device: str) -> Decision:
        self._bad.pop(device, None)
        self._calm.pop(device, None)
        text = sentence("tamper-intact", self.places[device].label)
        return Resolve(at, f"{self.manner.name}:{device}", text)
