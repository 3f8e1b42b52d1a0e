"""The gate's wiring as one: pins, inputs, outputs, and on mock pins the hands that move them.

Here: opening, retrying what does not open, closing in reverse. One bad pin never keeps the others
from working.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from gpiozero.pins import Factory

from agent.config.schema.root import Config
from agent.core.audit import NO_AUDIT, AuditKind, Auditor
from agent.core.clock import Clock
from agent.core.decisions import Drive
from agent.core.errors import DeviceError
from agent.core.events import InputChanged, InputState
from devices.contacts import Contacts, Post
from devices.guard import Guard
from devices.outputs import Later, Outputs
from devices.pins import open_pins
from devices.simulated import SimulatedGate

log = logging.getLogger(__name__)


class Panel:
    """Inputs and outputs of one gate. Runs on the loop."""

    def __init__(
        self,
        config: Config,
        *,
        work_dir: Path,
        clock: Clock,
        post: Post,
        later: Later,
        emit: Callable[[InputChanged], None],
        audit: Auditor = NO_AUDIT,
        guard: Guard | None = None,
    ) -> None:
        """*guard* watches over the gate relays; none: nobody does."""
        self._config = config
        self._guard = guard
        self._work_dir = work_dir
        self._clock = clock
        self._post = post
        self._later = later
        self._emit = emit
        self._audit = audit
        self._factory: Factory | None = None
        self._outputs: Outputs | None = None
        self._contacts: Contacts | None = None
        self.simulated: SimulatedGate | None = None
        self.failed: dict[str, str] = {}

    def open(self) -> None:
        """Open what is not open yet and start its inputs; what failed stands in ``failed``.

        Call it again, with a back-off, while ``failed`` is not empty.
        """
        if self._factory is None and not self._open_factory():
            return
        if self._outputs is None or self._contacts is None:
            return
        failed = {f"output.{name}": why for name, why in self._outputs.open().items()}
        failed |= {f"input.{name}": why for name, why in self._contacts.open().items()}
        for name, why in failed.items():
            if name not in self.failed:
                log.warning("%s cannot be opened: %s", name, why)
        self.failed = failed
        if self.simulated is not None:
            self.simulated.settle(self._contacts.unstarted)
        self._contacts.start()

    def drive(
        self, name: str, drive: Drive, for_s: float | None = None, spent_s: float = 0.0
    ) -> None:
        """Drive an output; DeviceError when it is not there or does not obey."""
        if self._outputs is None:
            raise DeviceError(f"output {name}: the pins of this gate are not open")
        self._outputs.drive(name, drive, for_s, spent_s)
        if drive is not Drive.OFF and self._config.outputs[name].type == "gate":
            self._audit.note(AuditKind.UNLOCK, "gate", {"output": name})

    def poll(self) -> None:
        """Read every level beside the edges."""
        if self._contacts is not None:
            self._contacts.poll()

    @property
    def contacts(self) -> Contacts | None:
        """The inputs, once the pins are open."""
        return self._contacts

    def state_of(self, name: str) -> InputState | None:
        """What an input says; None when it could not be opened."""
        return None if self._contacts is None else self._contacts.states.get(name)

    def driven(self) -> dict[str, bool]:
        """Which outputs are away from their safe state."""
        return {} if self._outputs is None else self._outputs.driven()

    def close(self) -> None:
        """Outputs safe, pins given back."""
        if self._contacts is not None:
            self._contacts.close()
        if self._outputs is not None:
            self._outputs.close()
        if self._factory is not None:
            self._factory.close()
        self._contacts = self._outputs = self._factory = None
        if self._guard is not None:
            self._guard.close()

    def _open_factory(self) -> bool:
        if not self._config.inputs and not self._config.outputs:
            return False
        if self._guard is not None and self._guard.pid is None:
            self._guard.start()
        try:
            factory = open_pins(self._config.node.pin_factory, self._work_dir)
        except DeviceError as error:
            if "gpio" not in self.failed:
                log.error("%s", error)  # noqa: TRY400 - an expected failure, its text says it all
            self.failed = {"gpio": str(error)}
            return False
        self._factory = factory
        self._outputs = Outputs(self._config.outputs, factory, later=self._later, guard=self._guard)
        self._contacts = Contacts(
            self._config.inputs,
            factory,
            clock=self._clock,
            post=self._post,
            later=self._later,
            emit=self._emit,
        )
        if self._config.node.pin_factory == "mock":
            self.simulated = SimulatedGate(self._config.inputs, factory, self._later)
        return True
