"""What a way of answering is: cases that go on over time, each kept over a restart.

A way hears events and the passing of time as a rule does (``rules.base``) and answers with
decisions; unlike a rule it has cases (a call, a drill, a clock), and every change of one is kept on
the disk by ``agent.incidents.keeper``. Pure: no I/O, no clock of its own.

Durations come from the monotonic clock. After a reboot that clock began anew, so the stamps of a
case are moved onto it (:func:`moved`): by what the wall clock says has passed where it was synced
at both ends, else as if no time had passed.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, cast

from pydantic import BaseModel

from agent.core.answers import Answer, Helper, Ordered
from agent.core.clock import Stamp
from agent.core.decisions import Decision
from agent.core.events import Event, IncidentChanged, Stand
from agent.core.ids import AlertId
from agent.core.text import Text
from contract.words import CommandName, Status

_MOST_ALERTS = 21
C = TypeVar("C")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that waits for a person at the gate, and how it may be answered.

    ``devices``: the only hands that answer it; none: any. ``helpers``: whose arrival changes
    something; none: anybody's.
    """

    id: str
    way: str
    text: Text
    since: Stamp
    answers: tuple[Answer, ...]
    status: Status = Status.ACTUAL
    said: str = ""
    devices: tuple[str, ...] = ()
    helpers: tuple[Helper, ...] = ()

    def takes(self, answer: Answer, helper: Helper) -> bool:
        """Whether *answer* of *helper*, given without an id, may mean this."""
        if answer is Answer.ARRIVED and self.helpers and helper not in self.helpers:
            return False
        return answer in self.answers


@dataclass(frozen=True, slots=True)
class Gap:
    """From the last word of an earlier life, ``left``, to now."""

    left: Stamp
    now: Stamp

    @property
    def sure(self) -> bool:
        """True when it is known how much time has passed."""
        return self.left.boot_id == self.now.boot_id or (self.left.synced and self.now.synced)

    def moved(self, then: Stamp) -> Stamp:
        """*then*, a moment of that life, on this boot's monotonic clock."""
        if then.boot_id == self.now.boot_id:
            return then
        before_ns = self.left.monotonic_ns - then.monotonic_ns
        if then.boot_id != self.left.boot_id:
            before_ns = self.left.utc_ns - then.utc_ns
        passed_ns = max(self.now.utc_ns - self.left.utc_ns, 0) if self.sure else 0
        at_ns = self.now.monotonic_ns - passed_ns - max(before_ns, 0)
        return dataclasses.replace(then, monotonic_ns=at_ns, boot_id=self.now.boot_id)


def moved(value: _T, gap: Gap) -> _T:
    """*value* with every stamp in it moved over *gap*."""
    return cast("_T", _moved(value, gap))


def _moved(value: Any, gap: Gap) -> Any:
    if isinstance(value, Stamp):
        return gap.moved(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _moved(getattr(value, f.name), gap) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    if isinstance(value, dict):
        return {key: _moved(part, gap) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(part, gap) for part in value)
    return value


@dataclass(frozen=True, slots=True)
class Obeys:
    """A command that a way obeys: what its arguments must be (``agent.border.orders``).

    ``in_drills``: it may come on the drill branch, because it is harmless there.
    """

    args: type[BaseModel]
    in_drills: bool = False


@dataclass(slots=True)
class Way(Generic[C]):
    """Base of all ways. Subclasses name their kind of case and override what concerns them.

    A case is a frozen dataclass of plain values and stamps; it is replaced, never changed.
    """

    NAME: ClassVar[str]
    CASE: ClassVar[type]
    ORDERS: ClassVar[Mapping[CommandName, Obeys]] = {}

    cases: dict[str, C] = field(default_factory=dict, init=False)
    _touched: set[str] = field(default_factory=set, init=False)

    @property
    def name(self) -> str:
        """For issues and logs, and where the cases are kept."""
        return self.NAME

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`on_time` has something to say; None: never."""
        return None

    @property
    def items(self) -> list[Item]:
        """What waits for a person at the gate."""
        return []

    def on_event(self, event: Event) -> list[Decision]:  # noqa: ARG002 - hears nothing by default
        """What *event* makes necessary."""
        return []

    def on_time(self, now: Stamp) -> list[Decision]:  # noqa: ARG002 - waits for nothing by default
        """What is due by *now*."""
        return []

    def permit(self, order: Ordered) -> None:
        """RefusedError where *order*, whose arguments are well-formed, cannot be done now."""

    def took(self, cmd_id: str) -> bool:  # noqa: ARG002 - obeys nothing by default
        """Whether the command of that id was taken on, also by an earlier life."""
        return False

    def resume(self, cases: Mapping[str, C], now: Stamp) -> list[Decision]:  # noqa: ARG002
        """Go on with the cases of an earlier life, whose stamps are moved already."""
        self.cases.update(cases)
        return []

    def wipe(self, now: Stamp) -> None:  # noqa: ARG002 - forgets whatever the time
        """Forget everything that is kept here; a way overrides it where an alarm must go on."""
        for key in list(self.cases):
            self.end(key)

    def keep(self, key: str, case: C) -> None:
        """*case* is how it stands with *key* from now on, over restarts too."""
        self.cases[key] = case
        self._touched.add(key)

    def end(self, key: str) -> C | None:
        """Nothing more is kept of *key*; what it was."""
        self._touched.add(key)
        return self.cases.pop(key, None)

    def changes(self) -> dict[str, C | None]:
        """What changed since the last call; None for what ended."""
        touched, self._touched = self._touched, set()
        return {key: self.cases.get(key) for key in touched}


@dataclass(slots=True)
class OfIncidents(Way[C], ABC):
    """A way whose cases are incidents, by id: each begins and ends with its incident."""

    def incident(self, event: IncidentChanged) -> None:
        """Keep the case of the incident as it is after *event*."""
        case = self.cases.get(event.incident)
        if event.stand is Stand.ENDED:
            if case is not None:
                self.end(event.incident)
        elif event.alert is None or event.text is None:
            return
        elif case is not None:
            self.keep(event.incident, self.gone_on(case, event, event.alert))
        elif event.stand is Stand.OPENED:
            begun = self.begun(event, event.alert, event.text)
            if begun is not None:
                self.keep(event.incident, begun)

    @abstractmethod
    def begun(self, event: IncidentChanged, alert: AlertId, text: Text) -> C | None:
        """The case of an incident that *event* opened; None: it does not concern this way."""

    @abstractmethod
    def gone_on(self, case: C, event: IncidentChanged, alert: AlertId) -> C:
        """*case* with *alert*, which tells that its incident goes on."""


def newest(alerts: tuple[AlertId, ...], alert: AlertId) -> tuple[AlertId, ...]:
    """*alerts* of an incident with the next one; the oldest of many are forgotten."""
    return (*alerts[-_MOST_ALERTS + 1 :], alert)
