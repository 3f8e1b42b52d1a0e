"""What an expression comes to for one event: facts of the event, and simpleeval over a tree.

The configuration has checked each expression already (``agent.config.expressions``): only names,
plain values, comparisons, ``and``, ``or`` and ``not`` are in it. Here it is evaluated by simpleeval
without any function, attribute or arithmetic, whatever the check let pass.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.config.expressions import parse
from agent.core.clock import Stamp
from agent.core.events import (
    AckReceived,
    CameraChanged,
    ClockChanged,
    DoorReleased,
    Event,
    FaceLead,
    HostChanged,
    InputChanged,
    LatchReset,
    LinkChanged,
    StorageChanged,
)
from rules.base import Place

_OPERATORS: Mapping[type, Callable[..., bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}
Predicate = Callable[["Facts"], bool]


@dataclass(frozen=True, slots=True)
class Facts:
    """One event as expressions see it; what an event does not have is empty, false or 0."""

    at: Stamp
    event: str
    device: str = ""
    type: str = ""
    where: str = ""
    state: str = ""
    initial: bool = False
    exercise: bool = False
    score: float = 0.0
    frames: float = 0.0
    quality: float = 0.0

    @property
    def subject(self) -> tuple[str, str]:
        """What the event is about: of one subject a newer event replaces the older."""
        return self.event, self.device

    def names(self) -> dict[str, object]:
        """The values by name."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(name for name in Facts.__dataclass_fields__ if name != "at")


# What each event is called, and the device and state that it tells.
_TOLD: Mapping[type, tuple[str, Callable[[Any], tuple[str, str]]]] = {
    InputChanged: ("input", lambda e: (e.device, e.state.value)),
    CameraChanged: ("camera", lambda e: (e.camera, e.state.value)),
    FaceLead: ("lead", lambda e: (e.camera, "")),
    DoorReleased: ("released", lambda e: (e.door, "")),
    LatchReset: ("reset", lambda e: (e.device or "", "")),
    LinkChanged: ("link", lambda e: ("link", "up" if e.up else "down")),
    HostChanged: ("station", lambda e: ("station", "online" if e.online else "offline")),
    StorageChanged: ("storage", lambda e: ("outbox", "ok" if e.ok else "bad")),
    ClockChanged: ("clock", lambda e: ("clock", "synced" if e.synced else "unsynced")),
    AckReceived: ("ack", lambda e: ("station", e.stage)),
}


def facts_of(
    event: Event, types: Mapping[str, str], places: Mapping[str, Place], node: str
) -> Facts | None:
    """*event* as facts; None for one that no expression can speak of."""
    if type(event) not in _TOLD:
        return None
    kind, tell = _TOLD[type(event)]
    device, state = tell(event)
    place = places.get(device)
    more: dict[str, Any] = {}
    if isinstance(event, FaceLead):
        more = {
            "exercise": event.exercise,
            "score": event.score,
            "frames": event.frames,
            "quality": event.quality,
        }
    if isinstance(event, InputChanged):
        more = {"initial": event.initial}
    where = place.where if place else node
    return Facts(event.at, kind, device, types.get(device, ""), where, state, **more)


def compiled(text: str) -> Predicate:
    """Whether the checked expression *text* holds for an event."""
    from simpleeval import SimpleEval  # noqa: PLC0415 - for gates with such a rule

    tree = parse(text.strip())
    evaluator = SimpleEval(operators=dict(_OPERATORS), functions={}, names={})
    evaluator.nodes = {kind: do for kind, do in evaluator.nodes.items() if kind in _NODES}
    evaluator.nodes |= {ast.List: _plain_list, ast.Tuple: _plain_list}

    def holds(facts: Facts) -> bool:
        evaluator.names = facts.names()
        return bool(evaluator.eval(text, previously_parsed=tree))

    return holds


_NODES = frozenset({ast.Constant, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Name})


def _plain_list(node: ast.List | ast.Tuple) -> list[object]:
    return [item.value for item in node.elts if isinstance(item, ast.Constant)]
