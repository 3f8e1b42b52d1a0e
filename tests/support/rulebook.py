"""Rules as the factory makes them, without a configuration file."""

from __future__ import annotations

from typing import Any

from agent.config.schema.base import Label
from agent.config.schema.rules import Window
from agent.core.decisions import Actuate, Decision, Raise, Resolve
from contract.words import Kind, Severity, Urgency
from rules.base import Manner, Place
from rules.windows import Windows

PLACE = Place("north-gate", Label(en="Guard desk", zh="岗亭"))


def manner(kind: Kind, **fields: Any) -> Manner:
    """How a rule of *kind* speaks: major, immediate, always, silently."""
    values: dict[str, Any] = {
        "name": kind.value,
        "kind": kind,
        "severity": Severity.MAJOR,
        "urgency": Urgency.IMMEDIATE,
        "windows": Windows(),
    }
    return Manner(**{**values, **fields})


def window(start: str, end: str, *days: str) -> Window:
    """A window on *days* (none: every day)."""
    value: dict[str, object] = {"start": start, "end": end}
    return Window.model_validate(value | ({"days": list(days)} if days else {}))


def the_raise(decisions: list[Decision]) -> Raise:
    """The one alert among *decisions*."""
    (found,) = [d for d in decisions if isinstance(d, Raise)]
    return found


def the_resolve(decisions: list[Decision]) -> Resolve:
    """The only decision, and the end of an incident."""
    (found,) = decisions
    assert isinstance(found, Resolve)
    return found


def driven(decisions: list[Decision]) -> list[tuple[str, str]]:
    """What outputs are told among *decisions*."""
    return [(d.output, d.drive.value) for d in decisions if isinstance(d, Actuate)]
