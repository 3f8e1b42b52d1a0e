"""Incidents: which raise opens one, which goes on with it, which is held back.

Pure. One incident keeps one id from its first Alert over Updates to its Cancel. Within a cooldown
a repeat of the same severity is counted, not sent; a rise in severity always passes.

::

    (none)  --raise-->                 open   Alert
    open    --raise, higher severity--> open   Update
    open    --raise, cooldown over-->   open   Update
    open    --raise, in cooldown-->     open   (counted)
    open    --resolve-->                (none) Cancel
    open    --close, station closes, idle for an hour and not lasting--> (none)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Details, Raise, Resolve
from agent.core.ids import AlertId, IncidentId
from contract.words import MsgType, Severity, Stage

IDLE_NS = 3600 * NS_PER_S
MAX_OPEN = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """What an incident has to say now: the cause, and where it stands in the incident."""

    cause: Raise
    incident: IncidentId
    msgtype: MsgType
    severity: Severity
    details: Details


@dataclass(slots=True)
class _Open:
    incident: IncidentId
    cause: Raise
    opened: Stamp
    severity: Severity
    sent_ns: int
    seen_ns: int
    held_back: int = 0


class IncidentBook:
    """The open incidents of this gate."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._open: dict[str, _Open] = {}
        self._key_of: dict[AlertId, str] = {}

    def raised(self, cause: Raise) -> Message | None:
        """What to send about *cause*; None when its cooldown holds it back."""
        now_ns = cause.at.monotonic_ns
        standing = self._open.get(cause.key)
        if standing is None or _is_idle(standing, now_ns):
            return self._opened(cause)
        standing.seen_ns = max(now_ns, standing.seen_ns)
        rises = cause.severity.rank > standing.severity.rank
        if not rises and now_ns - standing.sent_ns < cause.cooldown_s * NS_PER_S:
            standing.held_back += 1
            return None
        details = {**cause.details, **_held_back(standing)}
        standing.held_back, standing.sent_ns, standing.cause = 0, now_ns, cause
        if rises:
            standing.severity = cause.severity
        return Message(cause, standing.incident, MsgType.UPDATE, standing.severity, details)

    def resolved(self, end: Resolve) -> Message | None:
        """The Cancel that ends the incident, or None when none is open."""
        standing = self.close(end.key)
        if standing is None:
            return None
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

    def close(self, key: str) -> _Open | None:
        """Forget the open incident *key*; the next cause opens a new one."""
        standing = self._open.pop(key, None)
        if standing is not None:
            self._key_of = {a: k for a, k in self._key_of.items() if k != key}
        return standing

    def sent_as(self, message: Message, alert: AlertId) -> None:
        """Remember which alert carries *message*, so that the station can close its incident."""
        if message.msgtype is not MsgType.CANCEL:
            self._key_of[alert] = message.cause.key

    def acked(self, alert: AlertId, stage: Stage) -> None:
        """The station closed an alert: its incident is over."""
        key = self._key_of.get(alert)
        if key is not None and stage is Stage.CLOSED:
            self.close(key)

    def forget_idle(self, now: Stamp) -> None:
        """Drop what nobody has spoken of for an hour, unless its rule will say when it is over."""
        for key in [k for k, o in self._open.items() if _is_idle(o, now.monotonic_ns)]:
            self.close(key)

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which :meth:`forget_idle` has something to drop; None: never."""
        waiting = [o.seen_ns for o in self._open.values() if not o.cause.lasting]
        return min(waiting) + IDLE_NS + 1 if waiting else None

    @property
    def open_count(self) -> int:
        """How many incidents are open."""
        return len(self._open)

    @property
    def open_incidents(self) -> Mapping[str, IncidentId]:
        """Open incidents by key."""
        return {key: standing.incident for key, standing in self._open.items()}

    def _opened(self, cause: Raise) -> Message:
        self.close(cause.key)
        if len(self._open) >= MAX_OPEN:
            self.close(min(self._open, key=lambda key: self._open[key].seen_ns))
        incident = IncidentId(self._new_id())
        now_ns = cause.at.monotonic_ns
        self._open[cause.key] = _Open(incident, cause, cause.at, cause.severity, now_ns, now_ns)
        return Message(cause, incident, MsgType.ALERT, cause.severity, cause.details)


def _is_idle(standing: _Open, now_ns: int) -> bool:
    return not standing.cause.lasting and now_ns - standing.seen_ns > IDLE_NS


def _held_back(standing: _Open) -> dict[str, object]:
    return {"held_back": standing.held_back} if standing.held_back else {}
