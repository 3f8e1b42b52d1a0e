"""What to do with a message from a gate. Decisions only: no store, no network, no clock.

The order that makes an ack worth something: the verdict's writes are made durable first, and only
then is its ack published. A message that cannot be used is kept and shown, never acked; one that
was stored before is acked again, because the gate may not have seen the first ack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from agent.core.clock import format_utc, parse_utc
from contract.checks import JPEG
from contract.routes import EVIDENCE, Route
from contract.validate import Checked, Problem
from contract.words import Refusal, Stage, Status
from station import gates
from station.heads import judge
from station.values import (
    Arrival,
    Channel,
    CountAgain,
    File,
    Gate,
    Item,
    Keep,
    News,
    Note,
    Publish,
    Refuse,
    ToldHead,
    Verdict,
    Write,
)

HEAD_BYTES = 4096
_INT64 = (1 << 63) - 1
_PREFIX = {Channel.ALERT: "gatehouse.alert.", Channel.EVENT: "gatehouse.event."}
_ON_GATE = {"state": gates.on_state, "meta": gates.on_meta, "hb": gates.on_beat}
_FILED = {"result": "cmd_id", "reported": "", "task-status": "state", "report": "", "post": ""}


class Memory(Protocol):
    """What was received before."""

    def has(self, source: str, message_id: str) -> bool:
        """True when the alert or event of that key is stored."""

    def gate(self, source: str) -> Gate | None:
        """What is known of the gate whose topics start with *source*."""

    def last_head(self, source: str) -> ToldHead | None:
        """The head of its audit log that the gate told last."""

    def head_hashes(self, source: str, number: int) -> set[str]:
        """Every hash that the gate told for a record of its audit log."""

    def named_picture(self, source: str, alert_id: str, n: int) -> str | None:
        """The SHA-256 that an alert says of its picture, empty when none; None: no such alert."""

    def rejected(self, source: str, alert_id: str) -> bool:
        """Whether a person rejected that lead."""


def decide(arrival: Arrival, checked: Checked, memory: Memory, station: str) -> Verdict:
    """What becomes of *arrival*, whose bytes were checked; *station* signs acks with its id."""
    route = checked.route
    if route is None or not checked.usable or route.station != station:
        return refused(arrival, checked)
    if route.gate is None:
        return _file(arrival, checked, route)
    gate = memory.gate(route.gate.base) or Gate(route.gate.base)
    schema = route.rule.schema
    if schema in set(Channel) and checked.body is not None:
        return _take(arrival, checked, route, gate, memory, station)
    if schema in _ON_GATE and checked.body is not None:
        noted = _ON_GATE[schema](gate, checked.body, arrival)
        news = News.STALE if noted.stale else News.NOTED
        verdict = Verdict(news, (Note(noted.gate),), about=route.gate.base)
        return _with_head(verdict, arrival, checked.body, gate.source, memory)
    if schema in _FILED:
        filed = _file(arrival, checked, route)
    elif schema == EVIDENCE:
        filed = _file_picture(arrival, checked, route, gate, memory)
    else:
        return refused(arrival, checked, "is not for a station")
    return replace(filed, writes=(*filed.writes, Note(gates.heard(gate, arrival))))


def received_ack(item: Item, station: str, route: Route) -> Publish:
    """``~/ack`` with stage received, on the branch that the message came on."""
    return ack_message(
        route, item.id, stage=Stage.RECEIVED, by=station, at=format_utc(item.received_ns)
    )


def ack_message(route: Route, message_id: str, *, stage: Stage, by: str, at: str) -> Publish:
    """The station's word on one alert or event; *at* is RFC 3339."""
    if route.gate is None:
        raise ValueError("only messages of gates are acked")
    body: dict[str, object] = {"alert_id": message_id, "stage": stage.value, "by": by, "at": at}
    if route.drill:
        body["status"] = Status.EXERCISE.value
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Publish(route.gate.topic("ack", drill=route.drill), payload)


