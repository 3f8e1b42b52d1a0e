"""Relay patrols: one gate hands its patrol on, and the station gives the next gate its task.

The move of each relay is drawn from ``TRANSITIONS``. What ends it without somebody who goes on is
said to the guard of the gate that handed over, by a task, and stands on the station's screen.

Here: deciding about a hand-over, the answers to it, and its window. Not here: its rows
(``station.relay_rows``), the loop (``station.serve``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agent.core.clock import NS_PER_S, format_utc
from agent.core.errors import GatehouseError
from contract.routes import route
from contract.topics import Address, parse_gate_topic
from contract.words import Status
from station.orders import Task
from station.values import (
    Channel,
    File,
    Gate,
    Item,
    Keep,
    KeepRelay,
    Publish,
    Queue,
    Relay,
    RelayState,
    Verdict,
    Write,
    gate_name,
)

KIND = "patrol.handover"
USUAL_S, LONGEST_S = 900.0, 86_400.0
TELL_S = 3600.0
MOST_WAITING = 4
LONGEST_NAME = 80

TRANSITIONS: Mapping[tuple[RelayState, str], RelayState] = {
    (RelayState.ASKED, "received"): RelayState.ASKED,
    (RelayState.ASKED, "accepted"): RelayState.TAKEN,
    (RelayState.ASKED, "arrived"): RelayState.TAKEN,
    (RelayState.ASKED, "done"): RelayState.TAKEN,
    (RelayState.ASKED, "declined"): RelayState.NOT_TAKEN,
    (RelayState.ASKED, "window over"): RelayState.NOT_TAKEN,
    (RelayState.TAKEN, "declined"): RelayState.NOT_TAKEN,
}
Sign = Callable[[Task, str, int, float], Publish]
Tell = Callable[[str, dict[str, object]], None]


class Rows(Protocol):
    """What is stored of relays."""

    def relay(self, task_id: str) -> Relay | None:
        """The relay of that task."""

    def waiting(self, source: str) -> int:
        """How many relays of a gate nobody has taken yet."""

    def over(self, now_ns: int) -> Sequence[Relay]:
        """Relays that nobody took in their window."""


class Memory(Protocol):
    """What is stored."""

    @property
    def relays(self) -> Rows:
        """Relays as they stand now."""

    def gate(self, source: str) -> Gate | None:
        """What is known of a gate."""


@dataclass(frozen=True, slots=True)
class _Why:
    """Why nobody goes on, as people read it."""

    en: str
    zh: str


_LATE = _Why("the station heard of it too late", "派出所收到移交过晚")
_UNKNOWN = _Why("the station knows no such gate", "派出所没有该岗亭的记录")
_CROWDED = _Why("too many relays wait already", "等待接力的巡逻过多")
_DECLINED = _Why("it was declined", "对方拒绝")
_UNSIGNED = _Why("the station could not send it", "派出所无法下发任务")


class Relays:
    """Follows every hand-over. Its writes belong to the batch that they are decided in.

    *sign* makes a task of what is wanted, its id, when it is issued (ns) and how long a gate may
    take it (s). *tell* writes a line of the serving program.
    """

    def __init__(self, station: str, memory: Memory, sign: Sign, tell: Tell) -> None:
        self._station = station
        self._memory = memory
        self._sign = sign
        self._tell = tell

    def heard(self, verdict: Verdict) -> tuple[Write, ...]:
        """What follows from a message that is stored by *verdict*."""
        for write in verdict.writes:
            match write:
                case Keep(item) if item.channel is Channel.EVENT and item.kind == KIND:
                    return self._handed_over(item)
                case File(topic=topic) if topic.endswith("/status"):
                    return self._answered(write)
        return ()

    def over(self, now_ns: int) -> tuple[Write, ...]:
        """What follows from windows that are over."""
        writes: list[Write] = []
        for relay in self._memory.relays.over(now_ns):
            minutes = f"{relay.within_s / 60:g}"
            why = _Why(f"nobody answered within {minutes} min", f"{minutes}分钟内无人接受")
            writes += self._missed(relay, "window over", why, now_ns)
        return tuple(writes)

    def _handed_over(self, item: Item) -> tuple[Write, ...]:
        task_id = f"relay-{item.id}"
        relay = _relay_of(item, task_id, self._station)
        if relay is None or self._memory.relays.relay(task_id) is not None:
            return ()
        now_ns = item.received_ns
        if relay.due_ns <= now_ns:
            return self._dropped(relay, _LATE, now_ns)
        if self._memory.gate(relay.to) is None or relay.to == relay.source:
            return self._dropped(relay, _UNKNOWN, now_ns)
        if self._memory.relays.waiting(relay.source) >= MOST_WAITING:
            return self._dropped(relay, _CROWDED, now_ns)
        left_s = (relay.due_ns - now_ns) / NS_PER_S
        en = f"Relay patrol '{relay.en}' comes from {gate_name(relay.source)}: take over"
        zh = f"接力巡逻“{relay.zh}”自{gate_name(relay.source)}移交，请接续"
        asked = self._task(relay.to, task_id, en, zh, relay, now_ns, left_s)
        if not asked:
            return self._dropped(relay, _UNSIGNED, now_ns)
        self._tell("relay", {"task": task_id, "from": relay.source, "to": relay.to})
        return (KeepRelay(relay), *asked)

    def _answered(self, paper: File) -> tuple[Write, ...]:
        way = route(paper.topic)
        if way is None or way.gate is None or way.rule.schema != "task-status":
            return ()
        body = json.loads(paper.body)
        relay = self._memory.relays.relay(str(body.get("task_id")))
        if relay is None or relay.to != way.gate.base or relay.drill != way.drill:
            return ()
        state = str(body.get("state"))
        after = TRANSITIONS.get((relay.state, state))
        if after is RelayState.NOT_TAKEN:
            note = str(body.get("note") or "")[:200]
            why = _Why(f"{_DECLINED.en}: {note}", f"{_DECLINED.zh}：{note}") if note else _DECLINED
            return self._missed(relay, state, why, paper.received_ns)
        if after is None or after is relay.state:
            return ()
        self._tell("relay-taken", {"task": relay.task_id, "by": str(body.get("by"))})
        return (KeepRelay(replace(relay, state=after)),)

    def _dropped(self, relay: Relay, why: _Why, now_ns: int) -> tuple[Write, ...]:
        """The next gate is not even asked: the window is over at once."""
        return self._missed(relay, "window over", why, now_ns)

    def _missed(self, relay: Relay, cause: str, why: _Why, now_ns: int) -> tuple[Write, ...]:
        """Nobody goes on: the one who handed over is told, and the station's screen says so."""
        self._tell("relay-missed", {"task": relay.task_id, "to": relay.to, "reason": why.en})
        to = gate_name(relay.to)
        en = f"Nobody takes over relay patrol '{relay.en}' at {to}: {why.en}"
        zh = f"接力巡逻“{relay.zh}”在{to}无人接续：{why.zh}"
        told = self._task(relay.source, f"{relay.task_id}-back", en, zh, relay, now_ns, TELL_S)
        ended = replace(relay, state=TRANSITIONS[relay.state, cause])
        return (KeepRelay(ended), *told, self._screen(relay, why, now_ns))

    def _screen(self, relay: Relay, why: _Why, now_ns: int) -> File:
        """A line as of a task that nobody does; a later word of the gate takes its place."""
        body = {
            "task_id": relay.task_id,
            "state": "declined",
            "by": self._station,
            "at": format_utc(now_ns),
            "note": f"{why.en} {why.zh}",
        }
        topic = _address(relay.to).topic("task", relay.task_id, "status", drill=relay.drill)
        return File(topic, "not taken", json.dumps(body, ensure_ascii=False).encode(), now_ns)

    def _task(
        self, gate: str, task_id: str, en: str, zh: str, relay: Relay, now_ns: int, valid_s: float
    ) -> tuple[Write, ...]:
        task = Task(_address(gate), en, zh, due_s=valid_s, exercise=relay.drill)
        try:
            return (Queue(self._sign(task, task_id, now_ns, valid_s), now_ns),)
        except GatehouseError as error:
            self._tell("relay-unsent", {"task": task_id, "to": gate, "reason": str(error)})
            return ()


