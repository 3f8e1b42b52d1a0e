"""A cause as a panic button's rule raises it."""

from __future__ import annotations

from typing import Any

from agent.core.clock import Clock, stamp
from agent.core.decisions import Raise
from contract.words import Kind, Severity, Urgency
from tests.support.calls import HELP


def raised(clock: Clock, **fields: Any) -> Raise:
    """Latched, critical, at the north gate."""
    values: dict[str, Any] = {
        "at": stamp(clock),
        "rule": "panic",
        "kind": Kind.PANIC,
        "key": "panic:panic-1",
        "severity": Severity.CRITICAL,
        "urgency": Urgency.IMMEDIATE,
        "text": HELP,
        "device": "panic-1",
        "where": "north-gate",
        "lasting": True,
        "latched": True,
    }
    return Raise(**{**values, **fields})
