"""Inputs on GPIO: from the edge of a contact to an ``InputChanged`` event.

Edges come from the pin library's thread, levels are read at start and every 250 ms beside them,
so a lost edge costs a quarter of a second and is noticed. What a level means for each kind of
input stands in ``devices.meaning``; believing it in ``devices.debounce``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gpiozero import DigitalInputDevice
from gpiozero.pins import Factory

from agent.config.schema.devices import Input
from agent.core.clock import Clock, Stamp, stamp, stamp_at
from agent.core.events import InputChanged, InputState
from agent.core.ids import DeviceName
from devices.debounce import Debouncer
from devices.meaning import Line, lines_of, state_of, timing_of
from devices.restless import Restless

log = logging.getLogger(__name__)

POLL_S = 0.25
POLLS_BEFORE_LOST = 2
LOST_EDGES_BEFORE_FAULT = 3
Post = Callable[[Callable[[], None]], None]
Later = Callable[[float, Callable[[], None]], object]


@dataclass(slots=True)
class _Watched:
    device: DeviceName
    config: Input
    line: Line
    pin: DigitalInputDevice
    debouncer: Debouncer
    told: bool = False
    untold_polls: int = 0
    unreadable: bool = False


class Contacts:
    """All inputs of the gate. Everything but the edge callbacks runs on the loop."""

    def __init__(
        self,
        inputs: Mapping[str, Input],
        factory: Factory,
        *,
        clock: Clock,
        post: Post,
        later: Later,
        emit: Callable[[InputChanged], None],
    ) -> None:
        """*post* runs a callable on the loop from any thread and never raises; *later* after s."""
        self._inputs = inputs
        self._factory = factory
        self._clock = clock
        self._post = post
        self._later = later
        self._emit = emit
        self._items: dict[str, list[_Watched]] = {}
        self._levels: dict[tuple[str, str], bool | None] = {}
        self._states: dict[str, InputState] = {}
        self.lost_edges = 0
        self.restless = Restless()

    def open(self) -> dict[str, str]:
        """Take the pins not held yet; returns the inputs that failed, with the reason."""
        failed: dict[str, str] = {}
        for name, config in self._inputs.items():
            if name in self._items:
                continue
            items: list[_Watched] = []
            try:
                for line in lines_of(config):
                    items.append(self._take(DeviceName(name), config, line))
            except Exception as error:  # noqa: BLE001 - pin libraries raise what they like
                failed[name] = f"pin {line.pin}: {error}"
                for item in items:
                    item.pin.close()
                continue
            self._items[name] = items
        return failed

    def start(self) -> None:
        """Read the levels of inputs not started yet, emit them as initial, follow their edges."""
        now = stamp(self._clock)
        for name in self.unstarted:
            for item in self._items[name]:
                level = bool(item.pin.value)
                timing = timing_of(item.config)
                item.debouncer = Debouncer(timing, level=level, now_ns=now.monotonic_ns)
                self._levels[item.device, item.line.role] = item.told = level
                self._listen(item)
            self._tell(DeviceName(name), self._inputs[name], now, initial=True)

    def poll(self) -> None:
        """Read every level; call every ``POLL_S``. Finds what the edges did not tell."""
        now_ns = self._clock.monotonic_ns()
        for item in self._watched():
            level = self._read(item)
            if level is None:
                continue
            item.untold_polls = item.untold_polls + 1 if item.told != level else 0
            if item.untold_polls == POLLS_BEFORE_LOST:
                self.lost_edges += 1
                item.told = level
                log.warning("input %s: an edge was not reported, found by polling", item.device)
            self._feed(item, level=level, at_ns=now_ns)

    @property
    def unstarted(self) -> tuple[str, ...]:
        """Inputs whose pins are held but whose state was not told yet."""
        return tuple(name for name in self._items if name not in self._states)

    @property
    def edges_trusted(self) -> bool:
        """False when polling had to find changes again and again: the edge thread is not well."""
        return self.lost_edges < LOST_EDGES_BEFORE_FAULT

    @property
    def glitches(self) -> int:
        """Edges that did not hold, over all inputs: noise on the lines."""
        return sum(item.debouncer.glitches for item in self._watched())

    @property
    def states(self) -> Mapping[str, InputState]:
        """The settled state of each input by name."""
        return self._states

    def close(self) -> None:
        """Give the pins back."""
        for item in self._watched():
            item.pin.close()
        self._items.clear()

    def _watched(self) -> Iterator[_Watched]:
        for items in self._items.values():
            yield from items

    def _take(self, device: DeviceName, config: Input, line: Line) -> _Watched:
        pin = DigitalInputDevice(
            line.pin, pull_up=line.pull_up, bounce_time=None, pin_factory=self._factory
        )
        try:
            level = bool(pin.value)
        except Exception:
            pin.close()
            raise
        debouncer = Debouncer(timing_of(config), level=level, now_ns=0)
        return _Watched(device, config, line, pin, debouncer)

    def _listen(self, item: _Watched) -> None:
        def rising() -> None:
            at_ns = self._clock.monotonic_ns()
            self._post(lambda: self._edge(item, level=True, at_ns=at_ns))

        def falling() -> None:
            at_ns = self._clock.monotonic_ns()
            self._post(lambda: self._edge(item, level=False, at_ns=at_ns))

        item.pin.when_activated = rising
        item.pin.when_deactivated = falling

    def _edge(self, item: _Watched, *, level: bool, at_ns: int) -> None:
        if item.pin.closed:
            return
        item.told = level
        self.restless.edge(item.device, at_ns)
        at_once = timing_of(item.config).confirm_ns == 0
        if at_once and self._read(item) is (not level):
            item.debouncer.glitches += 1
            return
        self._feed(item, level=level, at_ns=at_ns)

    def _read(self, item: _Watched) -> bool | None:
        """The level now; None when the pin cannot be read, which must not stop the others."""
        try:
            level = bool(item.pin.value)
        except Exception as error:  # noqa: BLE001 - pin libraries raise what they like
            if not item.unreadable:
                log.warning("input %s cannot be read: %s", item.device, error)
            item.unreadable = True
            return None
        item.unreadable = False
        return level

    def _feed(self, item: _Watched, *, level: bool, at_ns: int) -> None:
        before = item.debouncer.due_ns
        for change in item.debouncer.feed(level=level, at_ns=at_ns):
            self._levels[item.device, item.line.role] = change.level
            self._tell(item.device, item.config, stamp_at(self._clock, change.at_ns), initial=False)
        due_ns = item.debouncer.due_ns
        if due_ns is not None and due_ns != before:
            wait_s = max(due_ns - self._clock.monotonic_ns(), 0) / 1e9
            self._later(wait_s, lambda: self._recheck(item))

    def _recheck(self, item: _Watched) -> None:
        level = None if item.pin.closed else self._read(item)
        if level is not None:
            self._feed(item, level=level, at_ns=self._clock.monotonic_ns())

    def _tell(self, name: DeviceName, config: Input, at: Stamp, *, initial: bool) -> None:
        roles = {line.role: self._levels[name, line.role] for line in lines_of(config)}
        state = state_of(config, roles)
        if initial or self._states.get(name) is not state:
            self._states[name] = state
            self._emit(InputChanged(at, name, state, initial))
