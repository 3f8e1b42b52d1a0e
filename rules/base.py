"""What a rule is: it hears events and the passing of time, and answers with decisions.

Pure: no I/O, no clock of its own; every call carries its time. A rule that raises loses one
decision, not the agent (``rules.engine``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from agent.config.schema.base import Label
from agent.core.clock import Stamp
from agent.core.decisions import Actuate, Decision, Details, Drive, Raise
from agent.core.events import Event
from agent.core.text import Text
from contract.words import Kind, Severity, Status, Urgency
from rules.texts import sentence
from rules.windows import Windows

MOST_NOTES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """What a device is called and where it is."""

    where: str
    label: Label


@dataclass(frozen=True, slots=True)
class Manner:
    """How a rule speaks: its name, what it raises, when, how loudly."""

    name: str
    kind: Kind
    severity: Severity
    urgency: Urgency
    windows: Windows
    outputs: tuple[str, ...] = ()
    cooldown_s: float = 0.0


@dataclass(slots=True)
class Rule:
    """Base of all rules. Subclasses override what concerns them."""

    manner: Manner
    places: Mapping[str, Place] = field(default_factory=dict)
    _notes: list[Details] = field(default_factory=list, init=False)

    def note(self, why: Details) -> None:
        """Why it decides as it does, for whoever asks (``gatehouse rules explain``)."""
        self._notes = [*self._notes[-MOST_NOTES + 1 :], why]

    def notes(self) -> list[Details]:
        """What was noted since the last call."""
        noted, self._notes = self._notes, []
        return noted

    @property
    def name(self) -> str:
        """For issues and logs."""
        return self.manner.name

    def on_event(self, event: Event) -> list[Decision]:  # noqa: ARG002 - hears nothing by default
        """What *event* makes necessary."""
        return []

    def on_time(self, now: Stamp) -> list[Decision]:  # noqa: ARG002 - waits for nothing by default
        """What is due by *now*; called at or after :attr:`due_ns`."""
        return []

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`on_time` has something to say; None: never."""
        return None

    def recall(self, last_seen: Mapping[str, Stamp], now: Stamp) -> list[Decision]:  # noqa: ARG002
        """These incidents, last heard of then, were open when an earlier life ended."""
        return []

    def raised(
        self,
        at: Stamp,
        device: str,
        text: str | Text,
        *,
        details: Details | None = None,
        severity: Severity | None = None,
        key: str | None = None,
        status: Status = Status.ACTUAL,
        where: str | None = None,
        lasting: bool = False,
        latched: bool = False,
        cooldown_s: float = 0.0,
        picture: str = "",
    ) -> list[Decision]:
        """This rule's alert about *device* with its outputs, or nothing outside its windows.

        *cooldown_s* makes the rule's own cooldown longer.
        """
        if not self.manner.windows.cover(at):
            self.note({"window": "closed"})
            return []
        place = self.places[device]
        sounding = [] if status is Status.EXERCISE else self.sounded()
        alert = Raise(
            at=at,
            rule=self.manner.name,
            kind=self.manner.kind,
            key=key or f"{self.manner.name}:{device}",
            severity=severity or self.manner.severity,
            urgency=self.manner.urgency,
            text=sentence(text, place.label) if isinstance(text, str) else text,
            device=device,
            where=where or place.where,
            details=details or {},
            status=status,
            cooldown_s=max(self.manner.cooldown_s, cooldown_s),
            lasting=lasting or latched,
            latched=latched,
            picture=picture,
        )
        return [*sounding, alert]

    def sounded(self) -> list[Decision]:
        """This rule's sirens and beacons switched on."""
        return [Actuate(output, Drive.ON) for output in self.manner.outputs]

    def concerns(self, device: str, chosen: Collection[str]) -> bool:
        """True when *device* is one of *chosen*, or of all when none was chosen."""
        return device in self.places and (not chosen or device in chosen)
