"""Outputs on GPIO: sirens, beacons and relays that can only be on for a bounded time.

Every ON has an end; at start, at stop and when a pulse ends an output is in its safe state. For
the pulse of a gate relay a second process (``devices.guard``) makes sure of its end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from gpiozero import DigitalOutputDevice
from gpiozero.pins import Factory

from agent.config.schema.devices import GateRelay, Output
from agent.core.decisions import Drive
from agent.core.errors import DeviceError
from devices.guard import NoGuard, Watches

log = logging.getLogger(__name__)


class Timer(Protocol):
    """What a scheduled call can be told."""

    def cancel(self) -> None:
        """Do not make the call."""


Later = Callable[[float, Callable[[], None]], Timer]


class Outputs:
    """All outputs of the gate. Runs on the loop; driving never blocks and never raises late."""

    def __init__(
        self,
        outputs: Mapping[str, Output],
        factory: Factory,
        *,
        later: Later,
        guard: Watches | None = None,
    ) -> None:
        """*later* calls a function after so many seconds, as ``loop.call_later`` does."""
        self._guard = guard or NoGuard()
        self._config = outputs
        self._factory = factory
        self._later = later
        self._pins: dict[str, DigitalOutputDevice] = {}
        self._ends: dict[str, Timer] = {}

    def open(self) -> dict[str, str]:
        """Take the pins not held yet, in their safe state; returns those that failed, and why."""
        failed: dict[str, str] = {}
        for name, config in self._config.items():
            if name in self._pins:
                continue
            try:
                self._pins[name] = DigitalOutputDevice(
                    config.pin,
                    active_high=config.active == "high",
                    initial_value=_safe(config),
                    pin_factory=self._factory,
                )
            except Exception as error:  # noqa: BLE001 - pin libraries raise what they like
                failed[name] = f"pin {config.pin}: {error}"
        return failed

    def drive(
        self, name: str, drive: Drive, for_s: float | None = None, spent_s: float = 0.0
    ) -> None:
        """Drive output *name*; ON and PULSE end after ``for_s`` or the output's bound if less.

        Of that time *spent_s* passed before the program started; where nothing is left of it, or
        the output is on for a reason of this life, nothing changes.
        Raises DeviceError for an unknown name or a pin that does not obey.
        """
        config, pin = self._config.get(name), self._pins.get(name)
        if config is None or pin is None:
            raise DeviceError(f"output {name} is not there or could not be opened")
        if drive is Drive.OFF:
            self._set(name, pin, on=_safe(config))
            self._cancel(name)
            self._guard.disarm(name)
            return
        bound_s = bound_of(config)
        on_s = (min(for_s, bound_s) if for_s is not None else bound_s) - spent_s
        if on_s <= 0 or (spent_s > 0 and name in self._ends):
            return
        self._cancel(name)
        if isinstance(config, GateRelay):
            level = _safe(config) is (config.active == "high")
            self._guard.arm(name, config.pin, level=level, for_s=on_s)
        self._ends[name] = self._later(on_s, lambda: self._end(name, config, pin))
        self._set(name, pin, on=not _safe(config))

    def driven(self) -> dict[str, bool]:
        """Which outputs are away from their safe state."""
        return {n: bool(pin.value) != _safe(self._config[n]) for n, pin in self._pins.items()}

    def close(self) -> None:
        """Set every output safe and give the pins back."""
        for name in list(self._ends):
            self._cancel(name)
        for name, pin in self._pins.items():
            try:
                pin.value = _safe(self._config[name])
            except Exception:
                log.exception("output %s could not be set to its safe state", name)
            self._guard.disarm(name)
            pin.close()
        self._pins.clear()

    def _end(self, name: str, config: Output, pin: DigitalOutputDevice) -> None:
        self._ends.pop(name, None)
        try:
            self._set(name, pin, on=_safe(config))
        except DeviceError:
            log.exception("output %s could not be set back", name)
        self._guard.disarm(name)

    def _set(self, name: str, pin: DigitalOutputDevice, *, on: bool) -> None:
        try:
            pin.value = on
        except Exception as error:
            raise DeviceError(f"output {name} does not obey: {error}") from error

    def _cancel(self, name: str) -> None:
        timer = self._ends.pop(name, None)
        if timer is not None:
            timer.cancel()


def bound_of(config: Output) -> float:
    """The longest time in seconds that an output may be away from its safe state at once."""
    return config.pulse_s if isinstance(config, GateRelay) else config.max_s


def _safe(config: Output) -> bool:
    return isinstance(config, GateRelay) and config.safe_state == "on"
