"""What an incident book is given and gives: causes, ends, messages."""

from __future__ import annotations

from typing import Any

from agent.core.clock import ManualClock
from agent.core.decisions import Raise, Resolve
from agent.core.text import Text
from agent.incidents.book import Message
from contract.words import Kind, Severity, Urgency
from tests.support.samples import at


def cause(clock: ManualClock, key: str = "tamper:loop-1", **fields: Any) -> Raise:
    """A cut tamper line, unless *fields* say otherwise."""
    values: dict[str, Any] = {
        "at": at(clock),
        "rule": "tamper",
        "kind": Kind.TAMPER,
        "key": key,
        "severity": Severity.MAJOR,
        "urgency": Urgency.IMMEDIATE,
        "text": Text("Line cut", "线路被剪断"),
        "device": "loop-1",
        "where": "cabinet",
        "details": {"line": "cut"},
        "cooldown_s": 60.0,
    }
    return Raise(**{**values, **fields})


def end(clock: ManualClock, key: str = "tamper:loop-1") -> Resolve:
    """The line is whole again."""
    return Resolve(at(clock), key, Text("Line intact again", "线路恢复正常"))


def sent(message: Message | None) -> Message:
    """The message; there has to be one."""
    assert message is not None
    return message
