"""From an event to everything that follows from it: rules, incidents, outputs, the outbox.

The dispatcher is the only place where decisions become deeds. For a panic press there is no
``await`` between the edge and the local siren.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from agent.core.alerts import Alert, Fact, alert_json, fact_json
from agent.core.clock import Clock, Stamp, stamp
from agent.core.decisions import Actuate, Close, Decision, Drive, Note, Raise, Resolve
from agent.core.errors import DeviceError
from agent.core.events import AckReceived, ComponentState, Event, Probe
from agent.core.health import HealthBoard
from agent.core.ids import AlertId, IdSource
from agent.core.ports import Counters, Entry, Lane
from agent.incidents.book import IncidentBook, Message
from contract.topics import Address
from contract.words import Severity, Stage, Status

log = logging.getLogger(__name__)


class Rules(Protocol):
    """The engine, as the dispatcher sees it."""

    def on_event(self, event: Event) -> list[Decision]:
        """Decisions about *event*."""

    def on_time(self, now: Stamp) -> list[Decision]:
        """Decisions that are due."""

    @property
    def due_ns(self) -> int | None:
        """When something is due."""


class Drives(Protocol):
    """The outputs, as the dispatcher sees them."""

    def drive(self, name: str, drive: Drive, for_s: float | None = None) -> None:
        """Drive an output or raise DeviceError."""


class Accepts(Protocol):
    """The outbox, as the dispatcher sees it."""

    def offer(self, entry: Entry, *, critical: bool) -> None:
        """Take responsibility for an entry."""


class Dispatcher:
    """Carries out what the rules decide."""

    def __init__(
        self,
        *,
        rules: Rules,
        book: IncidentBook,
        outputs: Drives,
        outbox: Accepts,
        health: HealthBoard,
        clock: Clock,
        ids: IdSource,
        address: Address,
        counters: Counters,
        on_probe: Callable[[Probe], None],
    ) -> None:
        self._rules = rules
        self._book = book
        self._outputs = outputs
        self._outbox = outbox
        self._health = health
        self._clock = clock
        self._ids = ids
        self._address = address
        self._session = counters.session
        self._seq = {Lane.ALARM: counters.alarm_seq, Lane.EVENT: counters.event_seq}
        self._on_probe = on_probe

    def dispatch(self, event: Event) -> None:
        """Handle one event."""
        if isinstance(event, Probe):
            self._on_probe(event)
            return
        if isinstance(event, AckReceived):
            self._book.acked(event.alert_id, Stage(event.stage))
        self._carry_out(self._rules.on_event(event))

    def time_passed(self) -> None:
        """Handle what is due by now."""
        now = stamp(self._clock)
        self._book.forget_idle(now)
        self._carry_out(self._rules.on_time(now))

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`time_passed` has something to do."""
        dues = [due for due in (self._rules.due_ns, self._book.due_ns) if due is not None]
        return min(dues, default=None)

    def continue_from(self, counters: Counters) -> None:
        """The store came back with the numbers of earlier sessions: never number below them."""
        self._seq[Lane.ALARM] = max(self._seq[Lane.ALARM], counters.alarm_seq)
        self._seq[Lane.EVENT] = max(self._seq[Lane.EVENT], counters.event_seq)

    def _carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Actuate():
                    self._actuate(decision)
                case Raise():
                    self._send(self._book.raised(decision))
                case Resolve():
                    self._send(self._book.resolved(decision))
                case Close(key=key):
                    self._book.close(key)
                case Note():
                    self._note(decision)

    def _actuate(self, decision: Actuate) -> None:
        try:
            self._outputs.drive(decision.output, decision.drive, decision.for_s)
        except DeviceError as error:
            log.error("%s", error)  # noqa: TRY400 - an expected failure, its text says it all
            self._health.note(f"output.{decision.output}", ComponentState.DOWN, str(error))

    def _send(self, message: Message | None) -> None:
        if message is None:
            return
        cause = message.cause
        alert = Alert(
            id=AlertId(self._ids.new()),
            source=self._address.base,
            session=self._session,
            seq=self._next(Lane.ALARM),
            incident=message.incident,
            kind=cause.kind,
            msgtype=message.msgtype,
            status=cause.status,
            severity=message.severity,
            urgency=cause.urgency,
            text=cause.text,
            device=cause.device,
            where=cause.where,
            rule=cause.rule,
            at=cause.at,
            details=message.details,
        )
        self._book.sent_as(message, alert.id)
        body = alert_json(alert, replayed=False)
        topic = self._topic("alert", alert.status)
        entry = Entry(alert.id, Lane.ALARM, alert.seq, topic, body, self._clock.utc_ns())
        # First: what a killed gate sent must stand in its log.
        log.info("%s %s %s %s", alert.msgtype, alert.kind, alert.device, alert.id)
        self._outbox.offer(entry, critical=alert.severity is Severity.CRITICAL)

    def _note(self, note: Note) -> None:
        fact = Fact(
            id=AlertId(self._ids.new()),
            source=self._address.base,
            session=self._session,
            seq=self._next(Lane.EVENT),
            kind=note.kind,
            status=note.status,
            device=note.device,
            where=note.where,
            at=note.at,
            details=note.details,
        )
        body = fact_json(fact, replayed=False)
        topic = self._topic("event", note.status)
        entry = Entry(fact.id, Lane.EVENT, fact.seq, topic, body, self._clock.utc_ns())
        log.debug("Event %s %s %s", fact.kind, fact.device, fact.id)
        self._outbox.offer(entry, critical=False)

    def _topic(self, name: str, status: Status) -> str:
        return self._address.topic(name, drill=status is Status.EXERCISE)

    def _next(self, lane: Lane) -> int:
        self._seq[lane] += 1
        return self._seq[lane]
