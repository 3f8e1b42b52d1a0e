"""Escalation: who else is told of an alert that nobody takes up.

Two clocks run from the first cause of an incident. Hooks (a webhook, an SMS modem) are run when the
station gave no ack at all in time; a hook that fails is tried again while there is still none. A
link with several brokers goes on to the next one then, and again after as long. The chain (station,
county, city) rises by one level each time its wait passes without a person's ack; each rise is an
Update of the incident with ``details.level``.

::

    hook    waiting --no ack in time-->       running   only Actual incidents
            running --it did it-->            done
            running --it failed-->            waiting   10, 20, 40, 80 s, five tries in all
            waiting --ack, or incident over--> (none)
    level   n       --n+1's wait, no person--> n+1       Update
            n       --a person's ack-->        n         for good

After a restart a hook whose end nobody saw is run again: told twice is better than not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from agent.config.schema.escalation import NEXT_BROKER, EscalationConfig
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Details, Note, Page, Raise
from agent.core.events import AckReceived, Event, HookEnded, IncidentChanged
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from agent.incidents.book import Open
from agent.incidents.way import OfIncidents, newest
from contract.words import Kind, Severity, Stage, Status

MOST_TRIES = 5
FIRST_RETRY_S = 10
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Try:
    """How often a hook was run, and when last."""

    count: int
    last: Stamp
    done: bool = False


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An incident and who was told of it. ``level`` is its place in the chain."""

    incident: IncidentId
    kind: Kind
    severity: Severity
    status: Status
    device: str
    where: str
    text: Text
    began: Stamp
    alerts: tuple[AlertId, ...]
    level: int = 0
    acked: bool = False
    taken_up: bool = False
    tries: Mapping[str, Try] = field(default_factory=dict)


