"""From an event to everything that follows from it: rules, incidents, outputs, the outbox.

The dispatcher is the only place where decisions become deeds. For a panic press there is no
``await`` between the edge and the local siren.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from agent.core.alerts import Alert, Evidence, Fact, alert_json, fact_json, incident_changed
from agent.core.clock import Clock, Stamp, stamp
from agent.core.decisions import (
    Actuate,
    Answered,
    Close,
    Decision,
    Drive,
    Note,
    Page,
    Raise,
    Resolve,
    Tell,
)
from agent.core.errors import DeviceError
from agent.core.events import (
    AckReceived,
    ComponentState,
    Event,
    HookEnded,
    Probe,
)
from agent.core.health import HealthBoard
from agent.core.ids import AlertId, IdSource
from agent.core.ports import Counters, Entry, Lane
from agent.incidents.book import IncidentBook, Message, Open
from agent.incidents.record import Recorder
from agent.incidents.words import Words
from contract.topics import Address
from contract.words import Severity, Stage, Status

log = logging.getLogger(__name__)


class Decides(Protocol):
    """Whoever hears events and decides."""

    def on_event(self, event: Event) -> list[Decision]:
        """Decisions about *event*."""

    def on_time(self, now: Stamp) -> list[Decision]:
        """Decisions that are due."""

    @property
    def due_ns(self) -> int | None:
        """When something is due."""


class Rules(Decides, Protocol):
    """The engine, as the dispatcher sees it."""

    def recall(self, last_seen: Mapping[str, Stamp], now: Stamp) -> list[Decision]:
        """These incidents were open when an earlier life ended; what sounds on because of them."""


class Answering(Decides, Protocol):
    """The ways of answering, as the dispatcher sees them."""

    def resume(self, now: Stamp) -> list[Decision]:
        """Go on where an earlier life left off."""

    def keep(self) -> None:
        """Store what changed beside them."""

    def page(self, page: Page) -> None:
        """Run a hook beside the loop."""

    def claim(self, cause: Raise, alert: str) -> tuple[Evidence, ...]:
        """The picture that goes with an alert."""


class Drives(Protocol):
    """The outputs, as the dispatcher sees them."""

    def drive(
        self, name: str, drive: Drive, for_s: float | None = None, spent_s: float = 0.0
    ) -> None:
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
        ways: Answering,
        words: Words,
        outputs: Drives,
        outbox: Accepts,
        health: HealthBoard,
        clock: Clock,
        ids: IdSource,
        address: Address,
        counters: Counters,
        on_probe: Callable[[Probe], None],
        record: Recorder | None = None,
    ) -> None:
        self._rules = rules
        self._book = book
        self._ways = ways
        self._words = words
        self._outputs = outputs
        self._outbox = outbox
        self._health = health
        self._clock = clock
        self._ids = ids
        self._address = address
        self._session = counters.session
        self._seq = {Lane.ALARM: counters.alarm_seq, Lane.EVENT: counters.event_seq}
        self._on_probe = on_probe
        self._record = record or Recorder(clock)

    def dispatch(self, event: Event) -> None:
        """Handle one event."""
        if isinstance(event, Probe):
            self._on_probe(event)
            return
        if isinstance(event, AckReceived):
            over = self._book.acked(event.alert_id, Stage(event.stage))
            self._ended(over, event.at)
        if isinstance(event, HookEnded):
            state = ComponentState.OK if event.ok else ComponentState.DEGRADED
            self._health.note(f"hook.{event.hook}", state, event.detail)
        self._carry_out(self._rules.on_event(event))
        self._carry_out(self._ways.on_event(event))
        self._record.done(event)

    def time_passed(self) -> None:
        """Handle what is due by now."""
        now = stamp(self._clock)
        for message in self._book.time_passed(now):
            self._send(message)
        self._words.on_time(now)
        self._carry_out(self._rules.on_time(now))
        self._carry_out(self._ways.on_time(now))
        self._record.done(None)

    def resume(self, open_pins: Callable[[], None] = lambda: None) -> None:
        """Go on with everything that an earlier life left open; what sounded then sounds on."""
        now = stamp(self._clock)
        self._carry_out(self._ways.resume(now))
        last_seen = {key: standing.seen for key, standing in self._book.cases.items()}
        sounding = self._rules.recall(last_seen, now)
        self._record.began()
        open_pins()
        self._carry_out(sounding)

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`time_passed` has something to do."""
        parts = (self._rules, self._book, self._ways, self._words)
        return min((due for part in parts if (due := part.due_ns) is not None), default=None)

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
                    self._raise(decision)
                case Resolve():
                    self._send(self._book.resolved(decision))
                case Close(key=key):
                    self._ended(self._book.close(key), stamp(self._clock))
                case Note():
                    self._note(decision)
                case Tell():
                    self._words.tell(decision)
                    self._ways.keep()
                case Answered(event=event):
                    self._carry_out(self._ways.on_event(event))
                case Page():
                    self._ways.page(decision)

    def _raise(self, cause: Raise) -> None:
        message = self._book.raised(cause)
        if message is None:
            self._record.held_back(cause)
        self._send(message)

    def _actuate(self, decision: Actuate) -> None:
        try:
            self._outputs.drive(decision.output, decision.drive, decision.for_s, decision.spent_s)
        except DeviceError as error:
            log.error("%s", error)  # noqa: TRY400 - an expected failure, its text says it all
            self._health.note(f"output.{decision.output}", ComponentState.DOWN, str(error))

    def _send(self, message: Message | None) -> None:
        if message is None:
            return
        cause, alert_id = message.cause, AlertId(self._ids.new())
        alert = Alert(
            id=alert_id,
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
            evidence=self._ways.claim(cause, alert_id),
        )
        self._book.sent_as(message, alert.id)
        self._record.sent(message, alert.id)
        body = alert_json(alert, replayed=False)
        topic = self._topic("alert", alert.status)
        entry = Entry(alert.id, Lane.ALARM, alert.seq, topic, body, self._clock.utc_ns())
        # First: what a killed gate sent must stand in its log.
        log.info("%s %s %s %s", alert.msgtype, alert.kind, alert.device, alert.id)
        self._outbox.offer(entry, critical=alert.severity is Severity.CRITICAL)
        self._carry_out(self._ways.on_event(incident_changed(alert)))

    def _ended(self, over: Open | None, at: Stamp) -> None:
        """An incident is over without a word to the station."""
        if over is not None:
            self._carry_out(self._ways.on_event(over.ended(at)))

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
        self._record.noted(note, fact.id)
        log.debug("Event %s %s %s", fact.kind, fact.device, fact.id)
        self._outbox.offer(entry, critical=False)

    def _topic(self, name: str, status: Status) -> str:
        return self._address.topic(name, drill=status is Status.EXERCISE)

    def _next(self, lane: Lane) -> int:
        self._seq[lane] += 1
        return self._seq[lane]
