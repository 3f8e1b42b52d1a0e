"""Calls of an area as events and as messages, and what ways decide about them, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from agent.core.answers import Answer, AreaCalled, GuardAnswered
from agent.core.clock import ManualClock
from agent.core.decisions import Decision, Note
from agent.core.events import IncidentChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from contract.signing import sign
from contract.words import Kind, Role, Severity, Status
from tests.support.samples import at
from tests.support.signed import KEYS, utc

_D = TypeVar("_D")
HELP = Text("Help wanted", "请求支援")


def called(clock: ManualClock, **fields: Any) -> AreaCalled:
    """The station calls area north, for five minutes."""
    values: dict[str, Any] = {
        "at": at(clock),
        "area": "north",
        "call_id": "call-1",
        "kind": "panic",
        "text": HELP,
        "where": "north-gate",
        "caller": "liya-garden/gate-2",
        "issuer": "cancheng",
        "valid_s": 300.0,
        "status": Status.ACTUAL,
    }
    return AreaCalled(**{**values, **fields})


def body(clock: ManualClock, **fields: Any) -> dict[str, Any]:
    """A neighbour's call as it travels; a field that is given as ``...`` is left out."""
    values: dict[str, Any] = {
        "call_id": "call-1",
        "site": "school",
        "node": "gate-1",
        "kind": "panic",
        "text": {"en": HELP.en, "zh": HELP.zh},
        "where": "north-gate",
        "at": utc(clock),
        "expires_at": utc(clock, 300),
        "status": "Actual",
    }
    return {name: value for name, value in {**values, **fields}.items() if value is not ...}


def signed_body(clock: ManualClock, *, role: Role = Role.CONFIG, **fields: Any) -> dict[str, Any]:
    """The station's call as it travels."""
    named = {"area": "north", "issuer": "cancheng", "role": "config"}
    return sign(body(clock, **{**named, **fields}), KEYS[role])


def answered(
    clock: ManualClock, answer: Answer, about: str | None = "call-1", **fields: Any
) -> GuardAnswered:
    """The guard answers a call."""
    return GuardAnswered(at(clock), answer, "guard 7", "button", about=about, **fields)


def incident(
    clock: ManualClock,
    kind: Kind = Kind.PANIC,
    stand: Stand = Stand.OPENED,
    alert: str | None = "a-1",
    name: str = "i-1",
    **fields: Any,
) -> IncidentChanged:
    """An incident of the gate itself."""
    values: dict[str, Any] = {
        "severity": Severity.CRITICAL,
        "status": Status.ACTUAL,
        "device": "panic-1",
        "where": "north-gate",
        "text": HELP,
    }
    told = None if alert is None else AlertId(alert)
    return IncidentChanged(
        at(clock), IncidentId(name), stand, kind, **{**values, **fields}, alert=told
    )


def only(kind: type[_D], decisions: Sequence[Decision]) -> list[_D]:
    """The decisions of one kind."""
    return [decision for decision in decisions if isinstance(decision, kind)]


def notes(decisions: Sequence[Decision]) -> list[tuple[str, Any]]:
    """What is told of a call: kind, and details."""
    return [(note.kind, dict(note.details)) for note in only(Note, decisions)]
