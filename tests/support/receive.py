"""A station's decision on one message, with a memory that a test fills by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.core.clock import parse_utc
from contract.validate import check_message
from station.receive import decide
from station.values import Arrival, Gate, ToldHead, Verdict
from tests.tools.messages import GATE, body

NOW_NS = parse_utc("2026-11-21T08:00:00.250Z")


@dataclass(slots=True)
class Remembered:
    """A memory that a test fills by hand."""

    keys: set[tuple[str, str]] = field(default_factory=set)
    gates: dict[str, Gate] = field(default_factory=dict)
    heads: list[ToldHead] = field(default_factory=list)
    named: dict[tuple[str, int], str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def has(self, source: str, message_id: str) -> bool:
        return (source, message_id) in self.keys

    def gate(self, source: str) -> Gate | None:
        return self.gates.get(source)

    def last_head(self, source: str) -> ToldHead | None:
        return self.heads[-1] if self.heads and source == GATE else None

    def head_hashes(self, source: str, number: int) -> set[str]:
        return {head.hash for head in self.heads if head.n == number and source == GATE}

    def named_picture(self, source: str, alert_id: str, n: int) -> str | None:
        known = [key for key in self.named if key[0] == alert_id and source == GATE]
        return self.named.get((alert_id, n), "") if known else None

    def rejected(self, source: str, alert_id: str) -> bool:
        return source == GATE and alert_id in self.gone


def judge(
    rest: str,
    value: dict[str, Any] | bytes,
    *,
    memory: Remembered | None = None,
    retained: bool = False,
    base: str = GATE,
) -> Verdict:
    """What becomes of *value*, said by a gate on *rest* of its topics."""
    payload = value if isinstance(value, bytes) else body(value)
    topic = f"{base}/{rest}" if rest else base
    arrival = Arrival(topic, payload, retained, again=False, received_ns=NOW_NS)
    return decide(arrival, check_message(topic, payload), memory or Remembered(), "cancheng")