def _relay_of(item: Item, task_id: str, station: str) -> Relay | None:
    """What the hand-over asks for; None when it names no gate."""
    details = json.loads(item.body)["data"].get("details") or {}
    site, slash, node = str(details.get("to")).partition("/")
    try:
        to = Address(station, site, node).base if slash else ""
    except ValueError:
        return None
    if not to:
        return None
    began_ns = min(item.happened_ns, item.received_ns) if item.synced else item.received_ns
    within_s = _within_s(details.get("within_s"))
    name, plain = details.get("name"), str(details.get("round") or "")
    names = name if isinstance(name, dict) else {}
    return Relay(
        task_id,
        item.source,
        to,
        _words(names.get("en"), plain),
        _words(names.get("zh"), plain),
        within_s,
        began_ns + round(within_s * NS_PER_S),
        item.status is Status.EXERCISE,
    )


def _within_s(value: Any) -> float:
    if isinstance(value, int | float) and 1 <= value <= LONGEST_S:
        return float(value)
    return USUAL_S


def _words(value: Any, plain: str) -> str:
    """A name as it may be shown and signed; what a gate says is not trusted to be one."""
    text = value if isinstance(value, str) and value.strip() else plain
    return "".join(c for c in text if c.isprintable())[:LONGEST_NAME] or "?"


def _address(base: str) -> Address:
    topic = parse_gate_topic(f"{base}/task")
    if topic is None:
        raise ValueError(f"{base} is no gate")
    return topic.address