def _take(
    arrival: Arrival, checked: Checked, route: Route, gate: Gate, memory: Memory, station: str
) -> Verdict:
    item = _item(arrival, checked.body or {}, route, checked.problems)
    known = memory.has(item.source, item.id)
    first: Write = CountAgain(item.source, item.id) if known else Keep(item)
    news = News.DUPLICATE if known else News.STORED
    writes = (first, Note(gates.heard(gate, arrival)))
    return Verdict(news, writes, received_ack(item, station, route), item.id)


def _file_picture(
    arrival: Arrival, checked: Checked, route: Route, gate: Gate, memory: Memory
) -> Verdict:
    """None of a lead that was rejected, none but the one that its alert names."""
    _, alert_id, n = route.rest
    if memory.rejected(gate.source, alert_id):
        return Verdict(News.NOTED, (), about=gate.source)
    named = memory.named_picture(gate.source, alert_id, int(n))
    if named is not None and named != hashlib.sha256(arrival.payload).hexdigest():
        return refused(arrival, checked, "is not the picture that its alert names")
    return _file(arrival, checked, route)


def _with_head(
    verdict: Verdict, arrival: Arrival, body: Mapping[str, Any], source: str, memory: Memory
) -> Verdict:
    """*verdict* and what the heartbeat's audit head adds to it; retained ones tell nothing."""
    told = body.get("audit")
    if told is None or arrival.retained:
        return verdict
    head = ToldHead(int(told["n"]), str(told["hash"]))
    last, known = memory.last_head(source), memory.head_hashes(source, head.n)
    writes, fault = judge(source, head, last, known, arrival.received_ns)
    writes = (*verdict.writes, *writes)
    if not fault:
        return replace(verdict, writes=writes)
    return Verdict(News.AUDIT, writes, about=f"{source}: {fault}")


def _item(
    arrival: Arrival, body: Mapping[str, Any], route: Route, problems: tuple[Problem, ...]
) -> Item:
    channel = Channel(route.rule.schema)
    data = body["data"]
    status = Status(body["ghstatus"])
    if route.drill != (status is Status.EXERCISE):
        status = Status.ACTUAL
    return Item(
        source=str(body["source"]),
        id=str(body["id"]),
        channel=channel,
        topic=arrival.topic,
        status=status,
        kind=str(body["type"]).removeprefix(_PREFIX[channel]),
        severity=str(data.get("severity", "")),
        session=int(body["session"]),
        seq=int(body["seq"]),
        replayed=bool(body["replayed"]),
        happened_ns=min(max(parse_utc(data["at"]["utc"]), -_INT64), _INT64),
        synced=bool(data["at"]["synced"]),
        received_ns=arrival.received_ns,
        body=arrival.payload,
        faults=(*(["was retained"] if arrival.retained else []), *map(str, problems)),
    )


def _file(arrival: Arrival, checked: Checked, route: Route) -> Verdict:
    if route.gate is None and route.rule.schema != "area-respond":
        return refused(arrival, checked, "is not for a station")
    body = checked.body or {}
    if route.gate is None:
        key = f"{body.get('call_id', '')} {body.get('state', '')}"
    else:
        field = _FILED.get(route.rule.schema, "")
        key = str(body.get(field, "")) if field else ""
    if _is_of_a_repeat(checked):
        key = f"{key} again"
    write = File(arrival.topic, key, arrival.payload, arrival.received_ns)
    return Verdict(News.FILED, (write,), about=arrival.topic)


def _is_of_a_repeat(checked: Checked) -> bool:
    """A command that was delivered twice is refused the second time; the first answer stands."""
    reason = str((checked.body or {}).get("reason") or "")
    return reason.partition(":")[0] == Refusal.REPEATED


def refused(arrival: Arrival, checked: Checked, text: str = "is of another station") -> Verdict:
    """Keep the head of a message and why it cannot be used; *text* when nothing else is known.

    Nothing is kept of a picture.
    """
    problems = tuple(str(p) for p in checked.problems if not p.tolerable) or (text,)
    gate = checked.route.gate if checked.route else None
    source = gate.base if gate else ""
    head = b"" if arrival.payload.startswith(JPEG) else arrival.payload[:HEAD_BYTES]
    size = len(arrival.payload)
    write = Refuse(source, arrival.topic, head, size, problems, arrival.received_ns)
    return Verdict(News.MALFORMED, (write,), about="; ".join(problems[:3]))
