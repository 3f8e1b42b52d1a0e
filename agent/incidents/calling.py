"""The calls that this gate makes itself, where it is the agreed one for an area.

::

    (none)   --own alert, station hears-->     waiting
    (none)   --own alert, station silent-->    called   every agreed area
    (none)   --medical alert-->                called   the medical area, at once
    (none)   --order area.call-->              called   the area of the order
    (none)   --drill of a call-->              called   every agreed area, for as long as the drill
    waiting  --the station's ack-->            (none)   it calls by itself
    waiting  --incident over-->                (none)
    waiting  --host offline, or no ack in time--> called
    called   --300 s-->                        (none)

The station calls by itself where it listens, so nobody is called twice for one press. One incident
makes one call of an area, however often its button is pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from agent.border.orders import AreaCallArgs
from agent.config.schema.answering import Answering
from agent.core.answers import Ordered
from agent.core.clock import NS_PER_S, Stamp, format_utc
from agent.core.decisions import Decision, Note, Tell
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, Event, HostChanged, IncidentChanged, Stand
from agent.core.ids import AlertId
from agent.core.text import Text
from agent.incidents.drill import CALL as CALL_DRILL
from agent.incidents.way import Obeys, Way, newest
from agent.incidents.words import CALL
from contract.routes import CALL_S
from contract.topics import Address
from contract.words import CommandName, Kind, Refusal, Status

CALL_NS = CALL_S * NS_PER_S


@dataclass(frozen=True, slots=True)
class Cause:
    """Why neighbours are wanted. ``calls``: call ids by area, empty while the station may hear.

    ``since`` is when it began, once called when it was called.
    """

    kind: str
    text: Text
    where: str
    status: Status
    since: Stamp
    incident: str | None = None
    valid_s: float = float(CALL_S)
    alerts: tuple[AlertId, ...] = ()
    calls: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class OwnCalls(Way[Cause]):
    """Causes for which this gate calls, by incident or command id.

    ``tell`` hears of the calls about an incident: their ids by area.
    """

    NAME: ClassVar[str] = "calling"
    CASE: ClassVar[type] = Cause
    ORDERS: ClassVar[Mapping[CommandName, Obeys]] = {
        CommandName.AREA_CALL: Obeys(AreaCallArgs, in_drills=True)
    }

    config: Answering
    address: Address
    new_id: Callable[[], str]
    tell: Callable[[str, Mapping[str, str], Stamp], None] = lambda _incident, _calls, _now: None
    _station_off: bool = field(default=False, init=False)

    @property
    def due_ns(self) -> int | None:
        """When the station has been silent for too long, or a call is over."""
        return min((self._due_ns(cause) for cause in self.cases.values()), default=None)

    def wipe(self, now: Stamp) -> None:  # noqa: ARG002 - forgets whatever the time
        """Calls that were made are forgotten; an own alarm still waits for the station."""
        for key in [k for k, c in self.cases.items() if c.calls or c.status is not Status.ACTUAL]:
            self.end(key)

    def on_event(self, event: Event) -> list[Decision]:
        """Own incidents, orders, and whether the station hears."""
        match event:
            case IncidentChanged():
                return self._incident(event)
            case AckReceived(alert_id=alert):
                for key in [k for k, c in self.cases.items() if alert in c.alerts and not c.calls]:
                    self.end(key)
            case HostChanged(at=at, online=online):
                self._station_off = not online
                waiting = [] if online else [k for k, c in self.cases.items() if not c.calls]
                return [d for key in waiting for d in self._call(key, at, "the station is offline")]
            case Ordered(name=CommandName.AREA_CALL):
                return self._ordered(event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Call where no ack came; forget calls that are over."""
        decisions: list[Decision] = []
        for key, cause in list(self.cases.items()):
            if now.monotonic_ns < self._due_ns(cause):
                continue
            if cause.calls:
                self.end(key)
            else:
                why = f"no ack within {self.config.silence_s:g} s"
                decisions += self._call(key, now, why)
        return decisions

    def permit(self, order: Ordered) -> None:
        """Only areas that this gate is agreed to call."""
        area = str(order.args["area"])
        if area not in self.config.caller_for:
            detail = f"this gate is not the agreed caller of area '{area}'"
            raise RefusedError(Refusal.UNSUPPORTED, detail)

    def took(self, cmd_id: str) -> bool:
        """Whether that order was obeyed; remembered for as long as its call."""
        return cmd_id in self.cases

    def _incident(self, event: IncidentChanged) -> list[Decision]:
        cause = self.cases.get(event.incident)
        if cause is not None and not cause.calls and event.stand is Stand.ENDED:
            self.end(event.incident)
        if cause is not None and event.stand is Stand.UPDATED and event.alert is not None:
            self.keep(event.incident, replace(cause, alerts=newest(cause.alerts, event.alert)))
        if event.stand is not Stand.OPENED or event.alert is None or event.text is None:
            return []
        medical = event.kind is Kind.MEDICAL and self.config.medical_area is not None
        wanted = event.kind in self.config.call_kinds or _rehearsed(event)
        if not medical and not (wanted and self.config.called_areas):
            return []
        cause = Cause(
            event.kind,
            event.text,
            event.where,
            event.status,
            event.at,
            event.incident,
            valid_s=_valid_s(event),
            alerts=(event.alert,),
        )
        self.keep(event.incident, cause)
        if medical:
            return self._call(event.incident, event.at, "medical", (str(self.config.medical_area),))
        if _rehearsed(event):
            return self._call(event.incident, event.at, "a drill of the call")
        if self._station_off:
            return self._call(event.incident, event.at, "the station is offline")
        return []

    def _ordered(self, order: Ordered) -> list[Decision]:
        args = AreaCallArgs.model_validate(dict(order.args))
        self.keep(
            order.cmd_id,
            Cause(
                args.kind,
                Text(args.text.en, args.text.zh),
                args.where,
                Status.EXERCISE if order.exercise else Status.ACTUAL,
                order.at,
                args.incident,
            ),
        )
        return self._call(order.cmd_id, order.at, f"ordered by {order.issuer}", (args.area,))

    def _call(
        self, key: str, now: Stamp, why: str, areas: Sequence[str] | None = None
    ) -> list[Decision]:
        """Call *areas*, or every agreed one; the cause is done with that."""
        cause = self.cases[key]
        calls = {
            area: self.new_id() for area in (self.config.called_areas if areas is None else areas)
        }
        self.keep(key, replace(cause, calls=calls, since=now))
        if cause.incident is not None:
            self.tell(cause.incident, calls, now)
        decisions: list[Decision] = []
        for area, call_id in calls.items():
            body = self._body(cause, call_id, area, now)
            told = {**body, "area": area, "why": why}
            decisions += [
                Tell(CALL, body, cause.status, area=area, key=call_id, at=now, for_s=cause.valid_s),
                Note(now, "call.made", area, cause.where, told, cause.status),
            ]
        return decisions

    def _body(self, cause: Cause, call_id: str, area: str, now: Stamp) -> dict[str, object]:
        body: dict[str, object] = {
            "call_id": call_id,
            "area": area,
            "site": self.address.site,
            "node": self.address.node,
            "kind": cause.kind,
            "text": {"en": cause.text.en, "zh": cause.text.zh},
            "where": cause.where,
            "at": now.utc,
            "expires_at": format_utc(now.utc_ns + round(cause.valid_s * NS_PER_S)),
            "status": cause.status.value,
        }
        if not now.synced:
            body["synced"] = False
        return body if cause.incident is None else {**body, "incident": cause.incident}

    def _due_ns(self, cause: Cause) -> int:
        wait_ns = CALL_NS if cause.calls else round(self.config.silence_s * NS_PER_S)
        return cause.since.monotonic_ns + wait_ns


def _rehearsed(event: IncidentChanged) -> bool:
    """Whether it is a drill of the call itself, which waits for nobody's silence."""
    about = event.details
    return (
        event.status is Status.EXERCISE and "drill_id" in about and about["scenario"] == CALL_DRILL
    )


def _valid_s(event: IncidentChanged) -> float:
    """A call about a drill is over with the drill."""
    for_s = event.details.get("for_s") if event.status is Status.EXERCISE else None
    return min(float(for_s), CALL_S) if isinstance(for_s, float) else float(CALL_S)