@dataclass(slots=True)
class Escalation(OfIncidents[Unanswered]):
    """Incidents that may escalate, by incident."""

    NAME: ClassVar[str] = "escalation"
    CASE: ClassVar[type] = Unanswered

    config: EscalationConfig
    source: str
    standing: Callable[[str], Open | None]
    several_brokers: bool = False
    _running: set[tuple[str, str]] = field(default_factory=set, init=False)

    def carried(self, kind: Kind, incident: str | None) -> Details:
        """What every alert of an incident says of the chain; *incident* None: it opens."""
        if not self.config.chain or kind not in self.config.kinds:
            return {}
        case = self.cases.get(incident or "")
        reached = 0 if case is None else min(case.level, len(self.config.chain) - 1)
        level = self.config.chain[reached]
        chain = [
            {"level": each.level, "name": dict(each.name), "after_s": each.after_s}
            for each in self.config.chain
        ]
        return {"escalation": chain, "level": level.level}

    @property
    def due_ns(self) -> int | None:
        """When a hook is to be run, or the level rises."""
        dues = [due for case in self.cases.values() for due in self._dues(case).values()]
        return min(dues, default=None)

    def wipe(self, now: Stamp) -> None:
        """What nobody took up goes on; no person is kept here."""

    def on_event(self, event: Event) -> list[Decision]:
        """Incidents, what the station says of them, and how hooks ended."""
        match event:
            case IncidentChanged():
                self.incident(event)
            case AckReceived():
                self._acked(event)
            case HookEnded():
                return self._ended(event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Hooks that are due, and levels that rise."""
        decisions: list[Decision] = []
        for incident in list(self.cases):
            dues = self._dues(self.cases[incident])
            for name in [name for name, due_ns in dues.items() if now.monotonic_ns >= due_ns]:
                case = self.cases[incident]
                decisions += [self._page(case, name, now)] if name else self._rise(case, now)
        return decisions

    def begun(self, event: IncidentChanged, alert: AlertId, text: Text) -> Unanswered | None:
        """An incident of a kind that escalates, or that a hook is for."""
        concerns = [*self.config.kinds, *(k for h in self.config.hooks for k in h.kinds or ())]
        if event.kind not in concerns:
            return None
        what = (event.kind, event.severity, event.status, event.device, event.where)
        return Unanswered(event.incident, *what, text, event.at, (alert,))

    def gone_on(self, case: Unanswered, event: IncidentChanged, alert: AlertId) -> Unanswered:
        """It may be graver now."""
        return replace(case, alerts=newest(case.alerts, alert), severity=event.severity)

    def _acked(self, event: AckReceived) -> None:
        """Any ack ends the hooks; a person's ends the rise of the level."""
        person = Stage(event.stage).rank >= self.config.stage.rank
        for key, case in list(self.cases.items()):
            if event.alert_id in case.alerts and (not case.acked or person):
                self.keep(key, replace(case, acked=True, taken_up=case.taken_up or person))

    def _ended(self, event: HookEnded) -> list[Decision]:
        self._running.discard((event.incident, event.hook))
        case = self.cases.get(event.incident)
        details = {"hook": event.hook, "of": event.incident, "ok": event.ok, "detail": event.detail}
        if case is None:
            return [Note(event.at, "escalation.hook", "gate", "", details)]
        tried = case.tries.get(event.hook) or Try(1, event.at)
        tries = {
            **case.tries,
            event.hook: replace(tried, done=event.ok and event.hook != NEXT_BROKER),
        }
        self.keep(event.incident, replace(case, tries=tries))
        told = {**details, "tries": tried.count}
        return [Note(event.at, "escalation.hook", case.device, case.where, told, case.status)]

    def _dues(self, case: Unanswered) -> dict[str, int]:
        """Monotonic ns at which something is to be done: hooks by name, the next level as ''."""
        dues: dict[str, int] = {}
        if not case.acked and case.status is Status.ACTUAL:
            for number in range(len(self.config.hooks)):
                name = self.config.name_of(number)
                due_ns = self._hook_due_ns(case, name)
                if case.kind in self.config.kinds_of(number) and due_ns is not None:
                    dues[name] = due_ns
            due_ns = self._hook_due_ns(case, NEXT_BROKER)
            if self.several_brokers and case.kind in self.config.kinds and due_ns is not None:
                dues[NEXT_BROKER] = due_ns
        above = case.level + 1
        rises = not case.taken_up and case.kind in self.config.kinds
        if rises and above < len(self.config.chain):
            dues[""] = _after(case.began, self.config.chain[above].after_s)
        return dues

    def _hook_due_ns(self, case: Unanswered, name: str) -> int | None:
        tried = case.tries.get(name)
        if tried is None:
            return _after(case.began, self.config.after_s)
        running = (case.incident, name) in self._running
        if tried.done or running or tried.count >= MOST_TRIES:
            return None
        if name == NEXT_BROKER:
            return _after(tried.last, self.config.after_s)
        return _after(tried.last, FIRST_RETRY_S * 2 ** (tried.count - 1))

    def _page(self, case: Unanswered, name: str, now: Stamp) -> Page:
        tried = case.tries.get(name)
        tries = {**case.tries, name: Try(1 if tried is None else tried.count + 1, now)}
        self.keep(case.incident, replace(case, tries=tries))
        self._running.add((case.incident, name))
        body = {
            "source": self.source,
            "incident": case.incident,
            "alert": case.alerts[-1],
            "kind": case.kind.value,
            "severity": case.severity.value,
            "status": case.status.value,
            "text": {"en": case.text.en, "zh": case.text.zh},
            "where": case.where,
            "at": case.began.utc,
            "unanswered_s": round((now.monotonic_ns - case.began.monotonic_ns) / NS_PER_S),
        }
        return Page(case.incident, name, body)

    def _rise(self, case: Unanswered, now: Stamp) -> list[Decision]:
        """The next level, as an Update; an incident that the book does not know rises no more."""
        level = self.config.chain[case.level + 1]
        self.keep(case.incident, replace(case, level=case.level + 1))
        standing = self.standing(case.incident)
        if standing is None:
            self.end(case.incident)
            return []
        waited_s = f"{level.after_s:g}"
        text = Text(
            _short(f"Nobody answered for {waited_s} s, now for {level.name.en}: {case.text.en}"),
            _short(f"{waited_s} 秒无人应答，上报{level.name.zh}：{case.text.zh}"),
        )
        details = {"level": level.level, "unanswered_s": level.after_s}
        return [again(standing, now, text, details)]


def again(
    standing: Open, now: Stamp, text: Text, details: Details, severity: Severity | None = None
) -> Raise:
    """The open incident goes on with *text* and *details*; its cooldown holds nothing back."""
    return replace(
        standing.cause,
        at=now,
        text=text,
        details=details,
        severity=severity or standing.severity,
        cooldown_s=0.0,
    )


def _after(since: Stamp, seconds: float) -> int:
    return since.monotonic_ns + round(seconds * NS_PER_S)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
