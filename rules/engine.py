"""All rules together, each kept from harming the others.

A rule that raises loses that decision and becomes an issue; three failures in an hour switch it
off. Panic is never switched off: when its rule fails, a plain critical alert is made without it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Decision, Details, Raise
from agent.core.events import Event, InputChanged, InputState
from agent.core.text import Text
from contract.words import Kind, Severity, Urgency
from rules.base import Rule

log = logging.getLogger(__name__)

FAILURES_BEFORE_OFF = 3
FAILURE_WINDOW_NS = 3600 * NS_PER_S


class Hears(Protocol):
    """What the engine asks of a rule; ``rules.base.Rule`` and ``rules.door.DoorWatch`` have it."""

    @property
    def name(self) -> str:
        """For issues and logs."""

    @property
    def due_ns(self) -> int | None:
        """Monotonic ns at which ``on_time`` has something to say."""

    def on_event(self, event: Event) -> list[Decision]:
        """What *event* makes necessary."""

    def on_time(self, now: Stamp) -> list[Decision]:
        """What is due by *now*."""


@dataclass(frozen=True, slots=True)
class RuleFailed:
    """A rule raised; ``off`` when it was switched off for it."""

    rule: str
    reason: str
    off: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What a rule made of an event or of time: decisions, what it notes of why, or its failure."""

    rule: str
    decisions: tuple[Decision, ...] = ()
    notes: tuple[Details, ...] = ()
    failed: str = ""
    off: bool = False


@dataclass(slots=True)
class _Guarded:
    rule: Hears
    protected: bool
    failures_ns: deque[int] = field(default_factory=deque)
    off: bool = False


class Engine:
    """Gives every event to every rule and gathers their decisions."""

    def __init__(
        self,
        rules: Sequence[Hears],
        *,
        panic_devices: Sequence[str] = (),
        on_failure: Callable[[RuleFailed, Stamp], None],
        on_decided: Callable[[Decided], None] = lambda _: None,
    ) -> None:
        """*on_decided* hears of every rule that did something, has a reason not to, or is off."""
        self._guarded = [_Guarded(rule, protected=rule.name == Kind.PANIC) for rule in rules]
        self._panic_devices = frozenset(panic_devices)
        self._on_failure = on_failure
        self._on_decided = on_decided

    def on_event(self, event: Event) -> list[Decision]:
        """Decisions of all rules about *event*, in the order of the rules; never raises."""
        decisions: list[Decision] = []
        for guarded in self._guarded:
            if guarded.off:
                self._on_decided(Decided(guarded.rule.name, off=True))
            else:
                try:
                    decisions += self._told(guarded, guarded.rule.on_event(event))
                except Exception as error:  # noqa: BLE001 - one rule must not stop the others
                    decisions += self._failed(guarded, event.at, error, event)
        return decisions

    def on_time(self, now: Stamp) -> list[Decision]:
        """Decisions that are due by *now*; never raises."""
        decisions: list[Decision] = []
        for guarded in self._guarded:
            if not guarded.off and _is_due(guarded.rule, now):
                try:
                    decisions += self._told(guarded, guarded.rule.on_time(now))
                except Exception as error:  # noqa: BLE001 - one rule must not stop the others
                    decisions += self._failed(guarded, now, error, None)
        return decisions

    def recall(self, last_seen: Mapping[str, Stamp], now: Stamp) -> list[Decision]:
        """These incidents of our rules were open when an earlier life ended."""
        decisions: list[Decision] = []
        for guarded in self._guarded:
            if isinstance(guarded.rule, Rule):
                try:
                    decisions += guarded.rule.recall(last_seen, now)
                except Exception as error:  # noqa: BLE001 - one rule must not stop the start
                    decisions += self._failed(guarded, now, error, None)
        return decisions

    @property
    def due_ns(self) -> int | None:
        """The earliest monotonic ns at which :meth:`on_time` has something to say."""
        dues = (g.rule.due_ns for g in self._guarded if not g.off)
        return min((due for due in dues if due is not None), default=None)

    def _told(self, guarded: _Guarded, decisions: list[Decision]) -> list[Decision]:
        rule: Any = guarded.rule
        notes = tuple(rule.notes()) if hasattr(rule, "notes") else ()
        if decisions or notes:
            self._on_decided(Decided(guarded.rule.name, tuple(decisions), notes))
        return decisions

    def _failed(
        self, guarded: _Guarded, at: Stamp, error: Exception, event: Event | None
    ) -> list[Decision]:
        log.error("rule %s failed", guarded.rule.name, exc_info=error)
        failures = guarded.failures_ns
        failures.append(at.monotonic_ns)
        while failures and at.monotonic_ns - failures[0] > FAILURE_WINDOW_NS:
            failures.popleft()
        guarded.off = len(failures) >= FAILURES_BEFORE_OFF and not guarded.protected
        reason = f"{type(error).__name__}: {error}"
        self._on_failure(RuleFailed(guarded.rule.name, reason, guarded.off), at)
        plain = self._plain_panic(guarded, event)
        self._on_decided(Decided(guarded.rule.name, tuple(plain), failed=reason, off=guarded.off))
        return plain

    def _plain_panic(self, guarded: _Guarded, event: Event | None) -> list[Decision]:
        pressed = (
            isinstance(event, InputChanged)
            and event.state is InputState.PRESSED
            and event.device in self._panic_devices
        )
        if not guarded.protected or not isinstance(event, InputChanged) or not pressed:
            return []
        return [
            Raise(
                at=event.at,
                rule="panic-fallback",
                kind=Kind.PANIC,
                key=f"panic:{event.device}",
                severity=Severity.CRITICAL,
                urgency=Urgency.IMMEDIATE,
                text=Text(f"Panic button pressed: {event.device}", f"紧急按钮触发：{event.device}"),
                device=event.device,
                where=event.device,
            )
        ]


def _is_due(rule: Hears, now: Stamp) -> bool:
    due_ns = rule.due_ns
    return due_ns is not None and due_ns <= now.monotonic_ns
