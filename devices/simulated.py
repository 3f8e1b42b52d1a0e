"""Hands for simulated pins: presses buttons and opens doors of an agent on mock pins.

Moves the pins of gpiozero's own MockFactory, so everything above the pin is the real path.
Product code: ``gatehouse sim``, the demo and trial installations use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory, MockPin

from agent.config.schema.devices import Input, TamperLoop
from agent.core.errors import CheckFailedError
from devices.meaning import Line, alarm_level, lines_of

Later = Callable[[float, Callable[[], None]], object]
_BUTTONS = ("panic", "medical", "assist", "reset", "exit", "answer")
_OPENING = ("door",)


class SimulatedGate:
    """Moves inputs by name. Raises CheckFailedError for what cannot be done, saying what can."""

    def __init__(self, inputs: Mapping[str, Input], factory: Factory, later: Later) -> None:
        if not isinstance(factory, MockFactory):
            raise CheckFailedError(
                "this agent runs on real pins; nothing is simulated"
                " (node.pin_factory is not 'mock')"
            )
        self._inputs = inputs
        self._factory = factory
        self._later = later
        self._cut: set[str] = set()

    def settle(self, names: Iterable[str]) -> None:
        """Bring inputs to rest, as a wired gate is when nobody touches it."""
        for name in names:
            self._rest(name)

    def press(self, name: str, for_s: float) -> None:
        """Press a button, or put a vehicle on a loop, and let go after *for_s* seconds."""
        config = self._find(name, (*_BUTTONS, "vehicle"), "press")
        self._set(lines_of(config)[0], level=alarm_level(config))
        self._later(for_s, lambda: self._release(name))

    def open(self, name: str) -> None:
        """Open a door."""
        config = self._find(name, _OPENING, "open")
        self._set(lines_of(config)[0], level=alarm_level(config))

    def close(self, name: str) -> None:
        """Close a door."""
        config = self._find(name, _OPENING, "close")
        self._set(lines_of(config)[0], level=not alarm_level(config))

    def cut(self, name: str) -> None:
        """Cut the wire of an input."""
        config = self._find(name, None, "cut")
        self._cut.add(name)
        if isinstance(config, TamperLoop):
            self._loop(config, cut=True, short=False)
        else:
            self._set(lines_of(config)[0], level=False)

    def short(self, name: str) -> None:
        """Short the wire of an input."""
        config = self._find(name, None, "short")
        self._cut.add(name)
        if isinstance(config, TamperLoop):
            self._loop(config, cut=False, short=True)
        else:
            self._set(lines_of(config)[0], level=True)

    def restore(self, name: str) -> None:
        """Repair a cut or shorted wire."""
        self._find(name, None, "restore")
        self._cut.discard(name)
        self._rest(name)

    def _release(self, name: str) -> None:
        if name not in self._cut:
            self._rest(name)

    def _rest(self, name: str) -> None:
        config = self._inputs[name]
        if isinstance(config, TamperLoop):
            self._loop(config, cut=False, short=False)
        else:
            self._set(lines_of(config)[0], level=not alarm_level(config))

    def _loop(self, config: TamperLoop, *, cut: bool, short: bool) -> None:
        cut_line, short_line = lines_of(config)
        self._set(cut_line, level=cut)
        self._set(short_line, level=short)

    def _set(self, line: Line, *, level: bool) -> None:
        pin: MockPin = self._factory.pin(line.pin)
        high = level is not line.pull_up
        pin.drive_high() if high else pin.drive_low()

    def _find(self, name: str, kinds: tuple[str, ...] | None, verb: str) -> Input:
        config = self._inputs.get(name)
        if config is None:
            known = ", ".join(self._inputs) or "none"
            raise CheckFailedError(f"there is no input '{name}' (inputs: {known})")
        if kinds is not None and config.type not in kinds:
            raise CheckFailedError(f"cannot {verb} '{name}': it is of type {config.type}")
        return config
