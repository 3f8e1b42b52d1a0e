"""Incidents: which raise opens one, which goes on with it, which is held back.

Pure. One incident keeps one id from its first Alert over Updates to its Cancel. Within a cooldown
a repeat of the same severity is counted, not sent; a rise in severity always passes.

The first raise is told as an Alert; a later one as an Update where its severity is higher or the
cooldown is over, else it is counted. Resolved and unanswered (for 60 s) are told as a Cancel;
closed (also by the station) and idle (for an hour, and not lasting) are told to nobody.

``asked`` is a lasting incident of an earlier life, kept over the restart: nobody knows whether its
cause was gone meanwhile, until its rule says so again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Details, Raise, Resolve
from agent.core.events import IncidentChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from agent.incidents.way import Way
from contract.words import FACE_LEADS, Kind, MsgType, Severity, Stage, Status

IDLE_NS = 3600 * NS_PER_S
ASKED_NS = 60 * NS_PER_S
MAX_OPEN = 10_000
KNOWN_ALERTS = 20
OVER = Text("Over: not found again after a restart", "已结束：重启后未再出现")


class Standing(StrEnum):
    """Where an incident stands."""

    NONE = "none"
    OPEN = "open"
    ASKED = "asked"


class Turn(StrEnum):
    """What an incident goes through."""

    RAISED = "raised"
    RESOLVED = "resolved"
    CLOSED = "closed"
    IDLE = "idle"
    UNANSWERED = "unanswered"
    RESTARTED = "restarted"
    RESTARTED_LASTING = "restarted while it lasts"


TRANSITIONS = {
    (Standing.NONE, Turn.RAISED): Standing.OPEN,
    (Standing.NONE, Turn.RESTARTED): Standing.OPEN,
    (Standing.NONE, Turn.RESTARTED_LASTING): Standing.ASKED,
    (Standing.OPEN, Turn.RAISED): Standing.OPEN,
    (Standing.OPEN, Turn.RESOLVED): Standing.NONE,
    (Standing.OPEN, Turn.CLOSED): Standing.NONE,
    (Standing.OPEN, Turn.IDLE): Standing.NONE,
    (Standing.ASKED, Turn.RAISED): Standing.OPEN,
    (Standing.ASKED, Turn.RESOLVED): Standing.NONE,
    (Standing.ASKED, Turn.CLOSED): Standing.NONE,
    (Standing.ASKED, Turn.UNANSWERED): Standing.NONE,
}


@dataclass(frozen=True, slots=True)
class Message:
    """What an incident has to say now: the cause, and where it stands in the incident."""

    cause: Raise
    incident: IncidentId
    msgtype: MsgType
    severity: Severity
    details: Details


@dataclass(frozen=True, slots=True)
class Open:
    """An open incident: when it was opened, last told and last heard of.

    ``alerts`` are the last that told of it. ``asked``: since when its rule has to say that it goes
    on, None when it has.
    """

    incident: IncidentId
    cause: Raise
    opened: Stamp
    severity: Severity
    sent: Stamp
    seen: Stamp
    held_back: int = 0
    alerts: tuple[AlertId, ...] = ()
    asked: Stamp | None = None

    def ended(self, at: Stamp) -> IncidentChanged:
        """What the ways of answering hear when it is over without a word to the station."""
        cause = self.cause
        head = (at, self.incident, Stand.ENDED, cause.kind, self.severity, cause.status)
        return IncidentChanged(*head, cause.device, cause.where)


class IncidentBook(Way[Open]):
    """The open incidents of this gate, by key; kept over restarts."""

    NAME: ClassVar[str] = "incidents"
    CASE: ClassVar[type] = Open

    def __init__(
        self,
        new_id: Callable[[], str],
        carried: Callable[[Kind, IncidentId | None], Details] = lambda _kind, _incident: {},
    ) -> None:
        """*carried* is what alerts of a kind say besides; of a new incident when it has no id."""
        super().__init__()
        self._new_id = new_id
        self._carried = carried
        self._key_of: dict[AlertId, str] = {}

    def raised(self, cause: Raise) -> Message | None:
        """What to send about *cause*; None when its cooldown holds it back."""
        standing = self.cases.get(cause.key)
        if standing is None or _is_idle(standing, cause.at):
            return self._opened(cause)
        seen = max(cause.at, standing.seen, key=_order)
        standing = replace(standing, seen=seen, asked=None)
        rises = cause.severity.rank > standing.severity.rank
        waited_ns = cause.at.monotonic_ns - standing.sent.monotonic_ns
        if not rises and waited_ns < cause.cooldown_s * NS_PER_S:
            held_back = replace(standing, held_back=standing.held_back + 1)
            self._turn(cause.key, Turn.RAISED, held_back)
            return None
        carried = self._carried(cause.kind, standing.incident)
        details = {**carried, **cause.details, **_held_back(standing)}
        severity = cause.severity if rises else standing.severity
        now = replace(standing, held_back=0, sent=cause.at, cause=cause, severity=severity)
        self._turn(cause.key, Turn.RAISED, now)
        return Message(cause, now.incident, MsgType.UPDATE, severity, details)

    def resolved(self, end: Resolve) -> Message | None:
        """The Cancel that ends the incident, or None when none is open."""
        standing = self.close(end.key, Turn.RESOLVED)
        return None if standing is None else _cancel(standing, end)

    def close(self, key: str, turn: Turn = Turn.CLOSED) -> Open | None:
        """Forget the open incident *key* by *turn*; the next cause opens a new one."""
        if key not in self.cases:
            return None
        standing = self._turn(key, turn, None)
        self._key_of = {a: k for a, k in self._key_of.items() if k != key}
        return standing

    def standing(self, incident: str) -> Open | None:
        """The open incident of that id."""
        return next((o for o in self.cases.values() if o.incident == incident), None)

    def sent_as(self, message: Message, alert: AlertId) -> None:
        """Remember which alert carries *message*, so that the station can close its incident."""
        standing = self.cases.get(message.cause.key)
        if message.msgtype is not MsgType.CANCEL and standing is not None:
            self._key_of[alert] = message.cause.key
            alerts = (*standing.alerts, alert)[-KNOWN_ALERTS:]
            self.keep(message.cause.key, replace(standing, alerts=alerts))

    def acked(self, alert: AlertId, stage: Stage) -> Open | None:
        """The station's word on an alert; the incident that is over by it."""
        key = self._key_of.get(alert)
        return self.close(key) if key is not None and stage is Stage.CLOSED else None

    def resume(self, cases: Mapping[str, Open], now: Stamp) -> list[Decision]:
        """Go on with the incidents of an earlier life."""
        for key, standing in cases.items():
            lasting = standing.cause.lasting and not standing.cause.latched
            turn = Turn.RESTARTED_LASTING if lasting else Turn.RESTARTED
            self._turn(key, turn, replace(standing, asked=now if lasting else None))
            self._key_of.update(dict.fromkeys(standing.alerts, key))
        return []

    def wipe(self, now: Stamp) -> None:  # noqa: ARG002 - forgets whatever the time
        """A real alarm goes on; drills and what is about a face are forgotten."""
        for key, standing in list(self.cases.items()):
            if standing.cause.status is not Status.ACTUAL or standing.cause.kind in FACE_LEADS:
                self.close(key)

    def time_passed(self, now: Stamp) -> list[Message]:
        """Drop what nobody has spoken of for an hour; cancel what was not said again."""
        for key in [k for k, o in self.cases.items() if _is_idle(o, now)]:
            self.close(key, Turn.IDLE)
        gone = [key for key, standing in self.cases.items() if _is_unanswered(standing, now)]
        over = [(key, self.close(key, Turn.UNANSWERED)) for key in gone]
        return [_cancel(case, Resolve(now, key, OVER)) for key, case in over if case]

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`time_passed` has something to do; None: never."""
        standing = self.cases.values()
        idle = [o.seen.monotonic_ns + IDLE_NS + 1 for o in standing if not o.cause.lasting]
        asked = [o.asked.monotonic_ns + ASKED_NS for o in standing if o.asked]
        return min([*idle, *asked], default=None)

    @property
    def open_count(self) -> int:
        """How many incidents are open."""
        return len(self.cases)

    @property
    def shown_incidents(self) -> Mapping[str, IncidentId]:
        """Those that may show at the gate: not what an order wants silent, and of no face whose."""
        shown = [o for o in self.cases.values() if o.cause.details.get("silent") is not True]
        return {_shown_key(standing): standing.incident for standing in shown}

    @property
    def open_incidents(self) -> Mapping[str, IncidentId]:
        """Open incidents by key."""
        return {key: standing.incident for key, standing in self.cases.items()}

    def _opened(self, cause: Raise) -> Message:
        self.close(cause.key, Turn.IDLE)
        if len(self.cases) >= MAX_OPEN:
            self.close(min(self.cases, key=lambda key: self.cases[key].seen.monotonic_ns))
        incident, at = IncidentId(self._new_id()), cause.at
        opened = Open(incident, cause, at, cause.severity, at, at)
        self._turn(cause.key, Turn.RAISED, opened)
        details = {**self._carried(cause.kind, None), **cause.details}
        return Message(cause, incident, MsgType.ALERT, cause.severity, details)

    def _turn(self, key: str, turn: Turn, case: Open | None) -> Open | None:
        """Keep *case* of *key* (None: nothing) after *turn*, as the table has it; what it was."""
        was = self.cases.get(key)
        to = TRANSITIONS.get((standing_of(was), turn))
        if to is not standing_of(case):
            raise ValueError(f"an incident that is {standing_of(was)} cannot be {turn}")
        if case is None:
            return self.end(key)
        self.keep(key, case)
        return was


def _shown_key(standing: Open) -> str:
    """The key as it may show: that of a face names an entry."""
    kind = standing.cause.kind
    return f"{kind}:{standing.incident}" if kind in FACE_LEADS else standing.cause.key


def standing_of(case: Open | None) -> Standing:
    """Where the incident of *case* stands."""
    if case is None:
        return Standing.NONE
    return Standing.OPEN if case.asked is None else Standing.ASKED


def _order(at: Stamp) -> int:
    return at.monotonic_ns


def _cancel(standing: Open, end: Resolve) -> Message:
    cause = standing.cause
    told = Raise(
        at=end.at,
        rule=cause.rule,
        kind=cause.kind,
        key=cause.key,
        severity=standing.severity,
        urgency=cause.urgency,
        text=end.text,
        device=cause.device,
        where=cause.where,
        status=cause.status,
    )
    details = {"opened_at": standing.opened.utc, **_held_back(standing)}
    return Message(told, standing.incident, MsgType.CANCEL, standing.severity, details)


def _is_idle(standing: Open, now: Stamp) -> bool:
    idle_ns = now.monotonic_ns - standing.seen.monotonic_ns
    return not standing.cause.lasting and idle_ns > IDLE_NS


def _is_unanswered(standing: Open, now: Stamp) -> bool:
    asked = standing.asked
    return asked is not None and now.monotonic_ns - asked.monotonic_ns >= ASKED_NS


def _held_back(standing: Open) -> dict[str, object]:
    return {"held_back": standing.held_back} if standing.held_back else {}
