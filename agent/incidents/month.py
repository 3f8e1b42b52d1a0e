"""The month's figures, counted over restarts and told at the month's end.

::

    unknown --the clock is synced----------------> a month
    a month --its end has passed, clock synced---> told as ~/report/month/{yyyy-mm}, the next one
    a month --its end has passed, not synced-----> goes on until the clock is synced

How long the agent and its link were up is kept every five minutes: a kill costs at most that much
of the share. Drills count as drills and as nothing else. Leads are counted by what the station's
persons decided of them (``agent.incidents.leads``), reviews by what the guard said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Tell
from agent.core.events import Event, IncidentChanged, LinkChanged, Stand
from agent.incidents.figures import Month, add, end_of, month_of, report, still_absent_ns
from agent.incidents.lead import Standing
from agent.incidents.way import Way
from contract.words import CommandName, Kind, Stage, Status

CURRENT = "current"
KEEP_NS = 300 * NS_PER_S
AFTER_END_NS = NS_PER_S
KEPT_MONTHS = 13
LAST_FALSE = 50
_COUNTED = {"leads_confirmed", "leads_rejected", "reviews_confirmed", "reviews_rejected"}


class About(StrEnum):
    """What an answer of the guard is about, as far as figures go."""

    REVIEW = "review"
    ALARM = "alarm"
    OTHER = "other"


@dataclass(slots=True)
class Months(Way[Month]):
    """The month that goes on (``current``) and the last ones that ended, by ``yyyy-mm``.

    ``what_is`` says what the id in an answer is of.
    """

    NAME: ClassVar[str] = "month"
    CASE: ClassVar[type] = Month

    what_is: Callable[[str], About]
    on_leads: Callable[[Mapping[str, int]], None] = field(default=lambda _: None, init=False)
    _last: Stamp | None = field(default=None, init=False)
    _kept_ns: int = field(default=0, init=False)
    _link_up: bool = field(default=False, init=False)

    @property
    def due_ns(self) -> int | None:
        """When the figures are to be kept, or the month has ended."""
        last, month = self._last, self.cases.get(CURRENT)
        if last is None or month is None:
            return None
        due_ns = self._kept_ns + KEEP_NS
        if month.month and last.synced:
            left_ns = max(end_of(month.month) - last.utc_ns, 0)
            due_ns = min(due_ns, last.monotonic_ns + left_ns + AFTER_END_NS)
        return due_ns

    def resume(self, cases: Mapping[str, Month], now: Stamp) -> list[Decision]:
        """Go on counting; a month that ended meanwhile is told."""
        self.cases.update(cases)
        self._last = now
        if CURRENT not in self.cases:
            self.keep(CURRENT, Month(month_of(now.utc_ns) if now.synced else "", now))
        return self.on_time(now)

    def wipe(self, now: Stamp) -> None:
        """All months are forgotten; it begins to count anew."""
        Way.wipe(self, now)
        self._last = now
        self.keep(CURRENT, Month(month_of(now.utc_ns) if now.synced else "", now))

    def on_time(self, now: Stamp) -> list[Decision]:
        """Keep what was counted, and end the month."""
        decisions = self._turn(now)
        self._set()
        self._kept_ns = now.monotonic_ns
        return decisions

    def on_event(self, event: Event) -> list[Decision]:
        """Count it."""
        decisions = self._turn(event.at)
        match event:
            case LinkChanged(up=up):
                self._link_up = up
                self._set()
            case IncidentChanged(status=Status.ACTUAL):
                self._incident(event)
            case GuardAnswered(answer=Answer.CONFIRM | Answer.REJECT):
                self._answered(event)
            case Ordered(name=CommandName.DRILL_START):
                self._set(drills=self._month.drills + 1)
        return decisions

    def acked(self, stage: Stage, after_s: float) -> None:
        """The station acked an alert for the first time, by software or by a person."""
        month = self._month
        if stage is Stage.RECEIVED:
            self._set(received=add(month.received, after_s))
        else:
            self._set(seen=add(month.seen, after_s))

    def decided(self, was: Standing, standing: Standing) -> None:
        """Persons at the station decided on a real lead; a rejection takes back what it undoes."""
        month = self._month
        if standing is Standing.CONFIRMED:
            self._set(leads_confirmed=month.leads_confirmed + 1)
        elif standing is Standing.REJECTED:
            undone = was is Standing.CONFIRMED and month.leads_confirmed > 0
            confirmed = month.leads_confirmed - undone
            self._set(leads_confirmed=confirmed, leads_rejected=month.leads_rejected + 1)

    def told(self, month: str, now: Stamp) -> Mapping[str, object] | None:
        """The report of *month*, of the one that goes on when empty; None: nothing is known."""
        self._count(now)
        found = self.cases.get(month or CURRENT)
        if found is None and month == self._month.month:
            found = self._month
        return None if found is None else report(found, now)

    @property
    def leads(self) -> Mapping[str, int]:
        """How many leads and reviews were confirmed and rejected this month, for the heartbeat."""
        month = self.cases.get(CURRENT)
        return {name: getattr(month, name, 0) for name in sorted(_COUNTED)}

    @property
    def _month(self) -> Month:
        return self.cases[CURRENT]

    def _set(self, **changes: Any) -> None:
        self.keep(CURRENT, replace(self._month, **changes))
        if _COUNTED & changes.keys():
            self.on_leads(self.leads)

    def _incident(self, event: IncidentChanged) -> None:
        month, incident = self._month, event.incident
        if event.stand is Stand.OPENED:
            alerts = {**month.alerts, event.kind.value: month.alerts.get(event.kind.value, 0) + 1}
            self._set(alerts=alerts)
            if event.kind is Kind.GUARD_ABSENT:
                self._set(absent={**month.absent, incident: event.at})
        elif event.stand is Stand.ENDED and incident in month.absent:
            absent = dict(month.absent)
            lasted_ns = event.at.monotonic_ns - absent.pop(incident).monotonic_ns
            self._set(absent=absent, absent_ns=month.absent_ns + lasted_ns)

    def _answered(self, event: GuardAnswered) -> None:
        month, about = self._month, event.about or ""
        confirmed = event.answer is Answer.CONFIRM
        match self.what_is(about):
            case About.REVIEW if confirmed:
                self._set(reviews_confirmed=month.reviews_confirmed + 1)
            case About.REVIEW:
                self._set(reviews_rejected=month.reviews_rejected + 1)
            case About.ALARM if not confirmed and about not in month.last_false:
                last_false = (*month.last_false, about)[-LAST_FALSE:]
                self._set(false_alarms=month.false_alarms + 1, last_false=last_false)

    def _turn(self, now: Stamp) -> list[Decision]:
        """Count until *now*; when the month is known to be over, tell it and begin the next."""
        month = self._month
        if not now.synced:
            self._count(now)
            return []
        if not month.month:
            self._count(now)
            self._set(month=month_of(now.utc_ns), began=_back(now, month.began))
            return []
        if month_of(now.utc_ns) <= month.month:
            self._count(now)
            return []
        return self._close(month, now)

    def _close(self, month: Month, now: Stamp) -> list[Decision]:
        end_ns, following = end_of(month.month), month_of(now.utc_ns)
        self._count(now, until_ns=end_ns)
        closed = replace(self._month, to_ns=end_ns)
        end = _at(now, end_ns)
        closed = replace(
            closed, absent_ns=closed.absent_ns + still_absent_ns(closed, end), absent={}
        )
        self.keep(month.month, closed)
        began = end if month_of(end_ns) == following else now
        self.keep(CURRENT, Month(following, began, absent=dict.fromkeys(month.absent, end)))
        self._count(now)
        for old in sorted(name for name in self.cases if name != CURRENT)[:-KEPT_MONTHS]:
            self.end(old)
        return [Tell(("report", "month", month.month), report(closed, now))]

    def _count(self, now: Stamp, until_ns: int | None = None) -> None:
        """Add what passed since the last count, up to *until_ns* (UTC) if that is given."""
        last = self._last or now
        passed_ns = now.monotonic_ns - last.monotonic_ns
        if passed_ns < 0:
            return
        if until_ns is not None:
            passed_ns = min(passed_ns, max(until_ns - last.utc_ns, 0))
        self._last = replace(
            now, monotonic_ns=last.monotonic_ns + passed_ns, utc_ns=last.utc_ns + passed_ns
        )
        if until_ns is None:
            self._last = now
        month = self._month
        link_ns = month.link_ns + (passed_ns if self._link_up else 0)
        self.cases[CURRENT] = replace(month, up_ns=month.up_ns + passed_ns, link_ns=link_ns)


def _back(now: Stamp, then: Stamp) -> Stamp:
    """*then* with the wall time that it must have been, now that the time is known."""
    utc_ns = now.utc_ns - (now.monotonic_ns - then.monotonic_ns)
    return replace(then, utc_ns=utc_ns, synced=True)


def _at(now: Stamp, utc_ns: int) -> Stamp:
    """The moment *utc_ns*, which is past, by a clock that is right now."""
    return replace(now, utc_ns=utc_ns, monotonic_ns=now.monotonic_ns - (now.utc_ns - utc_ns))
