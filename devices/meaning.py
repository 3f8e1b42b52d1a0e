"""What the level of a line means for each kind of input, and how its wiring looks at rest.

Pure tables. A level is *active* (True) when the pin is away from its pull: with the pull-up on,
active is low, a contact closed to ground.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.config.schema.devices import Input, PanicButton, TamperLoop
from agent.core.events import InputState
from devices.debounce import MS, Timing


@dataclass(frozen=True, slots=True)
class Line:
    """One GPIO line of an input. ``role`` tells the lines of one input apart."""

    role: str
    pin: int
    pull_up: bool


_STATES: Mapping[str, tuple[InputState, InputState]] = {
    "panic": (InputState.PRESSED, InputState.RELEASED),
    "medical": (InputState.PRESSED, InputState.RELEASED),
    "assist": (InputState.PRESSED, InputState.RELEASED),
    "reset": (InputState.PRESSED, InputState.RELEASED),
    "exit": (InputState.PRESSED, InputState.RELEASED),
    "answer": (InputState.PRESSED, InputState.RELEASED),
    "door": (InputState.OPEN, InputState.CLOSED),
    "vehicle": (InputState.PRESENT, InputState.ABSENT),
}
_LOOP_STATES = {
    (False, False): InputState.INTACT,
    (True, False): InputState.CUT,
    (False, True): InputState.SHORTED,
}


def lines_of(config: Input) -> tuple[Line, ...]:
    """The GPIO lines of an input."""
    if isinstance(config, TamperLoop):
        return (Line("cut", config.cut_pin, True), Line("short", config.short_pin, True))
    return (Line("contact", config.pin, config.pull == "up"),)


def timing_of(config: Input) -> Timing:
    """How an input is debounced: panic at once, everything else when it has held."""
    window_ns = config.debounce_ms * MS
    confirm_ns = config.confirm_ms * MS if isinstance(config, PanicButton) else window_ns
    return Timing(stable_ns=window_ns, confirm_ns=confirm_ns)


def state_of(config: Input, levels: Mapping[str, bool | None]) -> InputState:
    """The state that *levels* (by role; None: chattering) mean."""
    if isinstance(config, TamperLoop):
        cut, short = levels["cut"], levels["short"]
        if cut is None or short is None:
            return InputState.FAULT
        return _LOOP_STATES.get((cut, short), InputState.FAULT)
    level = levels["contact"]
    if level is None:
        return InputState.FAULT
    on, off = _STATES[config.type]
    return on if level is alarm_level(config) else off


def alarm_level(config: Input) -> bool:
    """The level of the contact in its non-resting state: open for ``nc``, closed for ``no``."""
    return not isinstance(config, TamperLoop) and config.wiring == "no"
